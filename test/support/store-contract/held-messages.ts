/** Messages that hold back their batch until their text comes, and whose batch or conversation becomes another one. */
import { expect } from 'chai'
import type { Store } from '../../../src/store/store.js'
import type { Make } from './checked.js'
import { append, CHAT, claim, claimed, claimOne, direct, idsOf, message, PATIENT, steps } from './messages.js'

const HOLD_MS = 400_000
const VOICE = { ...PATIENT, quietGapMs: 30, holdTypes: ['voice'], holdMs: HOLD_MS } as const

const voice = (store: Store, conversationId: string, ...messageIds: string[]) =>
  store.append({ conversationId, messages: messageIds.map(messageId => ({ messageId, type: 'voice' as const })) })

const keysOf = async (store: Store, conversationId: string) =>
  (await store.conversation(conversationId)).holds?.map(({ key }) => key)

const dueInOf = async (store: Store, conversationId: string) =>
  (await store.conversation(conversationId)).open?.dueInMs ?? Number.NaN

export function heldMessageTests(make: Make): void {
  describe('a message that holds back its batch until its text comes', () => {
    it('is a step of the history, and so is the end of its hold', async () => {
      const { store } = await make(VOICE)
      await voice(store, CHAT, 'm1')
      const [held] = await store.history({ limit: 1, conversationId: CHAT })
      expect(held).to.include({ step: 'held' })
      expect(held?.detail).to.deep.equal({ key: '"m1"', forMs: String(HOLD_MS) })
      await store.edit({ conversationId: CHAT, messageId: 'm1', text: 'a cake' })
      expect(steps(await store.history({ limit: 2, conversationId: CHAT }))).to.deep.equal(['unheld', 'edited'])
    })

    it('waits for its text with an empty one, too, and not with another one', async () => {
      const { store } = await make(VOICE)
      const of = (messageId: string, text: string) => ({ messageId, type: 'voice' as const, text })
      await store.append({ conversationId: CHAT, messages: [of('m1', ''), of('m2', 'a cake')] })
      expect(await keysOf(store, CHAT)).to.deep.equal(['m1'])
    })

    it('holds nothing when it is revoked', async () => {
      const { store, pass } = await make(VOICE)
      await append(store, CHAT, 'm1')
      await voice(store, CHAT, 'm2')
      await pass(31)
      expect((await claim(store)).batches).to.deep.equal([])
      expect(await store.revoke(CHAT, 'm2')).to.equal('revoked')
      expect(await keysOf(store, CHAT)).to.equal(undefined)
      expect(idsOf((await claimOne(store)).batch)).to.deep.equal(['m1'])
    })

    it('and was alone leaves nothing behind when it is revoked', async () => {
      const { store, pass } = await make(VOICE)
      await voice(store, CHAT, 'm1')
      await store.revoke(CHAT, 'm1')
      expect(await keysOf(store, CHAT)).to.equal(undefined)
      await append(store, CHAT, 'm2')
      await pass(31)
      expect(idsOf((await claimOne(store)).batch)).to.deep.equal(['m2'])
    })

    it('is one of several: the batch waits for the others', async () => {
      const { store, pass } = await make(VOICE)
      await voice(store, CHAT, 'm1', 'm2')
      await store.revoke(CHAT, 'm1')
      await pass(31)
      expect((await claim(store)).batches).to.deep.equal([])
      await store.edit({ conversationId: CHAT, messageId: 'm2', text: 'a cake' })
      expect(idsOf((await claimOne(store)).batch)).to.deep.equal(['m2'])
    })

    it('does not hold back the batch that follows it in the same append', async () => {
      const { store, pass } = await make({ ...VOICE, maxMessages: 2 })
      await store.append({
        conversationId: CHAT,
        messages: [{ messageId: 'm1', type: 'voice' }, message('m2'), message('m3')],
      })
      expect(await dueInOf(store, CHAT)).to.be.at.most(30)
      await pass(31)
      const { batchId } = await claimOne(store)
      await store.ack([batchId])
      await store.answered(batchId, 'completed')
      expect(idsOf((await claimOne(store)).batch)).to.deep.equal(['m3'])
    })

    it('holds back the batch in which a pause has collected it', async () => {
      const { store, pass } = await make({ ...VOICE, maxMessages: 2 })
      const { batchId } = await claimed(store, CHAT, 'm0')
      await store.ack([batchId])
      await voice(store, CHAT, 'm1')
      await append(store, CHAT, 'm2')
      await direct(store, CHAT, 'm3')
      await store.pause(CHAT, { forMs: 400_000, keep: 'collect' })
      await store.answered(batchId, 'completed')
      await store.resume(CHAT)
      await pass(31)
      expect((await claim(store)).batches).to.deep.equal([])
      await store.edit({ conversationId: CHAT, messageId: 'm1', text: 'a cake' })
      expect(idsOf((await claimOne(store)).batch)).to.deep.equal(['m1', 'm2', 'm3'])
    })

    for (const waits of [true, false])
      it(`holds back the batch of the person's other id that it joins (${waits ? 'open' : 'new'})`, async () => {
        const { store, pass } = await make(VOICE)
        await voice(store, 'from', 'm1')
        if (waits) await append(store, 'into', 'm2')
        await store.merge('from', 'into')
        expect(await keysOf(store, 'into')).to.deep.equal(['m1'])
        await pass(31)
        expect((await claim(store)).batches).to.deep.equal([])
        await store.edit({ conversationId: 'into', messageId: 'm1', text: 'a cake' })
        expect(idsOf((await claimOne(store)).batch)).to.have.members(waits ? ['m1', 'm2'] : ['m1'])
      })

    it('in the open batch of a person holds back what joins it', async () => {
      const { store, pass } = await make(VOICE)
      await append(store, 'from', 'm1')
      await voice(store, 'into', 'a "quoted" \\ id')
      await store.merge('from', 'into')
      await pass(31)
      expect((await claim(store)).batches).to.deep.equal([])
      await store.revoke('into', 'a "quoted" \\ id')
      expect(idsOf((await claimOne(store)).batch)).to.deep.equal(['m1'])
    })

    it('holds nothing if the merge has sealed its batch', async () => {
      const { store, pass } = await make({ ...VOICE, maxMessages: 2 })
      await voice(store, 'into', 'm1')
      await pass(2)
      await append(store, 'from', 'm2')
      await store.merge('from', 'into')
      expect(await keysOf(store, 'into')).to.equal(undefined)
      expect(idsOf((await claimOne(store)).batch)).to.deep.equal(['m1', 'm2'])
    })
  })

  describe('the state of a conversation', () => {
    it('says that the person is typing, until a message comes or the typing ends', async () => {
      const { store, pass } = await make({ ...PATIENT, typingGapMs: 4000 })
      const isTyping = async () => (await store.conversation(CHAT)).isTyping
      await store.extend(CHAT, 12_000)
      expect(await isTyping()).to.equal(true)
      await pass(2)
      await append(store, CHAT, 'm1')
      expect(await isTyping()).to.equal(undefined)
      await pass(2)
      await store.extend(CHAT, 12_000)
      expect(await isTyping()).to.equal(true)
      await store.extend(CHAT, 0)
      expect(await isTyping()).to.equal(undefined)
    })

    it('says which hold is that of a message', async () => {
      const { store } = await make(VOICE)
      await voice(store, CHAT, 'm1')
      await store.hold(CHAT, 'a-key', HOLD_MS)
      const holds = (await store.conversation(CHAT)).holds ?? []
      expect(holds.map(({ key, ofMessage }) => [key, ofMessage])).to.deep.equal([
        ['a-key', undefined],
        ['m1', true],
      ])
    })
  })

  describe('a hold by its key', () => {
    it('of one id of a person holds back the batch of the other', async () => {
      for (const [held, waiting] of [
        ['from', 'into'],
        ['into', 'from'],
      ] as const) {
        const { store, pass } = await make({ ...PATIENT, quietGapMs: 30 })
        await append(store, waiting, 'm1')
        await store.hold(held, 'upload', HOLD_MS)
        if (held === 'from') await append(store, 'from', 'm2')
        await store.merge('from', 'into')
        await pass(31)
        expect((await claim(store)).batches).to.deep.equal([])
        expect(await dueInOf(store, 'into')).to.be.above(HOLD_MS - 10_000)
        await store.release('into', 'upload')
        await claimOne(store)
      }
    })
  })

  describe('the history of a batch that a typing gap has released', () => {
    const released = async (store: Store) => (await store.history({ limit: 1, conversationId: CHAT }))[0]?.detail ?? {}

    it('names the typing gap, and that all conversations have it', async () => {
      const { store, pass } = await make({ ...PATIENT, quietGapMs: 50_000, typingGapMs: 20 })
      await store.extend(CHAT, 12_000)
      await append(store, CHAT, 'm1')
      await pass(21)
      await claimOne(store)
      expect(await released(store)).to.include({ reason: 'gap', rule: 'typingGapMs=20', scope: 'environment' })
    })

    it('names it, and its scope, after the end of typing', async () => {
      const { store, pass } = await make({ ...PATIENT, quietGapMs: 50_000 })
      const rules = { typingGapMs: 20, quietGapMs: 40_000, scopes: { typingGapMs: 'shop', quietGapMs: '*' } }
      await store.append({ conversationId: CHAT, messages: [message('m1')], rules })
      await store.extend(CHAT, 12_000, { rules })
      await pass(2)
      await store.extend(CHAT, 0, { rules })
      await pass(21)
      await claimOne(store)
      expect(await released(store)).to.include({ reason: 'gap', rule: 'typingGapMs=20', scope: 'shop' })
    })

    it('does not name it where the quiet gap is the shorter one, or nobody was seen typing', async () => {
      for (const [quietGapMs, isSeen] of [
        [20, true],
        [30, false],
      ] as const) {
        const { store, pass } = await make({ ...PATIENT, quietGapMs, typingGapMs: 25 })
        if (isSeen) await store.extend(CHAT, 0)
        await append(store, CHAT, 'm1')
        await pass(31)
        await claimOne(store)
        expect(await released(store)).to.not.have.property('rule')
      }
    })
  })
}
