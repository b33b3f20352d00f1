/** Leases: a batch that its owner does not finish is claimed again, a bounded number of times. */
import { expect } from 'chai'
import type { Make } from './checked.js'
import {
  allIdsOf,
  append,
  CHAT,
  claim,
  claimed,
  claimOne,
  dead,
  direct,
  idsOf,
  neighbours,
  OTHER,
  PATIENT,
} from './messages.js'

const SHORT = { ...PATIENT, leaseMs: 100 }
/** Long enough for a few calls on a busy machine. */
const LONGER = { ...PATIENT, leaseMs: 600 }

export function leaseTests(make: Make): void {
  describe('leases', () => {
    it('give a batch whose lease has ended to the next claim, with the next attempt and a higher lease number', async () => {
      const { store, pass } = await make(SHORT)
      const first = await claimed(store)
      await pass(101)
      const second = await claimOne(store, 'processor-2')
      expect(second.batch).to.deep.equal(first.batch)
      expect(second).to.include({ batchId: first.batchId, attempt: 2 })
      expect(second.lease).to.be.above(first.lease)
    })

    it('that have ended are claimed again, one of a partition in each claim, the earliest first', async () => {
      const { store, pass } = await make(LONGER)
      const order = neighbours(store, 3).toReversed()
      for (const conversation of order) {
        await claimed(store, conversation)
        await pass(2)
      }
      await pass(601)
      const back: string[] = []
      for (let i = 0; i < 3; i++) {
        const { batches, nextInMs } = await claim(store)
        back.push(...batches.map(({ batch }) => batch.conversationId))
        if (i < 2) expect(nextInMs).to.equal(0)
        await store.ack(batches.map(({ batchId }) => batchId))
      }
      expect(back).to.deep.equal(order)
    })

    it('last as long as they are renewed', async () => {
      const { store, pass } = await make({ ...PATIENT, leaseMs: 1000 })
      const { batchId, lease } = await claimed(store)
      for (let i = 0; i < 3; i++) {
        await pass(400)
        expect(await store.renew([{ batchId, lease }])).to.deep.equal([])
      }
      expect(allIdsOf(await claim(store, { owner: 'processor-2' }))).to.deep.equal([])
    })

    it('cannot be renewed once another owner has the batch, or none', async () => {
      const { store, pass } = await make(LONGER)
      const first = await claimed(store)
      await pass(601)
      const second = await claimOne(store, 'processor-2')
      const other = await claimed(store, OTHER)
      const lost = await store.renew([first, other, { batchId: 'gone', lease: 1 }])
      expect(lost).to.deep.equal([{ batchId: first.batchId }, { batchId: 'gone' }])
      expect(await store.renew([second])).to.deep.equal([])
    })

    it('that end maxAttempts times make the batch dead and free the conversation', async () => {
      const { store, pass } = await make({ ...SHORT, maxAttempts: 2 })
      const { batchId } = await claimed(store)
      await pass(101)
      expect(await claimOne(store)).to.include({ batchId, attempt: 2 })
      await direct(store, CHAT, 'm2')
      await pass(101)
      const result = await claim(store)
      expect(result.dead).to.deep.equal([{ batchId, conversationId: CHAT, error: 'its lease ran out 2 times' }])
      expect((await store.dead(10)).map(batch => batch.batchId)).to.deep.equal([batchId])
      const next = result.batches.length > 0 ? result : await claim(store)
      expect(allIdsOf(next)).to.deep.equal([['m2']])
    })
  })

  describe('nack', () => {
    it('lets a failed batch be claimed again after the delay, as its next attempt', async () => {
      const { store, pass } = await make(PATIENT)
      const first = await claimed(store)
      const failure = { batchId: first.batchId, delayMs: 50, counts: true, error: 'refused' }
      expect(await store.nack({ ...failure, lease: first.lease })).to.equal('retry')
      await pass(51)
      const second = await claimOne(store)
      expect(second).to.include({ batchId: first.batchId, attempt: 2 })
      expect(second.batch).to.deep.equal(first.batch)
    })

    it('keeps a failed batch, and its conversation held, until the delay is over', async () => {
      const { store } = await make(PATIENT)
      const failed = await claimed(store)
      await store.nack({ ...failed, delayMs: 90_000, counts: true, error: 'refused' })
      await direct(store, CHAT, 'm2')
      const { batches, nextInMs } = await claim(store)
      expect(batches).to.deep.equal([])
      expect(nextInMs).to.be.within(60_000, 90_000)
    })

    it('counts no attempt if asked not to, however often', async () => {
      const { store } = await make({ ...PATIENT, maxAttempts: 1 })
      let { batchId, lease, attempt } = await claimed(store)
      for (let i = 0; i < 5; i++) {
        expect(attempt).to.equal(1)
        expect(await store.nack({ batchId, lease, delayMs: 0, counts: false, error: 'queue down' })).to.equal('retry')
        ;({ batchId, lease, attempt } = await claimOne(store))
      }
    })

    it('changes nothing if the owner’s lease has ended', async () => {
      const { store, pass } = await make(SHORT)
      const first = await claimed(store)
      await pass(101)
      const second = await claimOne(store, 'processor-2')
      const failure = { batchId: first.batchId, delayMs: 0, counts: true, error: 'refused' }
      expect(await store.nack({ ...failure, lease: first.lease })).to.equal('stale')
      expect(await store.renew([second])).to.deep.equal([])
      expect(await store.nack({ ...failure, lease: second.lease })).to.equal('retry')
      expect(await store.nack({ ...failure, lease: second.lease })).to.equal('stale')
      expect(await store.nack({ ...failure, batchId: 'gone', lease: 1 })).to.equal('stale')
    })

    it('of the last attempt makes the batch dead, kept with its messages and its error', async () => {
      const { store } = await make({ ...PATIENT, maxAttempts: 2 })
      const { batchId, batch } = await dead(store)
      const [found, ...others] = await store.dead(10)
      expect(others).to.deep.equal([])
      expect(found).to.deep.include({ batchId, conversationId: CHAT, attempts: 2, error: 'refused', batch })
      expect(found?.diedAtMs).to.be.at.least(batch.releasedAtMs)
      expect(await store.conversations(10)).to.deep.equal([])
      expect((await store.conversation(CHAT)).heldBy).to.equal(undefined)
    })
  })

  describe('giveBack', () => {
    it('ends an owner’s leases except those to keep, without counting an attempt', async () => {
      const { store } = await make(PATIENT)
      for (const conversation of ['a', 'b']) await direct(store, conversation, 'm1')
      const [keeps, gives] = (await claim(store)).batches
      await direct(store, 'c', 'm1')
      await claimOne(store, 'processor-2')
      expect(await store.giveBack('processor-1', [keeps?.batchId ?? ''])).to.deep.equal([gives?.batchId])
      expect(await store.renew([{ batchId: gives?.batchId ?? '', lease: gives?.lease ?? 0 }])).to.have.lengthOf(1)
      const again = await claimOne(store, 'processor-3')
      expect(again).to.include({ batchId: gives?.batchId, attempt: 1 })
      expect(again.batch).to.deep.equal(gives?.batch)
    })

    it('returns nothing for an owner without claims', async () => {
      const { store } = await make(PATIENT)
      await claimed(store)
      expect(await store.giveBack('nobody')).to.deep.equal([])
    })
  })

  describe('ack', () => {
    it('is valid from an owner whose lease has ended: the batch is not claimed again', async () => {
      const { store, pass } = await make({ ...SHORT, order: 'concurrent' })
      const { batchId } = await claimed(store)
      await pass(101)
      await claimOne(store, 'processor-2')
      await store.ack([batchId])
      await pass(101)
      expect(allIdsOf(await claim(store))).to.deep.equal([])
      expect(await store.conversations(10)).to.deep.equal([])
    })

    it('removes a batch that is dead by then, and changes nothing else', async () => {
      const { store } = await make({ ...PATIENT, maxAttempts: 1 })
      const { batchId } = await dead(store)
      await append(store, CHAT, 'm2')
      await store.ack([batchId])
      expect(await store.dead(10)).to.deep.equal([])
      expect((await store.conversation(CHAT)).heldBy).to.equal(undefined)
      await store.flush(CHAT)
      expect(idsOf((await claimOne(store)).batch)).to.deep.equal(['m2'])
    })

    it('accepts many batches, with repeated and unknown ones among them', async () => {
      const { store } = await make({ ...PATIENT, order: 'concurrent' })
      for (let i = 0; i < 30; i++) await direct(store, `chat-${i}`, 'm1')
      const ids = (await claim(store)).batches.map(({ batchId }) => batchId)
      await store.ack([...ids, ...ids, 'gone'])
      expect(await store.conversations(100)).to.deep.equal([])
      expect(await claim(store)).not.to.have.property('nextInMs')
    })
  })
}
