/** Commands on a conversation: typing, flush, drop, redrive, discardDead. */
import { expect } from 'chai'
import type { Make } from './checked.js'
import { allIdsOf, append, CHAT, claim, claimed, claimOne, dead, direct, ended, idsOf, PATIENT } from './messages.js'

export function peopleTests(make: Make): void {
  describe('extend', () => {
    it('moves the due time of the open batch, counted from the sign', async () => {
      const { store } = await make({ ...PATIENT, quietGapMs: 10_000 })
      const { batchId } = await append(store, CHAT, 'm1')
      expect(await store.extend(CHAT, 30_000)).to.deep.equal({ batchId, dueInMs: 30_000 })
      const { open } = await store.conversation(CHAT)
      expect(open?.dueAtMs).to.be.at.least((open?.lastAtMs ?? 0) + 30_000)
    })

    it('never brings the due time forward', async () => {
      const { store } = await make(PATIENT)
      await append(store, CHAT, 'm1')
      const before = (await store.conversation(CHAT)).open
      const result = await store.extend(CHAT, 10)
      expect(result?.dueInMs).to.be.above(PATIENT.quietGapMs - 60_000)
      expect((await store.conversation(CHAT)).open?.dueAtMs).to.equal(before?.dueAtMs)
    })

    it('never moves it past the max wait, which is then the reason of the release', async () => {
      const { store, pass } = await make({ ...PATIENT, quietGapMs: 200, maxWaitMs: 300 })
      await append(store, CHAT, 'm1')
      await store.extend(CHAT, 60_000)
      const { open } = await store.conversation(CHAT)
      expect(open?.dueAtMs).to.equal((open?.firstAtMs ?? 0) + 300)
      await pass(301)
      expect((await claimOne(store)).batch.releasedBy).to.equal('maxWait')
    })

    it('changes nothing if no batch is open, or it is due already', async () => {
      const { store, pass } = await make({ ...PATIENT, quietGapMs: 20 })
      expect(await store.extend(CHAT, 1000)).to.equal(undefined)
      await append(store, CHAT, 'm1')
      await pass(21)
      expect(await store.extend(CHAT, 1000)).to.equal(undefined)
      await claimOne(store)
      expect(await store.extend(CHAT, 1000)).to.equal(undefined)
    })

    it('keeps the header beyond the moved due time', async () => {
      const { store, pass } = await make({ ...PATIENT, quietGapMs: 50, batchTtlMs: 60 })
      await append(store, CHAT, 'm1')
      const extended = await store.extend(CHAT, 200)
      if (!extended) return // The machine took longer than the gap between the two calls.
      await pass(201)
      const { batch, headerLost } = await claimOne(store)
      if (batch.releasedAtMs <= batch.dueAtMs + 60) expect(headerLost).to.equal(undefined)
    })

    it('moves the due time of a batch that opens during a hold too', async () => {
      const { store } = await make({ ...PATIENT, quietGapMs: 10_000 })
      const { batchId } = await claimed(store)
      await append(store, CHAT, 'm2')
      expect((await store.extend(CHAT, 30_000))?.dueInMs).to.equal(30_000)
      await store.ack([batchId])
      const { dueInMs } = await store.answered(batchId, 'completed')
      expect(dueInMs).to.be.within(15_000, 30_000)
    })
  })

  describe('flush', () => {
    it('makes the open batch due at once', async () => {
      const { store } = await make(PATIENT)
      const { batchId } = await append(store, CHAT, 'm1', 'm2')
      expect(await store.flush(CHAT)).to.deep.equal({ batchId, count: 2 })
      const { batch } = await claimOne(store)
      expect(batch).to.include({ batchId, releasedBy: 'flush' })
      expect(batch.dueAtMs).to.be.at.most(batch.releasedAtMs)
    })

    it('changes nothing if no batch is open', async () => {
      const { store } = await make(PATIENT)
      expect(await store.flush(CHAT)).to.equal(undefined)
      await append(store, CHAT, 'm1')
      await store.flush(CHAT)
      expect(await store.flush(CHAT)).to.equal(undefined)
    })

    it('during a hold takes effect when it ends, before later messages', async () => {
      const { store } = await make(PATIENT)
      const first = await claimed(store)
      await append(store, CHAT, 'm2')
      await store.flush(CHAT)
      await append(store, CHAT, 'm3')
      expect(allIdsOf(await claim(store))).to.deep.equal([])
      expect(await ended(store, first.batchId, 'completed')).to.deep.equal({ freed: true, dueInMs: 0 })
      const second = await claimOne(store)
      expect(idsOf(second.batch)).to.deep.equal(['m2'])
      const { dueInMs } = await store.answered(second.batchId, 'completed')
      expect(dueInMs).to.be.above(0)
    })
  })

  describe('drop', () => {
    it('discards sealed and open messages that are not claimed, and returns how many', async () => {
      const { store } = await make({ ...PATIENT, maxMessages: 2 })
      await append(store, CHAT, 'm1', 'm2', 'm3')
      expect(await store.drop(CHAT)).to.equal(3)
      expect(await store.drop(CHAT)).to.equal(0)
      const { nowMs: _, ...nothing } = await store.conversation(CHAT)
      expect(nothing).to.deep.equal({ conversationId: CHAT, waiting: 0, messages: [] })
      expect(await claim(store)).to.deep.equal({ batches: [], checks: [], dead: [], troubles: [] })
    })

    it('leaves the claimed batch and the hold unchanged', async () => {
      const { store } = await make(PATIENT)
      const { batchId, lease } = await claimed(store)
      await append(store, CHAT, 'm2')
      expect(await store.drop(CHAT)).to.equal(1)
      expect((await store.conversation(CHAT)).heldBy).to.deep.equal({ batchId, state: 'claimed' })
      expect(await store.renew([{ batchId, lease }])).to.deep.equal([])
      await append(store, CHAT, 'm3')
      await store.flush(CHAT)
      expect(allIdsOf(await claim(store))).to.deep.equal([])
      await store.answered(batchId, 'completed')
      expect(idsOf((await claimOne(store)).batch)).to.deep.equal(['m3'])
    })
  })

  describe('redrive', () => {
    it('releases a dead batch again under its old id, before later messages', async () => {
      const { store } = await make({ ...PATIENT, maxAttempts: 1 })
      const first = await dead(store)
      await direct(store, CHAT, 'm2', 'm3')
      expect(await store.redrive(first.batchId)).to.deep.equal({ conversationId: CHAT })
      expect(await store.dead(10)).to.deep.equal([])
      const seen: string[][] = []
      for (let i = 0; i < 3; i++) {
        const { batch, batchId, attempt } = await claimOne(store)
        if (i === 0) expect([batchId, attempt, batch.releasedBy]).to.deep.equal([first.batchId, 1, 'flush'])
        seen.push(idsOf(batch))
        await store.answered(batchId, 'completed')
      }
      expect(seen).to.deep.equal([['m1'], ['m2'], ['m3']])
    })

    it('returns a batch of many messages in order, byte for byte', async () => {
      const { store } = await make({ ...PATIENT, maxAttempts: 1, maxMessages: 5000, maxBytes: 10_000_000 })
      const ids = Array.from({ length: 3000 }, (_, i) => `m${i}`)
      await append(store, CHAT, ...ids)
      await store.flush(CHAT)
      const { batchId, lease, batch } = await claimOne(store)
      await store.nack({ batchId, lease, delayMs: 0, counts: true, error: 'a "bad" day\\ 🍰' })
      expect((await store.dead(1))[0]).to.include({ batchId, error: 'a "bad" day\\ 🍰' })
      await store.redrive(batchId)
      const again = (await claimOne(store)).batch
      expect(again).to.deep.equal({ ...batch, releasedAtMs: again.releasedAtMs })
    })

    it('takes effect when a hold ends, and leaves an open batch open', async () => {
      const { store } = await make({ ...PATIENT, maxAttempts: 1 })
      const first = await dead(store)
      const second = await claimed(store, CHAT, 'm2')
      const open = await append(store, CHAT, 'm3')
      await store.redrive(first.batchId)
      expect(allIdsOf(await claim(store))).to.deep.equal([])
      expect((await store.conversation(CHAT)).open?.batchId).to.equal(open.batchId)
      await store.answered(second.batchId, 'completed')
      expect((await claimOne(store)).batchId).to.equal(first.batchId)
      await append(store, CHAT, 'm4')
      expect((await store.conversation(CHAT)).open).to.include({ batchId: open.batchId, count: 2 })
    })

    it('releases several batches in the given order, whatever is claimed meanwhile', async () => {
      const { store } = await make({ ...PATIENT, maxAttempts: 1 })
      const first = await dead(store)
      const second = await dead(store, CHAT, 'm2')
      await direct(store, CHAT, 'm3')
      expect(await store.redrive(first.batchId, second.batchId)).to.deep.equal({ conversationId: CHAT })
      expect(await store.dead(10)).to.deep.equal([])
      const seen: string[][] = []
      for (let i = 0; i < 3; i++) {
        const { batch, batchId } = await claimOne(store)
        seen.push(idsOf(batch))
        await store.answered(batchId, 'completed')
      }
      expect(seen).to.deep.equal([['m1'], ['m2'], ['m3']])
    })

    it('moves no batch if one is not dead, is named twice, or is another conversation’s', async () => {
      const { store } = await make({ ...PATIENT, maxAttempts: 1 })
      const { batchId } = await dead(store)
      const other = await dead(store, 'another', 'm2')
      for (const following of ['gone', batchId, other.batchId])
        expect(await store.redrive(batchId, following)).to.equal(undefined)
      expect((await store.dead(10)).map(one => one.batchId)).to.have.members([batchId, other.batchId])
    })

    it('changes nothing for a batch that is not dead', async () => {
      const { store } = await make({ ...PATIENT, maxAttempts: 1 })
      const { batchId } = await dead(store)
      await store.redrive(batchId)
      expect(await store.redrive(batchId)).to.equal(undefined)
      expect(await store.redrive('gone')).to.equal(undefined)
    })
  })

  describe('discardDead', () => {
    it('erases dead batches, and leaves the others and what waits', async () => {
      const { store } = await make({ ...PATIENT, maxAttempts: 1 })
      const first = await dead(store)
      const second = await dead(store, 'another', 'm2')
      const third = await dead(store, CHAT, 'm3')
      await append(store, CHAT, 'm4')
      expect(await store.discardDead([first.batchId, second.batchId, 'gone'])).to.equal(2)
      expect((await store.dead(10)).map(({ batchId }) => batchId)).to.deep.equal([third.batchId])
      expect((await store.conversation(CHAT)).waiting).to.equal(1)
      expect(await store.discardDead([first.batchId])).to.equal(0)
      expect(await store.discardDead([])).to.equal(0)
      expect(await store.redrive(first.batchId)).to.equal(undefined)
    })

    it('records how many messages were erased, and by which process', async () => {
      const { store } = await make({ ...PATIENT, maxAttempts: 1 })
      await append(store, CHAT, 'm1')
      const { batchId } = await dead(store, CHAT, 'm2')
      await store.discardDead([batchId])
      const [last] = await store.history({ conversationId: CHAT, limit: 1 })
      expect(last).to.deep.include({ step: 'discarded', batchId, conversationId: CHAT })
      expect(last?.detail).to.include({ count: '2' }).and.to.have.property('by')
    })

    it('leaves a batch that is open, claimed or answered as it is', async () => {
      const { store } = await make(PATIENT)
      const { batchId } = await claimed(store)
      const open = await append(store, CHAT, 'm2')
      expect(await store.discardDead([batchId, open.batchId ?? ''])).to.equal(0)
      expect((await store.conversation(CHAT)).heldBy?.batchId).to.equal(batchId)
      expect((await store.conversation(CHAT)).open?.batchId).to.equal(open.batchId)
    })
  })
}
