/** Claims: which batches they take, in which order, and what they return. */
import { expect } from 'chai'
import type { Make } from './checked.js'
import {
  allIdsOf,
  append,
  CHAT,
  claim,
  claimed,
  claimOne,
  direct,
  idsOf,
  message,
  neighbours,
  OTHER,
  PATIENT,
} from './messages.js'

export function claimTests(make: Make): void {
  describe('claim', () => {
    it('returns nothing from an empty store, and no time to wait for', async () => {
      const { store } = await make(PATIENT)
      expect(await claim(store)).to.deep.equal({ batches: [], checks: [], dead: [], troubles: [] })
    })

    it('takes no batch before it is due, and returns when that is', async () => {
      const { store, pass } = await make(PATIENT)
      await append(store, CHAT, 'm1')
      await pass(10)
      const { batches, nextInMs } = await claim(store)
      expect(batches).to.deep.equal([])
      expect(nextInMs).to.be.within(PATIENT.quietGapMs - 60_000, PATIENT.quietGapMs - 10)
    })

    it('takes a batch after its quiet gap, with times by the store’s clock', async () => {
      const { store, pass } = await make({ ...PATIENT, quietGapMs: 50 })
      const { batchId } = await append(store, CHAT, 'm1')
      await pass(51)
      const taken = await claimOne(store)
      expect(taken).to.include({ batchId, attempt: 1, lease: 1 })
      expect(taken).not.to.have.property('headerLost')
      const { firstAtMs, lastAtMs, dueAtMs, releasedAtMs, releasedBy } = taken.batch
      expect(releasedBy).to.equal('gap')
      expect(firstAtMs).to.equal(lastAtMs)
      expect(dueAtMs).to.equal(lastAtMs + 50)
      expect(taken.lateMs).to.equal(releasedAtMs - dueAtMs)
      expect(taken.batch.messages[0]?.receivedAtMs).to.equal(firstAtMs)
    })

    it('returns the parts of the conversation’s id and its provider, and messages in order of their send times', async () => {
      const { store } = await make(PATIENT)
      const messages = [
        message('m2', { sentAtMs: 2000, provider: 'waha', isGroup: true }),
        message('m1', { sentAtMs: 1000, provider: 'waha', isGroup: true }),
      ]
      await store.append({ conversationId: 'sh%2Fop/123@g.us', messages })
      await store.flush('sh%2Fop/123@g.us')
      const { batch } = await claimOne(store)
      expect(batch).to.include({ version: 1, chatId: '123@g.us', account: 'sh/op', provider: 'waha', isGroup: true })
      expect(idsOf(batch)).to.deep.equal(['m1', 'm2'])
      expect(batch.text).to.equal('text of m1\ntext of m2')
    })

    it('takes the batch of a partition that has been due longest first', async () => {
      const { store, pass } = await make(PATIENT)
      const order = neighbours(store, 4)
      for (const conversation of order) await append(store, conversation, `of ${conversation}`)
      for (const conversation of order.toReversed()) {
        await store.flush(conversation)
        await pass(2)
      }
      const { batches } = await claim(store)
      expect(batches.map(({ batch }) => batch.conversationId)).to.deep.equal(order.toReversed())
    })

    it('takes at most maxBatches, and returns that there are more', async () => {
      const { store } = await make(PATIENT)
      for (const conversation of ['a', 'b', 'c', 'd', 'e']) await direct(store, conversation, 'm1')
      const counts: [number, number | undefined][] = []
      for (let i = 0; i < 3; i++) {
        const { batches, nextInMs } = await claim(store, { maxBatches: 2 })
        counts.push([batches.length, nextInMs === 0 ? 0 : undefined])
      }
      expect(counts).to.deep.equal([
        [2, 0],
        [2, 0],
        [1, undefined],
      ])
    })

    it('stops at the batch that reaches maxBytes, and always takes one', async () => {
      const { store } = await make(PATIENT)
      for (const conversation of ['a', 'b', 'c']) await direct(store, conversation, 'm1')
      expect((await claim(store, { maxBytes: 1 })).batches).to.have.lengthOf(1)
      expect((await claim(store, { maxBytes: 150 })).batches).to.have.lengthOf(2)
    })

    it('gives a batch to one owner only', async () => {
      const { store } = await make(PATIENT)
      await append(store, CHAT, 'm1')
      await store.flush(CHAT)
      const claims = await Promise.all(Array.from({ length: 10 }, (_, i) => claim(store, { owner: `processor-${i}` })))
      expect(claims.flatMap(allIdsOf)).to.deep.equal([['m1']])
    })

    it('returns when the lease ends, if nothing is due before', async () => {
      const { store } = await make({ ...PATIENT, leaseMs: 100_000 })
      await direct(store, CHAT, 'm1')
      const { nextInMs } = await claim(store)
      expect(nextInMs).to.equal(100_000)
    })

    it('leaves messages that come during a hold to the next batch', async () => {
      const { store } = await make(PATIENT)
      const first = await claimed(store)
      const { batchId } = await append(store, CHAT, 'm2')
      expect(batchId).not.to.equal(first.batchId)
      await store.flush(CHAT)
      expect(allIdsOf(await claim(store))).to.deep.equal([])
      expect(await store.conversation(CHAT)).to.deep.include({ waiting: 1 })
    })

    it('releases a batch whose header expired, with the reason recovery', async () => {
      const { store, pass } = await make({ ...PATIENT, quietGapMs: 20, batchTtlMs: 60 })
      await append(store, CHAT, 'm1', 'm2')
      await pass(65)
      const { open, waiting } = await store.conversation(CHAT)
      expect([open, waiting]).to.deep.equal([undefined, 2])
      const taken = await claimOne(store)
      expect(taken.headerLost).to.equal('expired')
      expect(taken.batch.releasedBy).to.equal('recovery')
      expect(taken.batch.dueAtMs).to.equal(taken.batch.lastAtMs + 20)
      expect(idsOf(taken.batch)).to.deep.equal(['m1', 'm2'])
    })

    it('releases a batch without a header before the batch that a new message opens', async () => {
      const { store, pass } = await make({ ...PATIENT, quietGapMs: 20, batchTtlMs: 60, order: 'concurrent' })
      await append(store, CHAT, 'm1')
      await pass(65)
      await append(store, CHAT, 'm2')
      await pass(25)
      const first = await claimOne(store)
      expect(first.batch.releasedBy).to.equal('recovery')
      expect(idsOf(first.batch)).to.deep.equal(['m1'])
      await store.ack([first.batchId])
      const second = await claimOne(store)
      expect(idsOf(second.batch)).to.deep.equal(['m2'])
    })

    it('adds a message that comes before a late claim, and moves the due time again', async () => {
      const { store, pass } = await make({ ...PATIENT, quietGapMs: 50 })
      const { batchId } = await append(store, CHAT, 'm1')
      await pass(60)
      expect((await append(store, CHAT, 'm2')).batchId).to.equal(batchId)
      await pass(51)
      const { batch } = await claimOne(store)
      expect(idsOf(batch)).to.deep.equal(['m1', 'm2'])
      expect(batch.dueAtMs).to.equal(batch.lastAtMs + 50)
    })

    it('takes batches of other conversations while one is held', async () => {
      const { store } = await make(PATIENT)
      await claimed(store)
      await append(store, CHAT, 'm2')
      await append(store, OTHER, 'm1')
      await store.flush(CHAT)
      await store.flush(OTHER)
      expect((await claimOne(store)).batch.conversationId).to.equal(OTHER)
    })
  })
}
