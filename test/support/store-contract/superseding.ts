/** Answers that are not committed: what supersedes them, and what a commit is told. */
import { expect } from 'chai'
import type { RuleOptions } from '../../../src/rules.js'
import type { Store } from '../../../src/store/store.js'
import { until } from '../wait.js'
import type { Make } from './checked.js'
import { append, CHAT, claim, claimed, claimOne, direct, idsOf, OTHER, steps } from './messages.js'
import { AT_GAP, EARLY, provisional } from './provisional.js'

export function supersedeTests(make: Make): void {
  const { early, atGap } = provisional(make)

  const idsWaiting = async (store: Store, conversationId = CHAT) =>
    (await store.conversation(conversationId)).messages.map(({ message }) => message.messageId)

  describe('an early start', () => {
    it('hands a batch out before its due time, marked as provisional', async () => {
      const { first } = await early()
      expect(first.batch).to.include({ provisional: true, releasedBy: 'early' })
      expect(first.batch.dueAtMs).to.equal(first.batch.lastAtMs + EARLY.quietGapMs)
      expect(first.lateMs).to.be.below(EARLY.quietGapMs - EARLY.earlyStartMs)
    })

    it('is not said of a batch that is claimed again after its due time', async () => {
      const { store, first, pass } = await early({ leaseMs: 100 })
      await store.giveBack('processor-1')
      expect((await claimOne(store)).batch.provisional).to.equal(true)
      await pass(EARLY.quietGapMs)
      const { batchId, batch } = await claimOne(store)
      expect(batchId).to.equal(first.batchId)
      expect(batch).to.include({ releasedBy: 'early', releasedAtMs: first.batch.releasedAtMs })
      expect(batch).not.to.have.property('provisional')
    })

    it('keeps the due time in the open batch, and schedules its start', async () => {
      const { store, snapshot } = await make(EARLY)
      await append(store, CHAT, 'm1')
      const { open } = await store.conversation(CHAT)
      expect(open?.dueAtMs).to.equal(Number(open?.lastAtMs) + EARLY.quietGapMs)
      const [conversation] = (await snapshot([CHAT])).conversations
      expect(conversation?.dueAtMs).to.equal(Number(open?.lastAtMs) + EARLY.earlyStartMs)
    })

    it('is moved by a sign of typing, as the due time is', async () => {
      const { store, snapshot } = await make({
        ...EARLY,
        quietGapMs: 600_000,
        maxWaitMs: 3_600_000,
        batchTtlMs: 900_000,
        earlyStartMs: 500_000,
      })
      await append(store, CHAT, 'm1')
      const before = (await snapshot([CHAT])).conversations[0]?.dueAtMs
      await store.extend(CHAT, 700_000)
      const [after] = (await snapshot([CHAT])).conversations
      const { open } = await store.conversation(CHAT)
      expect(after?.dueAtMs).to.be.at.least(Number(before))
      expect(Number(open?.dueAtMs) - Number(after?.dueAtMs)).to.equal(200_000)
    })

    it('comes after the answer before it, if that takes longer', async () => {
      const { store, first, pass } = await early({ maxMessages: 1 })
      expect(first.batch.releasedBy).to.equal('maxMessages')
      await append(store, CHAT, 'm2')
      expect((await claim(store)).batches).to.deep.equal([])
      await pass(1)
    })
  })

  describe('a newer message', () => {
    for (const state of ['claimed', 'handed over'] as const)
      it(`supersedes a batch that is ${state} and not committed, and joins its messages`, async () => {
        const { store, first, pass } = await early()
        if (state === 'handed over') await store.ack([first.batchId])
        const added = await append(store, CHAT, 'm2')
        expect(added).to.include({ accepted: 1 })
        expect(added.batchId).not.to.equal(first.batchId)
        const { open, heldBy } = await store.conversation(CHAT)
        expect(heldBy).to.equal(undefined)
        expect(open).to.include({ batchId: added.batchId, count: 2, firstAtMs: first.batch.firstAtMs })
        expect(open?.dueAtMs).to.equal(Number(open?.lastAtMs) + EARLY.quietGapMs)
        expect(await store.commit(first.batchId)).to.deep.equal({ state: 'superseded', by: added.batchId })
        await pass(41)
        const second = await claimOne(store)
        expect(idsOf(second.batch)).to.deep.equal(['m1', 'm2'])
        expect(second.batch.supersedes).to.deep.equal([first.batchId])
        expect(steps(await store.history({ limit: 2, conversationId: CHAT }))).to.include('claimed')
      })

    it('supersedes a batch that was released at its quiet gap', async () => {
      const { store, first } = await atGap()
      expect(first.batch.provisional).to.equal(undefined)
      const { batchId } = await append(store, CHAT, 'm2')
      expect(await store.commit(first.batchId)).to.deep.equal({ state: 'superseded', by: batchId })
    })

    it('is named with every batch that was superseded before', async () => {
      const { store, first, pass } = await early()
      await append(store, CHAT, 'm2')
      await pass(41)
      const second = await claimOne(store)
      await append(store, CHAT, 'm3')
      await pass(41)
      const third = await claimOne(store)
      expect(third.batch.supersedes).to.deep.equal([first.batchId, second.batchId])
      expect(idsOf(third.batch)).to.deep.equal(['m1', 'm2', 'm3'])
    })

    it('supersedes nothing after the commit, and waits behind it', async () => {
      const { store, first } = await atGap()
      await store.ack([first.batchId])
      expect(await store.commit(first.batchId)).to.deep.equal({ state: 'go' })
      await append(store, CHAT, 'm2')
      expect((await store.conversation(CHAT)).heldBy).to.deep.equal({ batchId: first.batchId, state: 'answering' })
      expect(await store.commit(first.batchId)).to.deep.equal({ state: 'go', again: true })
      expect((await store.answered(first.batchId, 'completed')).freed).to.equal(true)
      expect(await store.commit(first.batchId)).to.deep.equal({ state: 'answered' })
    })

    const NOT: [what: string, rules: RuleOptions, messageIds: string[]][] = [
      ['a full batch', { maxMessages: 2 }, ['m1', 'm2']],
      ['a batch that was released at its max wait', { quietGapMs: 45, maxWaitMs: 45, earlyStartMs: 0 }, ['m1']],
    ]
    for (const [what, rules, messageIds] of NOT)
      it(`does not supersede ${what}`, async () => {
        const {
          store,
          pass,
          first: maybe,
        } = await (what === 'a full batch'
          ? early(rules, ...messageIds)
          : (async () => {
              const underTest = await make({ ...EARLY, ...rules })
              await append(underTest.store, CHAT, 'm0')
              await underTest.pass(10)
              await append(underTest.store, CHAT, 'm1')
              await underTest.pass(46)
              return { ...underTest, first: await claimOne(underTest.store) }
            })())
        await append(store, CHAT, 'n1')
        expect((await store.conversation(CHAT)).heldBy?.batchId).to.equal(maybe.batchId)
        expect(await store.commit(maybe.batchId)).to.deep.equal({ state: 'go' })
        await pass(1)
      })

    it('does not supersede a flushed or a direct batch', async () => {
      const { store } = await make({ ...AT_GAP, quietGapMs: 600_000, maxWaitMs: 3_600_000, batchTtlMs: 900_000 })
      const flushed = await claimed(store)
      await direct(store, OTHER, 'd1')
      const straight = await claimOne(store)
      await append(store, CHAT, 'm2')
      await append(store, OTHER, 'm3')
      expect(await store.commit(flushed.batchId)).to.deep.equal({ state: 'go' })
      expect(await store.commit(straight.batchId)).to.deep.equal({ state: 'go' })
    })

    it('does not supersede if it is direct, a duplicate or too old', async () => {
      const { store, first } = await atGap({ maxAgeMs: 1000 })
      await append(store, CHAT, 'm1')
      await store.append({ conversationId: CHAT, messages: [{ messageId: 'old', type: 'text', sentAtMs: 1 }] })
      expect((await store.conversation(CHAT)).heldBy?.batchId).to.equal(first.batchId)
      await direct(store, CHAT, 'd1')
      expect((await store.conversation(CHAT)).heldBy?.batchId).to.equal(first.batchId)
      await append(store, CHAT, 'm2')
      expect((await store.conversation(CHAT)).heldBy?.batchId, 'something waits behind it').to.equal(first.batchId)
      expect(await store.commit(first.batchId)).to.deep.equal({ state: 'go' })
    })

    it('does not supersede if both together are too many or too large', async () => {
      const { store, first } = await atGap({ maxMessages: 3 })
      await append(store, CHAT, 'm2', 'm3', 'm4')
      expect((await store.conversation(CHAT)).heldBy?.batchId).to.equal(first.batchId)
      const other = await atGap({ maxBytes: 50 })
      await append(other.store, CHAT, 'm2', 'm3')
      expect((await other.store.conversation(CHAT)).heldBy?.batchId).to.equal(other.first.batchId)
    })

    it('seals the batch that it fills, which then is not superseded', async () => {
      const { store, first } = await early({ maxMessages: 2 })
      const { batchId } = await append(store, CHAT, 'm2')
      expect(await store.commit(first.batchId)).to.deep.equal({ state: 'superseded', by: batchId })
      const second = await claimOne(store)
      expect(second.batch.releasedBy).to.equal('maxMessages')
      await append(store, CHAT, 'm3')
      expect(await store.commit(second.batchId)).to.deep.equal({ state: 'go' })
    })
  })

  describe('a commit', () => {
    it('is granted at the due time, and not before', async () => {
      const { store, first, pass } = await early()
      await store.ack([first.batchId])
      const early1 = await store.commit(first.batchId)
      if (early1.state !== 'wait') throw new Error(`committed early: ${early1.state}`)
      expect(early1.waitMs).to.be.within(1, EARLY.quietGapMs - EARLY.earlyStartMs)
      await pass(early1.waitMs)
      expect(await store.commit(first.batchId)).to.deep.equal({ state: 'go' })
      expect(await store.commit(first.batchId)).to.deep.equal({ state: 'go', again: true })
    })

    it('is postponed by a sign of typing', async () => {
      const { store, first } = await early({ quietGapMs: 60_000, batchTtlMs: 90_000, maxWaitMs: 200_000 })
      await store.ack([first.batchId])
      expect((await store.extend(CHAT, 100_000))?.batchId).to.equal(first.batchId)
      const result = await store.commit(first.batchId)
      expect(result.state === 'wait' && result.waitMs).to.be.within(90_000, 100_000)
    })

    it('is granted at once after a flush, and nothing supersedes the batch then', async () => {
      const { store, first } = await early({ quietGapMs: 30_000 })
      expect(await store.flush(CHAT)).to.deep.equal({ batchId: first.batchId, count: 1 })
      await append(store, CHAT, 'm2')
      expect(await store.commit(first.batchId)).to.deep.equal({ state: 'go' })
      expect(await store.flush(CHAT)).to.include({ count: 1 })
    })

    it('is granted in queue mode as long as the batch is being answered', async () => {
      const { store } = await make({ quietGapMs: 600_000, maxWaitMs: 3_600_000, batchTtlMs: 900_000 })
      const { batchId } = await claimed(store)
      expect(await store.commit(batchId)).to.deep.equal({ state: 'go' })
      await append(store, CHAT, 'm2')
      await store.ack([batchId])
      expect(await store.commit(batchId)).to.deep.equal({ state: 'go', again: true })
      await store.answered(batchId, 'completed')
      expect(await store.commit(batchId)).to.deep.equal({ state: 'unknown' })
    })

    it('is granted in concurrent order, where a batch that was handed over is not remembered', async () => {
      const { store } = await make({ order: 'concurrent' })
      const { batchId } = await claimed(store)
      expect(await store.commit(batchId)).to.deep.equal({ state: 'go' })
      await store.ack([batchId])
      expect(await store.commit(batchId)).to.deep.equal({ state: 'go' })
    })

    it('is unknown for a batch that never was', async () => {
      const { store } = await make(EARLY)
      expect(await store.commit('never')).to.deep.equal({ state: 'unknown' })
    })

    it('stays with the batch through a nack and the end of its lease', async () => {
      const { store, first, pass } = await atGap({ leaseMs: 100 })
      expect(await store.commit(first.batchId)).to.deep.equal({ state: 'go' })
      await store.nack({ batchId: first.batchId, lease: first.lease, delayMs: 0, counts: true, error: 'no' })
      await append(store, CHAT, 'm2')
      const second = await claimOne(store)
      expect(second.batchId).to.equal(first.batchId)
      await pass(101)
      const third = await claimOne(store)
      expect(third.batchId).to.equal(first.batchId)
      expect(await store.commit(first.batchId)).to.deep.equal({ state: 'go', again: true })
      await store.ack([first.batchId])
      expect(await store.commit(first.batchId)).to.deep.equal({ state: 'go', again: true })
    })

    it('stays with the batch through its death and its redrive', async () => {
      const { store, first } = await atGap({ maxAttempts: 1 })
      await store.commit(first.batchId)
      await store.nack({ batchId: first.batchId, lease: first.lease, delayMs: 0, counts: true, error: 'no' })
      expect(await store.commit(first.batchId)).to.deep.equal({ state: 'go', again: true })
      await store.redrive(first.batchId)
      expect((await claimOne(store)).batchId).to.equal(first.batchId)
      await append(store, CHAT, 'm2')
      expect(await store.commit(first.batchId)).to.deep.equal({ state: 'go', again: true })
    })

    it('is not needed: an answer without one ends the hold', async () => {
      const { store, first } = await atGap()
      await store.ack([first.batchId])
      expect((await store.answered(first.batchId, 'completed')).freed).to.equal(true)
      await append(store, CHAT, 'm2')
      expect(await idsWaiting(store)).to.deep.equal(['m2'])
    })
  })

  describe('the question whether a batch holds its conversation', () => {
    for (const state of ['claimed', 'handed over'] as const)
      it(`finds a batch that is ${state} held, before and after its commit, and changes nothing`, async () => {
        const { store, first } = await atGap()
        if (state === 'handed over') await store.ack([first.batchId])
        const before = await store.history({ limit: 9 })
        expect(await store.holdState(first.batchId)).to.equal('held')
        expect(await store.history({ limit: 9 })).to.deep.equal(before)
        await store.commit(first.batchId)
        expect(await store.holdState(first.batchId)).to.equal('held')
      })

    it('finds how a batch has ended', async () => {
      const { store, first, pass } = await early()
      await append(store, CHAT, 'm2')
      expect(await store.holdState(first.batchId)).to.equal('superseded')
      await pass(41)
      const { batchId } = await claimOne(store)
      await store.answered(batchId, 'completed')
      expect(await store.holdState(batchId)).to.equal('answered')
      expect(await store.holdState('never')).to.equal('unknown')
    })

    it('finds a dead batch held, whose receiver may have it all the same', async () => {
      const { store, first } = await atGap({ maxAttempts: 1 })
      await store.nack({ batchId: first.batchId, lease: first.lease, delayMs: 0, counts: true, error: 'no' })
      expect(await store.holdState(first.batchId)).to.equal('held')
      await store.commit(first.batchId)
      expect(await store.holdState(first.batchId)).to.equal('held')
    })
  })

  describe('a dead batch, whose receiver may have it all the same', () => {
    const die = (store: Store, { batchId, lease }: { batchId: string; lease: number }) =>
      store.nack({ batchId, lease, delayMs: 0, counts: true, error: 'no' })

    it('can be committed once, and stays committed when it is redriven', async () => {
      const { store, first } = await atGap({ maxAttempts: 1 })
      await die(store, first)
      expect(await store.commit(first.batchId)).to.deep.equal({ state: 'go' })
      expect(await store.commit(first.batchId)).to.deep.equal({ state: 'go', again: true })
      const [dead] = await store.dead(9)
      expect(dead && idsOf(dead.batch)).to.deep.equal(['m1'])
      await store.redrive(first.batchId)
      const again = await claimOne(store)
      expect(idsOf(again.batch)).to.deep.equal(['m1'])
      await append(store, CHAT, 'm2')
      expect(await store.commit(first.batchId)).to.deep.equal({ state: 'go', again: true })
      expect(steps(await store.history({ limit: 99 })).filter(step => step === 'committed')).to.have.lengthOf(1)
    })

    it('is not committed before its due time', async () => {
      const { store, first, pass } = await early({ maxAttempts: 1 })
      await die(store, first)
      expect(await store.commit(first.batchId)).to.include({ state: 'wait' })
      await pass(EARLY.quietGapMs)
      expect(await store.commit(first.batchId)).to.deep.equal({ state: 'go' })
    })

    it('does not keep its conversation from its next answer, and is not changed by it', async () => {
      const { store, first, pass } = await atGap({ maxAttempts: 1 })
      await die(store, first)
      await append(store, CHAT, 'm2')
      await pass(AT_GAP.quietGapMs + 1)
      const second = await claimOne(store)
      expect(await store.commit(first.batchId)).to.deep.equal({ state: 'go' })
      expect(await store.commit(second.batchId)).to.deep.equal({ state: 'go' })
      expect((await store.answered(first.batchId, 'completed')).freed).to.equal(false)
      expect(await store.dead(9)).to.deep.equal([])
      expect(await store.holdState(second.batchId)).to.equal('held')
    })
  })

  describe('a superseded batch', () => {
    it('is not changed by its processor any more: neither by an acknowledgement, a refusal nor an answer', async () => {
      const { store, first } = await early()
      const { batchId } = await append(store, CHAT, 'm2')
      await store.ack([first.batchId])
      const refused = { batchId: first.batchId, lease: first.lease, delayMs: 0, counts: true, error: 'no' }
      expect(await store.nack(refused)).to.equal('stale')
      const lost = { batchId: first.batchId, superseded: { by: batchId } }
      expect(await store.renew([first])).to.deep.equal([lost])
      expect(await store.answered(first.batchId, 'completed', CHAT)).to.deep.equal({ freed: false })
      expect(await store.giveBack('processor-1')).to.deep.equal([])
      expect((await store.conversation(CHAT)).open).to.include({ batchId, count: 2 })
      expect(steps(await store.history({ limit: 9 }))).not.to.include('answered')
    })

    it('is recorded with the batch that has its messages', async () => {
      const { store, first } = await early()
      const { batchId } = await append(store, CHAT, 'm2')
      const history = await store.history({ limit: 9 })
      const superseded = history.find(({ step }) => step === 'superseded')
      expect(superseded).to.include({ batchId: first.batchId, conversationId: CHAT })
      expect(superseded?.detail).to.deep.equal({ count: '1', by: batchId })
      const opened = history.find(one => one.step === 'opened' && one.batchId === batchId)
      expect(opened?.detail).to.include({ count: '2', supersedes: first.batchId })
    })

    it('is published, and so is a due time that moves', async () => {
      const { store, first } = await early({ quietGapMs: 30_000 })
      const news: unknown[] = []
      const stop = await store.followSuperseded({
        superseded: ({ batchId, by }) => news.push({ batchId, by }),
        moved: ({ batchId }) => news.push({ moved: batchId }),
        missed: () => {},
      })
      try {
        await store.extend(CHAT, 40_000)
        const { batchId: by } = await append(store, CHAT, 'm2')
        await until(() => news.length >= 2, { what: 'two notices' })
        expect(news).to.deep.equal([{ moved: first.batchId }, { batchId: first.batchId, by }])
      } finally {
        await stop()
      }
    })
  })

  describe('a correction of a message in a batch that is not committed', () => {
    for (const state of ['claimed', 'handed over'] as const)
      it(`supersedes a batch that is ${state}, which is due when it was`, async () => {
        const { store, first } = await early({ quietGapMs: 30_000 }, 'm1', 'm2')
        if (state === 'handed over') await store.ack([first.batchId])
        expect(await store.edit({ conversationId: CHAT, messageId: 'm1', text: 'better' })).to.equal('edited')
        const second = await claimOne(store)
        expect(second.batch.messages.map(({ text }) => text)).to.deep.equal(['better', 'text of m2'])
        expect(second.batch).to.include({ dueAtMs: first.batch.dueAtMs, firstAtMs: first.batch.firstAtMs })
        expect(await store.revoke(CHAT, 'm2')).to.equal('revoked')
        const third = await claimOne(store)
        expect(idsOf(third.batch)).to.deep.equal(['m1'])
        expect(third.batch.supersedes).to.deep.equal([first.batchId, second.batchId])
        expect(await store.commit(second.batchId)).to.deep.equal({ state: 'superseded', by: third.batchId })
      })

    it('supersedes nothing if it changes nothing', async () => {
      const { store, first } = await early()
      expect(await store.edit({ conversationId: CHAT, messageId: 'm1', text: 'text of m1' })).to.equal('edited')
      expect((await store.conversation(CHAT)).heldBy?.batchId).to.equal(first.batchId)
    })

    it('leaves nothing behind if it takes out the only message', async () => {
      const { store, snapshot } = await early()
      expect(await store.revoke(CHAT, 'm1')).to.equal('revoked')
      const { claimed: left, answering } = await snapshot([CHAT])
      expect([left, answering]).to.deep.equal([[], []])
      expect(await store.conversation(CHAT)).to.include({ waiting: 0 })
    })

    it('is too late after the commit, and while a message waits behind it', async () => {
      const { store, first } = await atGap()
      await direct(store, CHAT, 'd1')
      expect(await store.edit({ conversationId: CHAT, messageId: 'm1', text: 'x' })).to.equal('tooLate')
      const other = await atGap()
      await other.store.commit(other.first.batchId)
      expect(await other.store.revoke(CHAT, 'm1')).to.equal('tooLate')
      expect(await store.commit(first.batchId)).to.deep.equal({ state: 'go' })
    })
  })

  describe('a drop or a forget', () => {
    it('discards the messages of a batch that is not committed', async () => {
      const { store, first } = await early()
      await store.ack([first.batchId])
      expect(await store.drop(CHAT)).to.equal(1)
      expect(await store.commit(first.batchId)).to.deep.equal({ state: 'superseded' })
      expect(await store.answered(first.batchId, 'completed')).to.deep.equal({ freed: false })
    })

    it('leaves a committed batch alone', async () => {
      const { store, first } = await atGap()
      await store.commit(first.batchId)
      expect(await store.drop(CHAT)).to.equal(0)
      expect((await store.conversation(CHAT)).heldBy?.batchId).to.equal(first.batchId)
    })

    it('erases the messages that are kept until the commit', async () => {
      const { store, first } = await early()
      await store.ack([first.batchId])
      expect(await store.forget(CHAT)).to.include({ messages: 1, underWay: first.batchId })
      expect(await store.commit(first.batchId)).to.deep.equal({ state: 'superseded' })
    })
  })
}
