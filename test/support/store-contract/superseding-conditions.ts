/** When an answer is superseded and when not, what is kept until then, and when an open batch starts early. */
import { expect } from 'chai'
import type { Store } from '../../../src/store/store.js'
import type { Make, StoreUnderTest } from './checked.js'
import { append, CHAT, claimed, claimOne, direct, message, neighbours, PATIENT } from './messages.js'
import { AT_GAP, EARLY, LONG, provisional } from './provisional.js'

const MIB = 1024 * 1024

export function supersedingConditionTests(make: Make): void {
  const { early, atGap } = provisional(make)

  describe('newer messages and the max wait', () => {
    it('make both due together, at the max wait of the first message at the latest', async () => {
      const { store } = await early({ ...LONG, maxWaitMs: LONG.quietGapMs })
      await append(store, CHAT, 'm2')
      const { open } = await store.conversation(CHAT)
      expect(open?.dueAtMs).to.equal(Number(open?.firstAtMs) + LONG.quietGapMs)
    })

    it('supersede an answer past its max wait once, and what is released then never', async () => {
      const { store, first, pass } = await atGap({ maxWaitMs: 60 })
      await pass(30)
      const { batchId } = await append(store, CHAT, 'm2')
      expect(await store.commit(first.batchId)).to.deep.equal({ state: 'superseded', by: batchId })
      const second = await claimOne(store)
      expect(second.batch).to.include({ batchId, releasedBy: 'maxWait' })
      await append(store, CHAT, 'm3')
      expect((await store.conversation(CHAT)).heldBy?.batchId).to.equal(batchId)
      expect(await store.commit(second.batchId)).to.deep.equal({ state: 'go' })
    })

    it('do not let edits without end keep an answer from being sent', async () => {
      const { store, first, pass } = await atGap({ maxWaitMs: 60 })
      await pass(30)
      expect(await edit(store, 'm1', 'once')).to.equal('edited')
      const second = await claimOne(store)
      expect(second.batch.supersedes).to.deep.equal([first.batchId])
      expect(await edit(store, 'm1', 'twice')).to.equal('tooLate')
      expect(await store.commit(second.batchId)).to.deep.equal({ state: 'go' })
    })
  })

  describe('a newer message does not supersede', () => {
    it('a redriven batch, which is due at once', async () => {
      const { store, first } = await early({ ...LONG, maxAttempts: 1 })
      const { batchId, lease } = first
      await store.nack({ batchId, lease, delayMs: 0, counts: true, error: 'no' })
      await store.redrive(batchId)
      const again = await claimOne(store)
      expect(again.batch.provisional).to.equal(undefined)
      expect(again.batch.dueAtMs).to.be.at.most(again.batch.releasedAtMs)
      await append(store, CHAT, 'm2')
      await expectHeldBy(store, batchId)
      expect(await store.commit(batchId)).to.deep.equal({ state: 'go' })
    })

    it('a batch whose header was lost', async () => {
      const { store, pass } = await make({ ...AT_GAP, batchTtlMs: 60 })
      await append(store, CHAT, 'm1')
      await pass(120)
      const { batchId, batch } = await claimOne(store)
      expect(batch.releasedBy).to.equal('recovery')
      await append(store, CHAT, 'm2')
      await expectHeldBy(store, batchId)
    })

    it('a batch of more than 1 MiB, as that would be copied with each message', async () => {
      const { store, pass } = await make({ ...LONG, maxBytes: 4 * MIB })
      await store.append({ conversationId: CHAT, messages: [message('m1', { text: 'x'.repeat(MIB) })] })
      await pass(EARLY.earlyStartMs + 1)
      const { batchId } = await claimOne(store)
      await append(store, CHAT, 'm2')
      await expectHeldBy(store, batchId)
      expect(await edit(store, 'm1', 'short')).to.equal('tooLate')
      expect(await store.drop(CHAT)).to.equal(2)
      expect(await store.commit(batchId)).to.deep.equal({ state: 'superseded' })
    })

    it('anything in queue, where a commit is granted at once', async () => {
      const { store } = await make(PATIENT)
      const { batchId } = await claimed(store)
      await append(store, CHAT, 'm2')
      expect(await store.commit(batchId)).to.deep.equal({ state: 'go' })
      await store.ack([batchId])
      expect(await store.commit(batchId)).to.deep.equal({ state: 'go', again: true })
      await store.answered(batchId, 'completed')
      expect(await store.commit(batchId)).to.deep.equal({ state: 'unknown' })
    })
  })

  describe('a newer message supersedes', () => {
    it('a batch that was refused and waits for its next attempt', async () => {
      const { store, first } = await early(LONG)
      const { batchId, lease } = first
      await store.nack({ batchId, lease, delayMs: 60_000, counts: true, error: 'no' })
      await expectSuperseded(store, batchId)
    })

    it('a batch whose lease has ended, before and after it is claimed again', async () => {
      for (const isClaimedAgain of [false, true]) {
        const { store, first, pass } = await early({ ...LONG, leaseMs: 100 })
        await pass(101)
        if (isClaimedAgain) expect(await claimOne(store)).to.include({ batchId: first.batchId, attempt: 2 })
        await expectSuperseded(store, first.batchId)
      }
    })

    it('a batch that was given back, which is as provisional as before', async () => {
      const { store, first } = await early(LONG)
      expect(await store.giveBack('processor-1')).to.deep.equal([first.batchId])
      const again = await claimOne(store)
      expect(again.batch).to.include({ batchId: first.batchId, provisional: true, dueAtMs: first.batch.dueAtMs })
      await expectSuperseded(store, first.batchId)
    })

    it('a batch that a merge has brought into its conversation', async () => {
      const { store, first } = await early(LONG)
      const [into = ''] = neighbours(store, 1)
      await store.merge(CHAT, into)
      const { batchId } = await append(store, into, 'm2')
      expect(await store.commit(first.batchId)).to.deep.equal({ state: 'superseded', by: batchId })
      expect((await store.conversation(into)).open).to.include({ batchId, count: 2 })
    })

    it('a batch that is due, after a flush that had nothing to make due', async () => {
      const { store, first } = await atGap()
      expect(await store.flush(CHAT)).to.equal(undefined)
      await expectSuperseded(store, first.batchId)
    })
  })

  describe('a correction supersedes nothing', () => {
    it('if the batch would be too large', async () => {
      const { store, first } = await early({ ...LONG, maxBytes: 50 })
      expect(await edit(store, 'm1', 'x'.repeat(60))).to.equal('tooLate')
      await expectHeldBy(store, first.batchId)
    })

    it('if somebody else wrote the message', async () => {
      const { store, pass } = await make(LONG)
      await store.append({ conversationId: CHAT, messages: [message('m1', { senderId: 'ann' })] })
      await pass(EARLY.earlyStartMs + 1)
      const { batchId } = await claimOne(store)
      const authors = ['bob']
      const edited = { conversationId: CHAT, messageId: 'm1', text: 'x', authors }
      expect(await store.edit(edited)).to.equal('notAuthor')
      expect(await store.revoke(CHAT, 'm1', authors)).to.equal('notAuthor')
      await expectHeldBy(store, batchId)
    })
  })

  describe('the messages of a handed-over batch', () => {
    it('are kept until the commit, if newer messages can supersede it', async () => {
      const underTest = await atGap()
      const { store, first } = underTest
      await store.ack([first.batchId])
      expect(await keptIn(underTest)).to.deep.equal([1])
      await store.commit(first.batchId)
      expect(await keptIn(underTest)).to.deep.equal([undefined])
    })

    it('are not kept if it is committed before, or nothing can supersede it', async () => {
      const committed = await atGap()
      await committed.store.commit(committed.first.batchId)
      await committed.store.ack([committed.first.batchId])
      expect(await keptIn(committed)).to.deep.equal([undefined])
      const full = await early({ maxMessages: 1 })
      await full.store.ack([full.first.batchId])
      expect(await keptIn(full)).to.deep.equal([undefined])
    })
  })

  it('a commit stays with a batch that is given back', async () => {
    const { store, first } = await atGap()
    await store.commit(first.batchId)
    await store.giveBack('processor-1')
    await append(store, CHAT, 'm2')
    expect((await claimOne(store)).batchId).to.equal(first.batchId)
    expect(await store.commit(first.batchId)).to.deep.equal({ state: 'go', again: true })
  })

  it('an answer ends the hold of a batch that was released early and never committed', async () => {
    const { store, first } = await early(LONG)
    await store.ack([first.batchId])
    expect(await store.answered(first.batchId, 'completed')).to.include({ freed: true })
    await append(store, CHAT, 'm2')
    expect((await store.conversation(CHAT)).open).to.include({ count: 1 })
  })

  describe('a sign of typing, while an answer can be superseded', () => {
    it('moves its due time to the max wait at most', async () => {
      const { store, first } = await early({ ...LONG, maxWaitMs: 700_000 })
      await store.extend(CHAT, 3_000_000)
      const result = await store.commit(first.batchId)
      expect(result.state === 'wait' && result.waitMs).to.be.within(690_000, 700_000)
    })

    it('changes nothing once it is due', async () => {
      const { store, first } = await atGap()
      expect(await store.extend(CHAT, 10_000)).to.equal(undefined)
      expect(await store.commit(first.batchId)).to.deep.equal({ state: 'go' })
    })

    it('moves the due times of both, if a batch collects behind it', async () => {
      const { store, first } = await early({ ...LONG, maxBytes: 100 })
      const large = message('m2', { text: 'x'.repeat(85) })
      const { batchId } = await store.append({ conversationId: CHAT, messages: [large] })
      expect((await store.extend(CHAT, 900_000))?.batchId).to.equal(batchId)
      const result = await store.commit(first.batchId)
      expect(result.state === 'wait' && result.waitMs).to.be.within(800_000, 900_000)
      const { open } = await store.conversation(CHAT)
      expect(open?.dueInMs).to.be.within(800_000, 900_000)
    })
  })

  describe('the early start of an open batch', () => {
    const LATER = { ...LONG, earlyStartMs: 300_000 }

    it('counts from its last message', async () => {
      const underTest = await make(LATER)
      await append(underTest.store, CHAT, 'm1')
      await underTest.pass(5)
      await append(underTest.store, CHAT, 'm2')
      const { open } = await underTest.store.conversation(CHAT)
      expect(await startIn(underTest)).to.equal(Number(open?.lastAtMs) + LATER.earlyStartMs)
    })

    it('is its max wait, if that is earlier', async () => {
      const underTest = await make({ ...EARLY, quietGapMs: 100, earlyStartMs: 90, maxWaitMs: 100 })
      await append(underTest.store, CHAT, 'm1')
      await underTest.pass(20)
      await append(underTest.store, CHAT, 'm2')
      const { open } = await underTest.store.conversation(CHAT)
      expect(open?.dueAtMs).to.equal(Number(open?.firstAtMs) + 100)
      expect(await startIn(underTest)).to.equal(open?.dueAtMs)
    })

    it('is kept by a batch that waits behind an answer', async () => {
      const underTest = await make(LATER)
      const { store } = underTest
      const { batchId } = await claimed(store)
      await append(store, CHAT, 'm2')
      const { open } = await store.conversation(CHAT)
      expect(await startIn(underTest)).to.equal(undefined)
      expect((await store.answered(batchId, 'completed')).dueInMs).to.be.within(200_000, LATER.earlyStartMs)
      expect(await startIn(underTest)).to.equal(Number(open?.lastAtMs) + LATER.earlyStartMs)
    })

    it('is no matter to a direct message, which goes at once', async () => {
      const { store } = await make(LATER)
      await direct(store, CHAT, 'd1')
      const { batch } = await claimOne(store)
      expect(batch.releasedBy).to.equal('direct')
      expect(batch.provisional).to.equal(undefined)
    })
  })

  async function expectSuperseded(store: Store, batchId: string): Promise<void> {
    const { batchId: by } = await append(store, CHAT, 'm2')
    expect(await store.commit(batchId)).to.deep.equal({ state: 'superseded', by })
    expect((await store.conversation(CHAT)).open).to.include({ batchId: by, count: 2 })
  }

  async function expectHeldBy(store: Store, batchId: string): Promise<void> {
    expect((await store.conversation(CHAT)).heldBy?.batchId).to.equal(batchId)
  }

  const keptIn = async ({ snapshot }: StoreUnderTest) => (await snapshot([CHAT])).answering.map(({ count }) => count)

  const startIn = async ({ snapshot }: StoreUnderTest) => (await snapshot([CHAT])).conversations[0]?.dueAtMs
}

const edit = (store: Store, messageId: string, text: string) => store.edit({ conversationId: CHAT, messageId, text })
