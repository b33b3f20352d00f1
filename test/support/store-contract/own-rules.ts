/** Rules that an append carries for its conversation. */
import { expect } from 'chai'
import type { OwnRules } from '../../../src/conversation-rules.js'
import type { Store } from '../../../src/store/store.js'
import type { Make } from './checked.js'
import { allIdsOf, append, CHAT, claim, claimOne, idsOf, message, OTHER, PATIENT } from './messages.js'

const PATIENT_CHAT = 'shop/79990000013@c.us'

export function ownRulesTests(make: Make): void {
  const appendWith = (store: Store, own: Omit<OwnRules, 'scopes'>, conversationId: string, ...messageIds: string[]) =>
    store.append({
      conversationId,
      messages: messageIds.map(messageId => message(messageId)),
      rules: { ...own, scopes: Object.fromEntries(Object.keys(own).map(name => [name, 'shop'])) },
    })

  describe('rules of a conversation', () => {
    it('release its batch, and leave those of other conversations alone', async () => {
      const { store, pass } = await make(PATIENT)
      await append(store, OTHER, 'n1')
      const { dueInMs } = await appendWith(store, { quietGapMs: 30 }, CHAT, 'm1')
      expect(dueInMs).to.equal(30)
      await pass(31)
      const result = await claim(store)
      expect(allIdsOf(result)).to.deep.equal([['m1']])
      expect(result.batches[0]?.batch.releasedBy).to.equal('gap')
    })

    it('are those of the last append', async () => {
      const { store } = await make(PATIENT)
      await appendWith(store, { quietGapMs: 30_000 }, CHAT, 'm1')
      expect((await appendWith(store, { quietGapMs: 50_000 }, CHAT, 'm2')).dueInMs).to.equal(50_000)
      expect((await append(store, CHAT, 'm3')).dueInMs).to.equal(PATIENT.quietGapMs)
    })

    it('cap its batch', async () => {
      const { store } = await make(PATIENT)
      await appendWith(store, { maxMessages: 2 }, CHAT, 'm1', 'm2', 'm3')
      expect(allIdsOf(await claim(store))).to.deep.equal([['m1', 'm2']])
      const { open } = await store.conversation(CHAT)
      expect(open?.count).to.equal(1)
    })

    it('bound how far signs of typing move its due time', async () => {
      const { store } = await make(PATIENT)
      await appendWith(store, { quietGapMs: 30_000, maxWaitMs: 50_000 }, CHAT, 'm1')
      const extended = await store.extend(CHAT, 600_000)
      expect(extended?.dueInMs).to.be.within(49_000, 50_000)
    })

    it('keep a batch open that is due later than any rule of the store allows', async () => {
      const { store, pass } = await make({ quietGapMs: 30, maxWaitMs: 40, batchTtlMs: 50 })
      await appendWith(store, { quietGapMs: 600_000, maxWaitMs: 3_600_000 }, CHAT, 'm1')
      await pass(60)
      expect((await claim(store)).batches).to.deep.equal([])
      const added = await appendWith(store, { quietGapMs: 600_000, maxWaitMs: 3_600_000 }, CHAT, 'm2')
      expect(added.dueInMs).to.equal(600_000)
      expect((await store.conversation(CHAT)).open?.count).to.equal(2)
    })

    it('start its batch early and supersede its answer, where the store’s do not', async () => {
      const { store, pass } = await make({ ...PATIENT, quietGapMs: 500_000 })
      const own = { answering: 'supersede', earlyStartMs: 20 } as const
      await appendWith(store, own, CHAT, 'm1')
      await pass(21)
      const first = await claimOne(store)
      expect(first.batch).to.include({ provisional: true, releasedBy: 'early' })
      await store.ack([first.batchId])
      const { batchId } = await appendWith(store, own, CHAT, 'm2')
      expect(await store.commit(first.batchId)).to.deep.equal({ state: 'superseded', by: batchId })
      await pass(21)
      expect(idsOf((await claimOne(store)).batch)).to.deep.equal(['m1', 'm2'])
    })

    it('mark each batch whose answer they allow to be superseded, also when it is claimed again or dead', async () => {
      const { store, pass } = await make({ ...PATIENT, maxAttempts: 2 })
      await appendWith(store, { answering: 'supersede', quietGapMs: 10 }, CHAT, 'm1')
      await pass(11)
      const first = await claimOne(store)
      await appendWith(store, { answering: 'queue', quietGapMs: 10 }, OTHER, 'n1')
      await pass(11)
      expect((await claimOne(store)).batch.answering).to.equal(undefined)
      expect(first.batch.answering).to.equal('supersede')
      const refused = { batchId: first.batchId, delayMs: 0, counts: true, error: 'no' }
      await store.nack({ ...refused, lease: first.lease })
      const again = await claimOne(store)
      expect(again.batch.answering).to.equal('supersede')
      await store.nack({ ...refused, lease: again.lease })
      expect((await store.dead(1))[0]?.batch.answering).to.equal('supersede')
    })

    it('let an answer go on, where the store’s would supersede it', async () => {
      const { store } = await make({ ...PATIENT, answering: 'supersede' })
      await appendWith(store, { answering: 'queue' }, CHAT, 'm1')
      await store.flush(CHAT)
      const first = await claimOne(store)
      await appendWith(store, { answering: 'queue' }, CHAT, 'm2')
      expect(await store.commit(first.batchId)).to.deep.equal({ state: 'go' })
    })

    it('are named with their scope in the history of the release', async () => {
      const { store, pass } = await make(PATIENT)
      await appendWith(store, { quietGapMs: 20 }, CHAT, 'm1')
      await pass(21)
      await claimOne(store)
      const [step] = await store.history({ limit: 1, conversationId: CHAT })
      expect(step?.detail).to.include({ rule: 'quietGapMs=20', scope: 'shop' })
    })

    it('are named for a cap and an early start, and for no gap that was not theirs', async () => {
      const { store, pass } = await make({ ...PATIENT, quietGapMs: 30 })
      await appendWith(store, { maxMessages: 1 }, CHAT, 'm1')
      const sealed = (await store.history({ limit: 9, conversationId: CHAT })).find(({ step }) => step === 'sealed')
      expect(sealed?.detail).to.include({ rule: 'maxMessages=1', scope: 'shop' })
      await claimOne(store)
      await appendWith(store, { maxWaitMs: 20_000 }, OTHER, 'n1')
      await pass(31)
      await claimOne(store)
      const [gap] = await store.history({ limit: 1, conversationId: OTHER })
      expect(gap?.detail['reason']).to.equal('gap')
      expect(gap?.detail).to.not.have.any.keys('rule', 'scope')
      await appendWith(store, { answering: 'supersede', earlyStartMs: 10, quietGapMs: 60_000 }, PATIENT_CHAT, 'o1')
      await pass(11)
      await claimOne(store)
      const [early] = await store.history({ limit: 1, conversationId: PATIENT_CHAT })
      expect(early?.detail).to.include({ reason: 'early', rule: 'earlyStartMs=10', scope: 'shop' })
      expect(Number(early?.detail['dueInMs'])).to.be.within(59_000, 59_990)
    })
  })

  describe('a batch that an append seals, as it is overdue,', () => {
    it('is named with its own rules in the history, not with those of the append', async () => {
      const { store, pass } = await make(PATIENT)
      await appendWith(store, { quietGapMs: 20, maxWaitMs: 20 }, CHAT, 'm1')
      await pass(10)
      await appendWith(store, { quietGapMs: 20, maxWaitMs: 20 }, CHAT, 'm2')
      await pass(1100)
      await appendWith(store, { maxWaitMs: 700_000 }, CHAT, 'm3')
      const sealed = (await store.history({ limit: 5, conversationId: CHAT })).find(({ step }) => step === 'sealed')
      expect(sealed?.detail).to.include({ reason: 'maxWait', rule: 'maxWaitMs=20', scope: 'shop' })
    })
  })

  describe('append with flush', () => {
    it('seals the batch with its last new message', async () => {
      const { store } = await make(PATIENT)
      await append(store, CHAT, 'm1')
      await store.append({ conversationId: CHAT, messages: [message('m2'), message('m1')], flush: true })
      await append(store, CHAT, 'm3')
      const { batch } = await claimOne(store)
      expect(idsOf(batch)).to.deep.equal(['m1', 'm2'])
      expect(batch.releasedBy).to.equal('flush')
    })

    it('seals nothing if it brings nothing new', async () => {
      const { store } = await make(PATIENT)
      await append(store, CHAT, 'm1')
      await store.append({ conversationId: CHAT, messages: [message('m1')], flush: true })
      expect((await claim(store)).batches).to.deep.equal([])
    })
  })
}
