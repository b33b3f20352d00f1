/** Messages that the business itself sent: the bot's ids, and pauses that own messages cause. */
import { expect } from 'chai'
import type { PauseRequest, Store } from '../../../src/store/store.js'
import type { Make } from './checked.js'
import { append, CHAT, claim, claimOne, idsOf, OTHER, PATIENT, steps } from './messages.js'

const DROP = { forMs: 400_000, keep: 'drop' } as const
const COLLECT = { ...DROP, keep: 'collect' } as const

export function ownMessageTests(make: Make): void {
  const pausedUntil = async (store: Store, conversationId = CHAT) =>
    (await store.conversation(conversationId)).paused?.untilMs

  const pauseBy = async (store: Store, messageId: string, request: PauseRequest = DROP): Promise<number> => {
    const paused = await store.pauseByMessage(CHAT, messageId, request)
    return typeof paused === 'string' ? expect.fail(paused) : paused.untilMs
  }

  describe('ids that the bot sent', () => {
    it('are remembered for their conversation alone', async () => {
      const { store } = await make(PATIENT)
      expect(await store.wasSent(CHAT, 's1')).to.equal(undefined)
      expect(await store.sent(CHAT, ['s1', 's2'])).to.equal(false)
      expect(await store.wasSent(CHAT, 's1')).to.equal(true)
      expect(await store.wasSent(CHAT, 's2')).to.equal(true)
      expect(await store.wasSent(CHAT, 's3')).to.equal(false)
      expect(await store.wasSent(OTHER, 's1')).to.equal(undefined)
    })

    it('are remembered for as long as the ids of messages', async () => {
      const { store, pass } = await make({ ...PATIENT, dedupeMs: 1000 })
      await store.sent(CHAT, ['s1'])
      await pass(1001)
      expect(await store.wasSent(CHAT, 's1')).to.equal(undefined)
      await store.sent(CHAT, ['s2'])
      expect(await store.wasSent(CHAT, 's1')).to.equal(false)
    })

    it('may be many, and none', async () => {
      const { store } = await make(PATIENT)
      const ids = Array.from({ length: 1201 }, (_, i) => `s${i}`)
      await store.sent(CHAT, ids)
      await store.sent(CHAT, [])
      for (const id of ['s0', 's600', 's1200']) expect(await store.wasSent(CHAT, id), id).to.equal(true)
    })

    it('are not those of the messages that come: the same id is no duplicate', async () => {
      const { store } = await make(PATIENT)
      await store.sent(CHAT, ['m1'])
      expect(await append(store, CHAT, 'm1')).to.include({ accepted: 1, duplicates: 0 })
      expect(await store.wasSent(CHAT, 'm2')).to.equal(false)
      await append(store, CHAT, 'm2')
      expect(await store.wasSent(CHAT, 'm2')).to.equal(false)
    })

    it('are forgotten with their conversation, and move with a merge', async () => {
      const { store } = await make(PATIENT)
      await store.sent(CHAT, ['s1'])
      await store.forget(CHAT)
      expect(await store.wasSent(CHAT, 's1')).to.equal(undefined)
      await store.sent('from', ['s1'])
      await append(store, 'from', 'm1')
      await store.merge('from', 'into')
      expect(await store.wasSent('into', 's1')).to.equal(true)
      expect(await store.wasSent('from', 's1')).to.equal(undefined)
    })
  })

  describe('an own message of a person', () => {
    it('is new once, and the bot’s if its id is reported', async () => {
      const { store, pass } = await make({ ...PATIENT, dedupeMs: 1000 })
      expect(await store.ownMessage(CHAT, 'o1')).to.equal('new')
      expect(await store.ownMessage(CHAT, 'o1')).to.equal('again')
      expect(await store.ownMessage(OTHER, 'o1')).to.equal('new')
      await store.sent(CHAT, ['o1', 'o2'])
      for (const id of ['o1', 'o2']) expect(await store.ownMessage(CHAT, id), id).to.equal('bot')
      await pass(1001)
      expect(await store.ownMessage(CHAT, 'o1')).to.equal('new')
    })

    it('counts neither as the bot’s nor as a message that came', async () => {
      const { store } = await make(PATIENT)
      await store.ownMessage(CHAT, 'o1')
      expect(await store.wasSent(CHAT, 'o1')).to.equal(undefined)
      expect(await append(store, CHAT, 'o1')).to.include({ accepted: 1 })
    })
  })

  describe('a pause by an own message', () => {
    it('lasts from the last one on', async () => {
      const { store, pass } = await make(PATIENT)
      const first = await pauseBy(store, 'o1', COLLECT)
      await pass(5)
      const second = await pauseBy(store, 'o2', COLLECT)
      expect(second).to.be.above(first)
      expect(await pausedUntil(store)).to.equal(second)
    })

    it('does nothing for a message that the bot sent', async () => {
      const { store } = await make(PATIENT)
      await append(store, CHAT, 'm1')
      await store.sent(CHAT, ['o1'])
      expect(await store.pauseByMessage(CHAT, 'o1', DROP)).to.equal('bot')
      expect(await pausedUntil(store)).to.equal(undefined)
      expect((await store.conversation(CHAT)).waiting).to.equal(1)
    })

    it('ends when the bot is known to have sent the message, and what was collected is handed over', async () => {
      const { store, pass } = await make({ ...PATIENT, quietGapMs: 20 })
      await store.pauseByMessage(CHAT, 'o1', COLLECT)
      await append(store, CHAT, 'm1')
      await pass(21)
      expect((await claim(store)).batches).to.deep.equal([])
      expect(await store.sent(CHAT, ['o1'])).to.equal(true)
      expect(await pausedUntil(store)).to.equal(undefined)
      expect(await store.paused(1)).to.deep.equal([])
      expect(idsOf((await claimOne(store)).batch)).to.deep.equal(['m1'])
      expect(steps(await store.history({ limit: 20, conversationId: CHAT }))).to.include('resumed')
    })

    it('stays if a person sent another message, until the end that this one set', async () => {
      const { store, pass } = await make(PATIENT)
      const byPerson = await pauseBy(store, 'o1')
      await pass(5)
      await store.pauseByMessage(CHAT, 'o2', DROP)
      expect(await store.sent(CHAT, ['o2'])).to.equal(false)
      expect(await pausedUntil(store)).to.equal(byPerson)
      expect((await store.paused(1))[0]?.untilMs).to.equal(byPerson)
    })

    it('stays as it is if an earlier message turns out to be the bot’s', async () => {
      const { store, pass } = await make(PATIENT)
      await store.pauseByMessage(CHAT, 'o1', DROP)
      await pass(5)
      const byPerson = await pauseBy(store, 'o2')
      expect(await store.sent(CHAT, ['o1'])).to.equal(false)
      expect(await pausedUntil(store)).to.equal(byPerson)
      expect(await store.sent(CHAT, ['o2'])).to.equal(true)
    })

    it('never shortens a pause of other causes, nor ends it, nor changes what it keeps', async () => {
      const { store } = await make(PATIENT)
      const { untilMs } = await store.pause(CHAT, { forMs: 900_000, keep: 'collect' })
      await append(store, CHAT, 'm1')
      expect(await store.pauseByMessage(CHAT, 'o1', DROP)).to.deep.equal({ untilMs, dropped: 0 })
      expect((await store.conversation(CHAT)).paused).to.include({ untilMs, keep: 'collect' })
      expect(await store.sent(CHAT, ['o1'])).to.equal(false)
      expect(await pausedUntil(store)).to.equal(untilMs)
    })

    it('prolongs a pause of other causes, and gives back its end', async () => {
      const { store } = await make(PATIENT)
      const { untilMs } = await store.pause(CHAT, { forMs: 100_000, keep: 'collect' })
      expect(await pauseBy(store, 'o1')).to.be.above(untilMs)
      expect(await store.sent(CHAT, ['o1'])).to.equal(false)
      expect(await pausedUntil(store)).to.equal(untilMs)
    })

    it('is caused once by one message, however often it comes', async () => {
      const { store, pass } = await make(PATIENT)
      const untilMs = await pauseBy(store, 'o1')
      await pass(5)
      expect(await store.pauseByMessage(CHAT, 'o1', DROP)).to.equal('again')
      expect(await pausedUntil(store)).to.equal(untilMs)
      await store.resume(CHAT)
      expect(await store.pauseByMessage(CHAT, 'o1', DROP)).to.equal('again')
      expect(await pausedUntil(store)).to.equal(undefined)
    })

    it('is no more if somebody has resumed or paused since', async () => {
      const { store } = await make(PATIENT)
      await store.pauseByMessage(CHAT, 'o1', DROP)
      await store.resume(CHAT)
      expect(await store.sent(CHAT, ['o1'])).to.equal(false)
      await store.pauseByMessage(CHAT, 'o2', DROP)
      const { untilMs } = await store.pause(CHAT, { forMs: 1000, keep: 'drop' })
      expect(await store.sent(CHAT, ['o2'])).to.equal(false)
      expect(await pausedUntil(store)).to.equal(untilMs)
    })

    it('is that of the last of many messages', async () => {
      const { store } = await make(PATIENT)
      const ids = Array.from({ length: 70 }, (_, i) => `o${i}`)
      for (const id of ids) await store.pauseByMessage(CHAT, id, DROP)
      expect(await store.sent(CHAT, ids.slice(0, -1))).to.equal(false)
      expect(await store.sent(CHAT, ids.slice(-1))).to.equal(true)
    })
  })
}
