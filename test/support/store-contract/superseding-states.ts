/** What stays with a batch that supersedes others or can be superseded, through each other transition. */
import { expect } from 'chai'
import type { RuleOptions } from '../../../src/rules.js'
import type { ClaimedBatch, Store } from '../../../src/store/store.js'
import { until } from '../wait.js'
import type { Make, StoreUnderTest } from './checked.js'
import { append, CHAT, claimOne, direct, idsOf, neighbours, OTHER } from './messages.js'
import { AT_GAP, EARLY, LONG, provisional } from './provisional.js'

export function supersedingStateTests(make: Make): void {
  const { early, atGap } = provisional(make)

  describe('the list of batches that a batch supersedes', () => {
    const ENDS: [released: string, rules: RuleOptions, release: (store: Store) => Promise<unknown>][] = [
      ['by a later message that fills it', { maxMessages: 3 }, store => append(store, CHAT, 'm3')],
      ['by a later message that makes it too large', { maxBytes: 50 }, store => append(store, CHAT, 'm3')],
      ['by an edit that makes it too large', { maxBytes: 60 }, store => edit(store, 'm2', 'x'.repeat(60))],
      ['by a flush', {}, store => store.flush(CHAT)],
      ['by a direct message', {}, store => direct(store, CHAT, 'd1')],
      ['at its early start', {}, async () => {}],
    ]
    for (const [released, rules, release] of ENDS)
      it(`reaches the handed-over batch when that is released ${released}`, async () => {
        const { store, pass, first } = await early({ ...LONG, ...rules })
        const { batchId } = await append(store, CHAT, 'm2')
        await release(store)
        await pass(41)
        const second = await claimOne(store)
        expect(second.batchId).to.equal(batchId)
        expect(second.batch.supersedes).to.deep.equal([first.batchId])
      })

    it('reaches the handed-over batch when the message that supersedes also fills it', async () => {
      const { store, first } = await early({ ...LONG, maxMessages: 2 })
      await append(store, CHAT, 'm2')
      expect((await claimOne(store)).batch.supersedes).to.deep.equal([first.batchId])
    })

    it('stays with a sealed batch whose last message is revoked', async () => {
      const { store, first } = await early(LONG)
      await append(store, CHAT, 'm2')
      await store.flush(CHAT)
      await store.revoke(CHAT, 'm2')
      const { batch } = await claimOne(store)
      expect(idsOf(batch)).to.deep.equal(['m1'])
      expect(batch.supersedes).to.deep.equal([first.batchId])
    })

    it('stays with a batch through its death and its redrive, beside its commit', async () => {
      const { store, pass, first } = await early({ maxAttempts: 1 })
      await append(store, CHAT, 'm2')
      await pass(EARLY.quietGapMs + 1)
      const second = await claimOne(store)
      expect(await store.commit(second.batchId)).to.deep.equal({ state: 'go' })
      await refuse(store, second)
      expect((await store.dead(1))[0]?.batch.supersedes).to.deep.equal([first.batchId])
      await store.redrive(second.batchId)
      const again = await claimOne(store)
      expect(again.batch.supersedes).to.deep.equal([first.batchId])
      expect(await store.commit(again.batchId)).to.deep.equal({ state: 'go', again: true })
    })

    it('holds those of both conversations after a merge', async () => {
      const { store, pass, first, other, from } = await bothSuperseding()
      await store.merge(from, CHAT)
      await pass(41)
      expect((await claimOne(store)).batch.supersedes).to.deep.equal([first.batchId, other.batchId])
    })

    it('is named by the first batch if a merge fills one', async () => {
      const { store, pass, first, other, from } = await bothSuperseding({ maxMessages: 3 })
      await store.merge(from, CHAT)
      const sealed = await claimOne(store)
      expect(sealed.batch.releasedBy).to.equal('maxMessages')
      expect(sealed.batch.supersedes).to.deep.equal([first.batchId, other.batchId])
      await store.ack([sealed.batchId])
      await store.answered(sealed.batchId, 'completed')
      await pass(41)
      expect((await claimOne(store)).batch.supersedes).to.equal(undefined)
    })

    it('holds the last 100', async () => {
      const { store, pass, first } = await atGap()
      const ids = [first.batchId]
      for (let i = 0; i < 101; i++) {
        await edit(store, 'm1', `edit ${i}`)
        ids.push((await claimOne(store)).batchId)
      }
      await append(store, CHAT, 'm2')
      await pass(AT_GAP.quietGapMs + 1)
      expect((await claimOne(store)).batch.supersedes).to.deep.equal(ids.slice(-100))
    })
  })

  describe('a merge', () => {
    it('keeps the early start of the open batch, counted from its last message', async () => {
      const { store, snapshot, pass } = await make(LONG)
      const [from = ''] = neighbours(store, 1)
      await append(store, from, 'm1')
      await pass(5)
      await append(store, CHAT, 'm2')
      await store.merge(from, CHAT)
      const { open } = await store.conversation(CHAT)
      const scheduled = (await snapshot([CHAT, from])).conversations.find(one => one.conversationId === CHAT)
      expect(scheduled?.dueAtMs).to.equal(Number(open?.lastAtMs) + EARLY.earlyStartMs)
      await pass(41)
      const { batch } = await claimOne(store)
      expect(batch).to.include({ provisional: true, releasedBy: 'early', dueAtMs: open?.dueAtMs })
    })
  })

  describe('a drop of a batch that can be superseded', () => {
    it('records its messages with those that wait behind it', async () => {
      const { store } = await early(LONG, 'm1', 'm2')
      await direct(store, CHAT, 'd1')
      expect(await store.drop(CHAT)).to.equal(3)
      const dropped = (await store.history({ limit: 9 })).find(({ step }) => step === 'dropped')
      expect(dropped?.detail).to.include({ count: '3', ids: '["m1","m2","d1"]' })
    })

    it('names its messages if nothing waits behind it', async () => {
      const { store, first } = await early(LONG, 'm1', 'm2')
      await store.ack([first.batchId])
      expect(await store.drop(CHAT)).to.equal(2)
      const dropped = (await store.history({ limit: 9 })).find(({ step }) => step === 'dropped')
      expect(dropped).to.include({ batchId: first.batchId, conversationId: CHAT })
      expect(dropped?.detail).to.include({ count: '2', ids: '["m1","m2"]' })
    })
  })

  describe('findMessage', () => {
    for (const state of ['claimed', 'handed over'] as const)
      it(`finds a message in a batch that is ${state} and not committed`, async () => {
        const { store, first } = await early(LONG, 'm1', 'm2')
        if (state === 'handed over') await store.ack([first.batchId])
        expect(await store.findMessage('shop', 'm1')).to.equal(CHAT)
        expect(await store.findMessage('shop', 'm2')).to.equal(CHAT)
        expect(await store.findMessage('shop', 'm3')).to.equal(undefined)
        expect(await store.findMessage('another', 'm1')).to.equal(undefined)
      })

    it('does not find a message that an edit cannot change any more', async () => {
      const { store, first } = await atGap()
      await direct(store, CHAT, 'd1')
      expect(await store.findMessage('shop', 'm1'), 'something waits behind it').to.equal(undefined)
      expect(await store.findMessage('shop', 'd1')).to.equal(CHAT)
      await store.answered(first.batchId, 'completed')
      const committed = await atGap()
      await committed.store.commit(committed.first.batchId)
      expect(await committed.store.findMessage('shop', 'm1')).to.equal(undefined)
    })
  })

  describe('a forget of a batch that is being answered', () => {
    const RELEASED: [released: string, rules: RuleOptions][] = [
      ['early', LONG],
      ['as it is full', { ...LONG, maxMessages: 1 }],
    ]
    for (const [released, rules] of RELEASED)
      it(`notifies its handler, and grants it no commit (released ${released})`, async () => {
        const { store, first } = await early(rules)
        await store.ack([first.batchId])
        const news = await noticesOf(store, () => store.forget(CHAT))
        expect(news).to.deep.equal([{ conversationId: CHAT, batchId: first.batchId }])
        expect(await store.commit(first.batchId)).to.deep.equal({ state: 'superseded' })
        expect(await store.renew([first])).to.deep.equal([{ batchId: first.batchId, superseded: {} }])
        expect(await store.answered(first.batchId, 'completed', CHAT)).to.deep.equal({ freed: false })
        expect(await store.history({ conversationId: CHAT, limit: 9 })).to.deep.equal([])
      })

    it('notifies nobody of a committed batch, which nothing supersedes', async () => {
      const { store, first } = await atGap()
      await store.commit(first.batchId)
      await append(store, OTHER, 'n1')
      await store.flush(OTHER)
      const other = await claimOne(store)
      const news = await noticesOf(store, async () => {
        await store.forget(CHAT)
        await store.forget(OTHER)
      })
      expect(news).to.deep.equal([{ conversationId: OTHER, batchId: other.batchId }])
    })
  })

  /** Two conversations whose open batches each supersede another. */
  async function bothSuperseding(
    rules: RuleOptions = {},
  ): Promise<StoreUnderTest & { first: ClaimedBatch; other: ClaimedBatch; from: string }> {
    const { store, pass, first, ...rest } = await early({ ...LONG, ...rules })
    const [from = ''] = neighbours(store, 1)
    await append(store, from, 'n1')
    await pass(41)
    const other = await claimOne(store)
    await append(store, CHAT, 'm2')
    await append(store, from, 'n2')
    return { store, pass, first, other, from, ...rest }
  }
}

/** The batches that are published as superseded during `work`, which supersedes one at least. */
async function noticesOf(store: Store, work: () => Promise<unknown>) {
  const news: { conversationId: string; batchId: string; by?: string }[] = []
  const stop = await store.followSuperseded({
    superseded: ({ conversationId, batchId, by }) =>
      news.push({ conversationId, batchId, ...(by === undefined ? {} : { by }) }),
    moved: () => {},
    missed: () => {},
  })
  try {
    await work()
    await until(() => news.length > 0, { what: 'a batch is published as superseded' })
    return news
  } finally {
    await stop()
  }
}

const edit = (store: Store, messageId: string, text: string) => store.edit({ conversationId: CHAT, messageId, text })

const refuse = (store: Store, { batchId, lease }: ClaimedBatch) =>
  store.nack({ batchId, lease, delayMs: 0, counts: true, error: 'no' })
