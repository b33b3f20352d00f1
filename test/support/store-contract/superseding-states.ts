/** What stays with a batch that supersedes others or can be superseded, through each other transition. */
import { expect } from 'chai'
import type { RuleOptions } from '../../../src/rules.js'
import type { ClaimedBatch, Store } from '../../../src/store/store.js'
import type { Make, StoreUnderTest } from './checked.js'
import { append, CHAT, claimOne, direct, idsOf, OTHER } from './messages.js'
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
      const { store, pass, first, other } = await bothSuperseding()
      await store.merge(OTHER, CHAT)
      await pass(41)
      expect((await claimOne(store)).batch.supersedes).to.deep.equal([first.batchId, other.batchId])
    })

    it('is named by the first batch if a merge fills one', async () => {
      const { store, pass, first, other } = await bothSuperseding({ maxMessages: 3 })
      await store.merge(OTHER, CHAT)
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
      await append(store, OTHER, 'm1')
      await pass(5)
      await append(store, CHAT, 'm2')
      await store.merge(OTHER, CHAT)
      const { open } = await store.conversation(CHAT)
      const scheduled = (await snapshot([CHAT, OTHER])).conversations.find(one => one.conversationId === CHAT)
      expect(scheduled?.dueAtMs).to.equal(Number(open?.lastAtMs) + EARLY.earlyStartMs)
      await pass(41)
      const { batch } = await claimOne(store)
      expect(batch).to.include({ provisional: true, releasedBy: 'early', dueAtMs: open?.dueAtMs })
    })
  })

  /** Two conversations whose open batches each supersede another. */
  async function bothSuperseding(
    rules: RuleOptions = {},
  ): Promise<StoreUnderTest & { first: ClaimedBatch; other: ClaimedBatch }> {
    const { store, pass, first, ...rest } = await early({ ...LONG, ...rules })
    await append(store, OTHER, 'n1')
    await pass(41)
    const other = await claimOne(store)
    await append(store, CHAT, 'm2')
    await append(store, OTHER, 'n2')
    return { store, pass, first, other, ...rest }
  }
}

const edit = (store: Store, messageId: string, text: string) => store.edit({ conversationId: CHAT, messageId, text })

const refuse = (store: Store, { batchId, lease }: ClaimedBatch) =>
  store.nack({ batchId, lease, delayMs: 0, counts: true, error: 'no' })
