/** Forgetting a conversation: all of it is erased, and nothing else is changed. */
import { expect } from 'chai'
import type { Make } from './checked.js'
import { append, CHAT, claimed, claimOne, dead, idsOf, OTHER, PATIENT } from './messages.js'

export function forgettingTests(make: Make): void {
  describe('forget', () => {
    it('erases messages, dead batches, seen ids and history, and returns how much that was', async () => {
      const { store } = await make({ ...PATIENT, maxAttempts: 1 })
      await dead(store, CHAT, 'm0')
      await append(store, CHAT, 'm1', 'm2')
      const steps = (await store.history({ conversationId: CHAT, limit: 100 })).length
      expect(await store.forget(CHAT)).to.deep.equal({ messages: 2, deadBatches: 1, historyEntries: steps })
      const { nowMs: _, ...nothing } = await store.conversation(CHAT)
      expect(nothing).to.deep.equal({ conversationId: CHAT, waiting: 0, messages: [] })
      expect(await store.history({ conversationId: CHAT, limit: 100 })).to.deep.equal([])
      expect(await store.dead(10)).to.deep.equal([])
      expect(await store.conversations(10)).to.deep.equal([])
      expect((await append(store, CHAT, 'm1')).accepted, 'a message that comes again is new').to.equal(1)
    })

    it('leaves every other conversation unchanged', async () => {
      const { store } = await make({ ...PATIENT, maxAttempts: 1 })
      await dead(store, CHAT, 'm0')
      await append(store, CHAT, 'm1')
      await append(store, OTHER, 'm2')
      const before = [
        await store.dead(10),
        await store.history({ conversationId: CHAT, limit: 100 }),
        (await store.conversation(CHAT)).messages,
      ]
      expect((await store.forget(OTHER)).messages).to.equal(1)
      expect(before).to.deep.equal([
        await store.dead(10),
        await store.history({ conversationId: CHAT, limit: 100 }),
        (await store.conversation(CHAT)).messages,
      ])
    })

    it('erases a claimed batch, whose lease is lost and whose processor can no longer change anything', async () => {
      const { store } = await make(PATIENT)
      const { batchId, lease } = await claimed(store)
      expect(await store.forget(CHAT)).to.include({ messages: 1, underWay: batchId })
      expect(await store.renew([{ batchId, lease }])).to.deep.equal([{ batchId }])
      await store.ack([batchId])
      expect(await store.nack({ batchId, lease, delayMs: 0, counts: true, error: 'too late' })).to.equal('stale')
      expect(await store.answered(batchId, 'completed')).to.deep.equal({ freed: false })
      expect(await store.history({ limit: 100 })).to.deep.equal([])
    })

    it('ends the hold of a batch that is being answered, so that later messages are released', async () => {
      const { store } = await make({ ...PATIENT, order: 'serial' })
      const { batchId } = await claimed(store)
      await store.ack([batchId])
      expect((await store.forget(CHAT)).underWay).to.equal(batchId)
      await append(store, CHAT, 'm9')
      await store.flush(CHAT)
      expect(idsOf((await claimOne(store)).batch)).to.deep.equal(['m9'])
    })

    it('changes nothing for a conversation that does not exist', async () => {
      const { store } = await make(PATIENT)
      await append(store, CHAT, 'm1')
      expect(await store.forget(OTHER)).to.deep.equal({ messages: 0, deadBatches: 0, historyEntries: 0 })
      expect((await store.conversation(CHAT)).waiting).to.equal(1)
    })
  })
}
