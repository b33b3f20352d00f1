/** Holds and pauses where they meet other things: commits, caps, corrections, merges and each other. */
import { expect } from 'chai'
import type { Store } from '../../../src/store/store.js'
import type { Make } from './checked.js'
import { append, CHAT, claim, claimOne, idsOf, message, PATIENT } from './messages.js'

const FAR_MS = 400_000

export function holdingBackCornerTests(make: Make): void {
  const voices = (store: Store, ...messageIds: string[]) =>
    store.append({ conversationId: CHAT, messages: messageIds.map(messageId => ({ messageId, type: 'voice' })) })

  describe('a hold', () => {
    for (const [whose, rules, own] of [
      ['the store’s', { holdMaxMs: FAR_MS }, {}],
      ['the conversation’s own', {}, { holdMaxMs: FAR_MS }],
    ] as const)
      it(`that lasts longer than any max wait keeps the commit from its due time (by ${whose} rules)`, async () => {
        const early = { quietGapMs: 1000, maxWaitMs: 1500, earlyStartMs: 10, answering: 'supersede' } as const
        const { store, pass } = await make({ ...early, ...rules })
        await store.append({ conversationId: CHAT, messages: [message('m1')], rules: { ...own, scopes: {} } })
        await pass(11)
        const { batchId } = await claimOne(store)
        await store.hold(CHAT, 'transcript', FAR_MS)
        await pass(1001)
        expect((await store.commit(batchId)).state).to.equal('wait')
      })

    it('of a message concerns the batch of that message, and not the next one of the same append', async () => {
      const { store, pass } = await make({ ...PATIENT, quietGapMs: 30, maxMessages: 2, holdTypes: ['voice'] })
      await voices(store, 'm1', 'm2', 'm3')
      expect((await store.conversation(CHAT)).holds?.map(({ key }) => key)).to.deep.equal(['m3'])
      expect(idsOf((await claimOne(store)).batch)).to.deep.equal(['m1', 'm2'])
      expect(await store.edit({ conversationId: CHAT, messageId: 'm3', text: 'a cake' })).to.equal('edited')
      await pass(31)
      const { open } = await store.conversation(CHAT)
      expect(Number(open?.dueAtMs) - Number(open?.firstAtMs)).to.be.below(FAR_MS / 2)
    })

    it('keeps a batch from its early start after an edit has superseded its answer', async () => {
      const { store, pass } = await make({
        ...{ ...PATIENT, quietGapMs: 500_000, earlyStartMs: 10, answering: 'supersede' },
      })
      await append(store, CHAT, 'm1')
      await pass(11)
      await claimOne(store)
      await store.hold(CHAT, 'transcript', FAR_MS)
      expect(await store.edit({ conversationId: CHAT, messageId: 'm1', text: 'a cake' })).to.equal('edited')
      await pass(11)
      expect((await claim(store)).batches).to.deep.equal([])
      await store.release(CHAT, 'transcript')
      expect((await claimOne(store)).batch.text).to.equal('a cake')
    })

    for (const [held, other] of [
      ['from', 'into'],
      ['into', 'from'],
    ] as const)
      it(`of ${held} holds back what a merge joins`, async () => {
        const { store, pass } = await make({ ...PATIENT, quietGapMs: 30 })
        await append(store, held, 'm1')
        await store.hold(held, 'transcript', FAR_MS)
        await append(store, other, 'm2')
        expect(await store.merge('from', 'into')).to.equal(1)
        await pass(31)
        expect((await claim(store)).batches).to.deep.equal([])
        await store.release('into', 'transcript')
        expect(idsOf((await claimOne(store)).batch)).to.have.members(['m1', 'm2'])
      })

    it('does not move the due time of a batch that is past the longest hold', async () => {
      const { store, pass } = await make({ ...PATIENT, quietGapMs: 20, maxWaitMs: 40 })
      await append(store, CHAT, 'm1')
      const { open: before } = await store.conversation(CHAT)
      await pass(60)
      expect(await store.hold(CHAT, 'transcript', FAR_MS)).to.deep.equal({ dueInMs: 0 })
      const { open } = await store.conversation(CHAT)
      expect(open?.dueAtMs).to.equal(Number(before?.firstAtMs) + 40)
      await claimOne(store)
    })

    it('under one key on both ids of a person lasts as long as the longer one', async () => {
      const { store, pass } = await make({ ...PATIENT, quietGapMs: 30 })
      await append(store, 'into', 'm1')
      await store.hold('into', 'transcript', FAR_MS)
      await store.hold('from', 'transcript', 20)
      await store.merge('from', 'into')
      await pass(31)
      expect((await claim(store)).batches).to.deep.equal([])
    })

    it('of a message still holds it back in the batch that a merge has joined it to', async () => {
      const { store, pass } = await make({ ...PATIENT, quietGapMs: 30, holdTypes: ['voice'], holdMs: FAR_MS })
      await append(store, 'into', 'm1')
      await store.append({ conversationId: 'from', messages: [{ messageId: 'm2', type: 'voice' }] })
      expect(await store.merge('from', 'into')).to.equal(1)
      await pass(31)
      expect((await claim(store)).batches).to.deep.equal([])
      await store.edit({ conversationId: 'into', messageId: 'm2', text: 'a cake' })
      expect(idsOf((await claimOne(store)).batch)).to.deep.equal(['m1', 'm2'])
    })
  })

  describe('after a pause', () => {
    const TIMES = { quietGapMs: 100, maxWaitMs: 150 }
    const openOf = async (store: Store) => {
      const { open } = await store.conversation(CHAT)
      if (!open) throw new Error('no batch is open')
      return open
    }

    it('that a call has ended, the max wait of what was collected counts from that', async () => {
      const { store, pass } = await make({ ...PATIENT, ...TIMES })
      await store.pause(CHAT, { forMs: FAR_MS, keep: 'collect' })
      await append(store, CHAT, 'm1')
      await pass(160)
      await store.resume(CHAT)
      await append(store, CHAT, 'm2')
      const { count, firstAtMs, dueAtMs } = await openOf(store)
      expect(count).to.equal(2)
      expect(dueAtMs).to.be.above(firstAtMs + 160 + TIMES.quietGapMs - 1)
    })

    it('that has ended by itself, too', async () => {
      const { store, pass } = await make({ ...PATIENT, ...TIMES })
      const { untilMs } = await store.pause(CHAT, { forMs: 160, keep: 'collect' })
      await append(store, CHAT, 'm1')
      await pass(161)
      await append(store, CHAT, 'm2')
      const { lastAtMs, dueAtMs } = await openOf(store)
      expect(dueAtMs).to.equal(Math.min(lastAtMs + TIMES.quietGapMs, untilMs + TIMES.maxWaitMs))
    })

    it('the next batch counts its max wait from its own first message', async () => {
      const { store, pass } = await make({ ...PATIENT, ...TIMES })
      await store.pause(CHAT, { forMs: FAR_MS, keep: 'collect' })
      await append(store, CHAT, 'm1')
      await store.resume(CHAT)
      await store.append({ conversationId: CHAT, messages: [message('m2')], flush: true })
      const { batchId } = await claimOne(store)
      await store.ack([batchId])
      await store.answered(batchId, 'completed')
      await append(store, CHAT, 'm3')
      await pass(60)
      await append(store, CHAT, 'm4')
      const { firstAtMs, lastAtMs, dueAtMs } = await openOf(store)
      expect(dueAtMs).to.equal(Math.min(lastAtMs + TIMES.quietGapMs, firstAtMs + TIMES.maxWaitMs))
    })
  })

  describe('the pause of a person', () => {
    for (const paused of ['from', 'into'] as const)
      it(`that began under the id ${paused} ends for all messages at once`, async () => {
        const { store, pass } = await make({ ...PATIENT, quietGapMs: 30 })
        await append(store, 'from', 'm1')
        await append(store, 'into', 'm2')
        await store.pause(paused, { forMs: FAR_MS, keep: 'collect' })
        await store.merge('from', 'into')
        await pass(31)
        expect((await claim(store)).batches).to.deep.equal([])
        expect(await store.resume('into')).to.equal(true)
        await store.merge('from', 'into')
        expect((await store.paused(10)).length).to.equal(0)
        expect(idsOf((await claimOne(store)).batch)).to.have.members(['m1', 'm2'])
      })
  })
}
