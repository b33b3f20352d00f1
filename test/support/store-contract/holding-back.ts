/** What keeps a batch from its due time: holds, signs of typing and pauses. */
import { expect } from 'chai'
import type { Store } from '../../../src/store/store.js'
import type { Make } from './checked.js'
import { append, CHAT, claim, claimed, claimOne, direct, idsOf, message, OTHER, PATIENT, steps } from './messages.js'

const SUPERSEDE = { ...PATIENT, answering: 'supersede' } as const
const DAY_MS = 86_400_000

export function holdingBackTests(make: Make): void {
  describe('a hold', () => {
    it('keeps the open batch from its due time, and a release makes it due at its own', async () => {
      const { store, pass } = await make({ ...PATIENT, quietGapMs: 30 })
      await append(store, CHAT, 'm1')
      const { dueInMs = 0 } = await store.hold(CHAT, 'transcript', 400_000)
      expect(dueInMs).to.be.within(399_900, 400_000)
      await pass(31)
      expect((await claim(store)).batches).to.deep.equal([])
      expect((await store.conversation(CHAT)).holds?.map(({ key }) => key)).to.deep.equal(['transcript'])
      expect(await store.release(CHAT, 'transcript')).to.equal(true)
      const { batch } = await claimOne(store)
      expect(batch.releasedBy).to.equal('gap')
      expect(await store.release(CHAT, 'transcript')).to.equal(false)
    })

    it('that comes before the message holds its batch, too', async () => {
      const { store, pass } = await make({ ...PATIENT, quietGapMs: 30 })
      await store.hold(CHAT, 'upload', 400_000)
      const { dueInMs = 0 } = await append(store, CHAT, 'm1')
      expect(dueInMs).to.be.above(399_000)
      await pass(31)
      expect((await claim(store)).batches).to.deep.equal([])
    })

    it('ends with its time', async () => {
      const { store, pass } = await make({ ...PATIENT, quietGapMs: 20 })
      await append(store, CHAT, 'm1')
      await store.hold(CHAT, 'transcript', 1000)
      await pass(21)
      expect((await claim(store)).batches).to.deep.equal([])
      await pass(1000)
      expect(idsOf((await claimOne(store)).batch)).to.deep.equal(['m1'])
      expect(await store.conversation(CHAT)).to.not.have.property('holds')
    })

    it('is one of several: the last to end counts', async () => {
      const { store, pass } = await make({ ...PATIENT, quietGapMs: 20 })
      await append(store, CHAT, 'm1')
      await store.hold(CHAT, 'a', 500_000)
      await store.hold(CHAT, 'b', 500_000)
      await store.release(CHAT, 'a')
      await pass(21)
      expect((await claim(store)).batches).to.deep.equal([])
      await store.release(CHAT, 'b')
      await claimOne(store)
    })

    it('lasts no longer than the max wait, or than holdMaxMs if that is longer', async () => {
      for (const [holdMaxMs, longest] of [
        [0, 40_000],
        [70_000, 70_000],
      ] as const) {
        const { store } = await make({ quietGapMs: 30_000, maxWaitMs: 40_000, holdMaxMs })
        await append(store, CHAT, 'm1')
        await store.hold(CHAT, 'transcript', 500_000)
        const { open } = await store.conversation(CHAT)
        expect(open?.dueAtMs).to.equal(Number(open?.firstAtMs) + longest)
      }
    })

    it('keeps a batch from its early start', async () => {
      const { store, pass } = await make({ ...SUPERSEDE, quietGapMs: 500_000, earlyStartMs: 20 })
      await append(store, CHAT, 'm1')
      await store.hold(CHAT, 'transcript', 400_000)
      await pass(21)
      expect((await claim(store)).batches).to.deep.equal([])
      await store.release(CHAT, 'transcript')
      expect((await claimOne(store)).batch.releasedBy).to.equal('early')
    })

    it('keeps the commit of an answer that is under way from its due time', async () => {
      const { store, pass } = await make({ ...SUPERSEDE, quietGapMs: 1000, earlyStartMs: 10 })
      await append(store, CHAT, 'm1')
      await pass(11)
      const { batchId } = await claimOne(store)
      await store.hold(CHAT, 'transcript', 400_000)
      await pass(1001)
      expect((await store.commit(batchId)).state).to.equal('wait')
      await store.release(CHAT, 'transcript')
      expect(await store.commit(batchId)).to.deep.equal({ state: 'go' })
    })
  })

  describe('a message of a type that holds', () => {
    const VOICE = { ...PATIENT, quietGapMs: 30, holdTypes: ['voice'], holdMs: 400_000 } as const
    const voice = (store: Store, messageId: string, conversationId = CHAT) =>
      store.append({ conversationId, messages: [{ messageId, type: 'voice' }] })

    it('holds back its batch until its text comes', async () => {
      const { store, pass } = await make(VOICE)
      await voice(store, 'm1')
      await append(store, CHAT, 'm2')
      await pass(31)
      expect((await claim(store)).batches).to.deep.equal([])
      expect((await store.conversation(CHAT)).holds?.map(({ key }) => key)).to.deep.equal(['m1'])
      expect(await store.edit({ conversationId: CHAT, messageId: 'm1', text: 'a cake' })).to.equal('edited')
      const { batch } = await claimOne(store)
      expect(batch.text).to.equal('a cake\ntext of m2')
    })

    it('holds nothing if it has its text already, is direct, or ends its batch', async () => {
      const { store, pass } = await make(VOICE)
      await store.append({ conversationId: 'a', messages: [message('m1', { type: 'voice' })] })
      await store.append({ conversationId: 'b', messages: [{ messageId: 'm1', type: 'voice' }], direct: true })
      await store.append({ conversationId: 'c', messages: [{ messageId: 'm1', type: 'voice' }], flush: true })
      await pass(31)
      expect((await claim(store)).batches).to.have.length(3)
    })

    it('does not hold back the batch after its own', async () => {
      const { store, pass } = await make(VOICE)
      await voice(store, 'm1')
      await store.flush(CHAT)
      const { batchId } = await claimOne(store)
      await store.ack([batchId])
      await store.answered(batchId, 'completed')
      await append(store, CHAT, 'm2')
      await pass(31)
      expect(idsOf((await claimOne(store)).batch)).to.deep.equal(['m2'])
    })

    it('may be one by the rules of its conversation', async () => {
      const { store, pass } = await make({ ...PATIENT, quietGapMs: 30 })
      await store.append({
        conversationId: CHAT,
        messages: [{ messageId: 'm1', type: 'image' }],
        rules: { holdTypes: ['image'], holdMs: 400_000, scopes: {} },
      })
      await pass(31)
      expect((await claim(store)).batches).to.deep.equal([])
    })
  })

  describe('signs of typing, with a typing gap', () => {
    const TYPING = { ...PATIENT, quietGapMs: 50_000, typingGapMs: 4000 }

    it('shorten the quiet gap of a conversation for a day', async () => {
      const { store } = await make(TYPING)
      expect((await append(store, CHAT, 'm1')).dueInMs).to.equal(50_000)
      await store.extend(CHAT, 12_000)
      expect((await append(store, CHAT, 'm2')).dueInMs).to.equal(4000)
      expect((await append(store, OTHER, 'n1')).dueInMs).to.equal(50_000)
    })

    it('hold for as long as a sign is worth, or until the typing has ended', async () => {
      const { store } = await make(TYPING)
      await append(store, CHAT, 'm1')
      expect((await store.extend(CHAT, 12_000))?.dueInMs).to.equal(12_000)
      expect((await store.extend(CHAT, 0))?.dueInMs).to.equal(4000)
      expect((await store.extend(CHAT, 12_000))?.dueInMs).to.equal(12_000)
      expect((await append(store, CHAT, 'm2')).dueInMs).to.equal(4000)
    })

    it('never hold a batch beyond its max wait', async () => {
      const { store } = await make({ ...TYPING, maxWaitMs: 60_000 })
      await append(store, CHAT, 'm1')
      await store.extend(CHAT, 500_000)
      const { open } = await store.conversation(CHAT)
      expect(open?.dueAtMs).to.equal(Number(open?.firstAtMs) + 60_000)
    })

    it('are those of a conversation with rules of its own', async () => {
      const { store } = await make({ ...PATIENT, quietGapMs: 50_000 })
      const rules = { typingGapMs: 3000, scopes: {} }
      await store.append({ conversationId: CHAT, messages: [message('m1')], rules })
      expect((await store.extend(CHAT, 0, { rules }))?.dueInMs).to.equal(3000)
      expect(await store.conversation(CHAT)).to.have.property('typedAgoMs')
    })

    it('leave no trace without a typing gap', async () => {
      const { store } = await make(PATIENT)
      await append(store, CHAT, 'm1')
      await store.extend(CHAT, 12_000)
      expect(await store.conversation(CHAT)).to.not.have.property('typedAgoMs')
    })
  })

  describe('a pause', () => {
    it('discards what waits and what comes, and counts it as accepted', async () => {
      const { store, pass } = await make({ ...PATIENT, quietGapMs: 30 })
      await append(store, CHAT, 'm1')
      expect(await store.pause(CHAT, { forMs: 400_000, keep: 'drop' })).to.include({ dropped: 1 })
      const result = await append(store, CHAT, 'm2', 'm3')
      expect(result).to.include({ accepted: 2, duplicates: 0, paused: 2 })
      expect(result).to.not.have.property('batchId')
      expect(await append(store, CHAT, 'm2')).to.include({ accepted: 0, duplicates: 1 })
      await pass(31)
      expect((await claim(store)).batches).to.deep.equal([])
      expect(steps(await store.history({ limit: 2, conversationId: CHAT }))).to.deep.equal(['paused', 'pause'])
    })

    it('ends by itself, and what comes then is handed over', async () => {
      const { store, pass } = await make({ ...PATIENT, quietGapMs: 20 })
      const { untilMs } = await store.pause(CHAT, { forMs: 1000, keep: 'drop' })
      expect((await store.conversation(CHAT)).paused).to.include({ untilMs, keep: 'drop' })
      await append(store, CHAT, 'm1')
      await pass(1001)
      expect(await store.conversation(CHAT)).to.not.have.property('paused')
      await append(store, CHAT, 'm2')
      await pass(21)
      expect(idsOf((await claimOne(store)).batch)).to.deep.equal(['m2'])
    })

    it('that collects hands all over as one when it ends', async () => {
      const { store, pass } = await make({ ...PATIENT, quietGapMs: 20, maxMessages: 2 })
      await append(store, CHAT, 'm1')
      await store.pause(CHAT, { forMs: 1000, keep: 'collect' })
      expect(await append(store, CHAT, 'm2', 'm3')).to.include({ accepted: 2, paused: 2 })
      await direct(store, CHAT, 'm4')
      await pass(30)
      expect((await claim(store)).batches).to.deep.equal([])
      await pass(1000)
      expect(idsOf((await claimOne(store)).batch)).to.deep.equal(['m1', 'm2', 'm3', 'm4'])
    })

    it('that collects has no cap of bytes, in an edit neither', async () => {
      const { store } = await make({ ...PATIENT, maxBytes: 200 })
      await store.pause(CHAT, { forMs: 400_000, keep: 'collect' })
      await append(store, CHAT, 'm1')
      expect(await store.edit({ conversationId: CHAT, messageId: 'm1', text: 'a'.repeat(300) })).to.equal('edited')
      expect((await claim(store)).batches).to.deep.equal([])
      expect((await store.conversation(CHAT)).open?.count).to.equal(1)
    })

    it('that collects waits for a quiet gap after the last message, if that is later', async () => {
      const { store } = await make({ ...PATIENT, quietGapMs: 500_000 })
      await store.pause(CHAT, { forMs: 100_000, keep: 'collect' })
      expect((await append(store, CHAT, 'm1')).dueInMs).to.equal(500_000)
    })

    it('that collects takes in what waits behind an answer, which goes on', async () => {
      const { store, pass } = await make(PATIENT)
      const { batchId } = await claimed(store)
      await store.ack([batchId])
      await direct(store, CHAT, 'm2')
      await append(store, CHAT, 'm3')
      await store.pause(CHAT, { forMs: 400_000, keep: 'collect' })
      await store.answered(batchId, 'completed')
      expect((await claim(store)).batches).to.deep.equal([])
      await store.resume(CHAT)
      await store.flush(CHAT)
      await pass(1)
      expect(idsOf((await claimOne(store)).batch)).to.deep.equal(['m2', 'm3'])
    })

    for (const keep of ['drop', 'collect'] as const)
      it(`supersedes an answer that is not committed (${keep})`, async () => {
        const { store, pass } = await make({ ...SUPERSEDE, quietGapMs: 40, earlyStartMs: 10 })
        await append(store, CHAT, 'm1')
        await pass(11)
        const { batchId } = await claimOne(store)
        await store.ack([batchId])
        await store.pause(CHAT, { forMs: 400_000, keep })
        await pass(41)
        expect((await store.commit(batchId)).state).to.equal('superseded')
        expect((await store.conversation(CHAT)).waiting).to.equal(keep === 'drop' ? 0 : 1)
      })

    it('lets an answer go on that is committed', async () => {
      const { store } = await make(SUPERSEDE)
      const { batchId } = await claimed(store)
      await store.commit(batchId)
      await store.pause(CHAT, { forMs: 400_000, keep: 'drop' })
      expect(await store.commit(batchId)).to.deep.equal({ state: 'go', again: true })
    })

    it('ends with resume, and what was collected is due at its quiet gap', async () => {
      const { store, pass } = await make({ ...PATIENT, quietGapMs: 20 })
      await store.pause(CHAT, { forMs: 400_000, keep: 'collect' })
      await append(store, CHAT, 'm1')
      await pass(21)
      expect(await store.resume(CHAT)).to.equal(true)
      expect(idsOf((await claimOne(store)).batch)).to.deep.equal(['m1'])
      expect(await store.resume(CHAT)).to.equal(false)
    })

    it('is prolonged, or shortened, by another one', async () => {
      const { store } = await make(PATIENT)
      await store.pause(CHAT, { forMs: 400_000, keep: 'drop' })
      const { untilMs } = await store.pause(CHAT, { forMs: 1000, keep: 'drop' })
      expect((await store.conversation(CHAT)).paused?.untilMs).to.equal(untilMs)
    })

    it('concerns its conversation alone, and is listed by its end', async () => {
      const { store } = await make({ ...PATIENT, quietGapMs: 30_000 })
      await store.pause(CHAT, { forMs: 2 * DAY_MS, keep: 'drop' })
      await store.pause(OTHER, { forMs: DAY_MS, keep: 'drop' })
      await store.pause('third', { forMs: DAY_MS, keep: 'drop' })
      await store.resume('third')
      expect((await store.paused(10)).map(({ conversationId }) => conversationId)).to.deep.equal([OTHER, CHAT])
      expect(await store.paused(1)).to.have.length(1)
      expect((await append(store, 'third', 'm1')).paused).to.equal(undefined)
    })

    it('is forgotten with its conversation', async () => {
      const { store } = await make(PATIENT)
      await store.pause(CHAT, { forMs: DAY_MS, keep: 'drop' })
      await store.forget(CHAT)
      expect(await store.paused(10)).to.deep.equal([])
      expect((await append(store, CHAT, 'm1')).batchId).to.be.a('string')
    })

    it('of one id of a person is one of the person', async () => {
      const { store } = await make(PATIENT)
      await append(store, 'from', 'm1')
      await store.pause('from', { forMs: DAY_MS, keep: 'drop' })
      expect(await store.merge('from', 'into')).to.equal(undefined)
      expect((await append(store, 'into', 'm2')).paused).to.equal(1)
      expect((await store.paused(10)).map(({ conversationId }) => conversationId)).to.deep.equal(['into'])
    })
  })
}
