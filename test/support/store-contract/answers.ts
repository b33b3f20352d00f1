/** Answers: which batch holds a conversation, and when the next one is released. */
import { expect } from 'chai'
import type { StoreEvent } from '../../../src/store/store.js'
import { until } from '../wait.js'
import type { Make } from './checked.js'
import { allIdsOf, append, CHAT, claim, claimed, claimOne, dead, ended, idsOf, PATIENT } from './messages.js'

export function answerTests(make: Make): void {
  describe('serial order', () => {
    it('releases the next batch when the last one is answered, at once if it is due by then', async () => {
      const { store, pass } = await make({ ...PATIENT, quietGapMs: 50 })
      const first = await claimed(store)
      await append(store, CHAT, 'm2')
      await store.ack([first.batchId])
      await pass(51)
      expect(allIdsOf(await claim(store))).to.deep.equal([])
      expect(await ended(store, first.batchId, 'completed')).to.deep.equal({ freed: true, dueInMs: 0 })
      const second = await claimOne(store)
      expect(idsOf(second.batch)).to.deep.equal(['m2'])
      expect(second.batch.releasedBy).to.equal('gap')
      expect(second.batch.dueAtMs).to.equal(second.batch.lastAtMs + 50)
    })

    it('measures lateness from the end of the hold', async () => {
      const { store, pass } = await make({ ...PATIENT, quietGapMs: 20 })
      const first = await claimed(store)
      await append(store, CHAT, 'm2')
      await store.ack([first.batchId])
      await pass(200)
      await store.answered(first.batchId, 'completed')
      const { lateMs, batch } = await claimOne(store)
      expect(lateMs).to.be.at.most(batch.releasedAtMs - batch.dueAtMs - 150)
    })

    it('keeps the next batch’s quiet gap if the answer comes before it is due', async () => {
      const { store } = await make(PATIENT)
      const { batchId } = await claimed(store)
      await append(store, CHAT, 'm2')
      const before = (await store.conversation(CHAT)).open
      await store.ack([batchId])
      const { freed, dueInMs } = await store.answered(batchId, 'completed')
      expect(freed).to.equal(true)
      expect(dueInMs).to.be.within(PATIENT.quietGapMs - 60_000, PATIENT.quietGapMs)
      const { open } = await store.conversation(CHAT)
      expect(open?.dueAtMs).to.equal(before?.dueAtMs)
      expect(allIdsOf(await claim(store))).to.deep.equal([])
    })

    it('releases sealed batches one by one, in order of arrival', async () => {
      const { store } = await make({ ...PATIENT, maxMessages: 2 })
      await append(store, CHAT, 'm1', 'm2', 'm3', 'm4', 'm5')
      await store.flush(CHAT)
      const seen: string[][] = []
      for (let i = 0; i < 3; i++) {
        const { batch, batchId } = await claimOne(store)
        seen.push(idsOf(batch))
        await store.ack([batchId])
        expect(allIdsOf(await claim(store))).to.deep.equal([])
        await store.answered(batchId, 'completed')
      }
      expect(seen).to.deep.equal([['m1', 'm2'], ['m3', 'm4'], ['m5']])
    })

    it('keeps an open batch’s header beyond its TTL while its conversation is held', async () => {
      const { store, pass } = await make({ ...PATIENT, quietGapMs: 50, batchTtlMs: 1000 })
      const { batchId } = await claimed(store)
      const open = await append(store, CHAT, 'm2')
      await store.ack([batchId])
      for (let i = 0; i < 4; i++) {
        await pass(400)
        await claim(store)
      }
      expect((await store.conversation(CHAT)).open?.batchId).to.equal(open.batchId)
      await store.answered(batchId, 'completed')
      expect((await claimOne(store)).batch.releasedBy).to.equal('gap')
    })
  })

  describe('a held conversation', () => {
    it('keeps the header of a batch that opens during the hold, however long that lasts', async () => {
      const { store, pass } = await make({ ...PATIENT, quietGapMs: 20, batchTtlMs: 60 })
      const { batchId, lease } = await claimed(store)
      await store.nack({ batchId, lease, delayMs: 60_000, counts: true, error: 'refused' })
      const first = await append(store, CHAT, 'm2')
      await pass(200)
      const second = await append(store, CHAT, 'm3')
      expect(second.batchId).to.equal(first.batchId)
      await store.answered(batchId, 'completed')
      await pass(21)
      const { batch, headerLost } = await claimOne(store)
      expect(headerLost).to.equal(undefined)
      expect(idsOf(batch)).to.deep.equal(['m2', 'm3'])
    })
  })

  describe('concurrent order', () => {
    it('releases the next batch when the last one is handed over', async () => {
      const { store } = await make({ ...PATIENT, order: 'concurrent' })
      const first = await claimed(store)
      await append(store, CHAT, 'm2')
      await store.flush(CHAT)
      expect(allIdsOf(await claim(store))).to.deep.equal([])
      await store.ack([first.batchId])
      const second = await claimOne(store)
      expect(idsOf(second.batch)).to.deep.equal(['m2'])
      expect(await store.answered(first.batchId, 'completed')).to.deep.equal({ freed: false })
      expect((await store.conversation(CHAT)).heldBy).to.deep.equal({ batchId: second.batchId, state: 'claimed' })
    })
  })

  describe('answered', () => {
    it('of a batch that the receiver does not know ends nothing before the batch is acknowledged', async () => {
      const { store } = await make(PATIENT)
      const { batchId, lease } = await claimed(store)
      await store.nack({ batchId, lease, delayMs: 0, counts: false, error: 'the queue is away' })
      expect(await store.answered(batchId, 'removed')).to.deep.equal({ freed: false })
      const again = await claimOne(store)
      expect(again.batchId).to.equal(batchId)
      await store.ack([batchId])
      expect(await store.answered(batchId, 'removed')).to.include({ freed: true })
    })

    for (const isAcknowledged of [true, false])
      it(`returns the time since the last message of ${isAcknowledged ? 'an acknowledged' : 'a claimed'} batch`, async () => {
        const { store, pass } = await make(PATIENT)
        const startedAtMs = performance.now()
        await append(store, CHAT, 'm1')
        await pass(60)
        const { batchId } = await claimed(store, CHAT, 'm2')
        await pass(40)
        if (isAcknowledged) await store.ack([batchId])
        const { replyMs } = await store.answered(batchId, 'completed')
        // The first message came at least 60 ms before the last.
        expect(replyMs).to.be.within(40, Math.max(performance.now() - startedAtMs - 59, 40))
        expect(await store.answered(batchId, 'completed')).not.to.have.property('replyMs')
      })

    it('implies the acknowledgement, which changes nothing if it comes later', async () => {
      const { store, pass } = await make({ ...PATIENT, leaseMs: 100 })
      const first = await claimed(store)
      expect(await ended(store, first.batchId, 'completed')).to.deep.equal({ freed: true })
      const second = await claimed(store, CHAT, 'm2')
      await store.ack([first.batchId])
      expect((await store.conversation(CHAT)).heldBy).to.deep.equal({ batchId: second.batchId, state: 'claimed' })
      await pass(101)
      expect((await claimOne(store)).batchId).to.equal(second.batchId)
    })

    it('ends the hold of its own batch, and only once', async () => {
      const { store } = await make(PATIENT)
      const first = await claimed(store)
      await store.ack([first.batchId])
      expect(await ended(store, first.batchId, 'failed')).to.deep.equal({ freed: true })
      const second = await claimed(store, CHAT, 'm2')
      expect(await store.answered(first.batchId, 'completed')).to.deep.equal({ freed: false })
      expect(await store.answered('gone', 'completed')).to.deep.equal({ freed: false })
      expect((await store.conversation(CHAT)).heldBy?.batchId).to.equal(second.batchId)
    })

    it('removes a dead batch, as its receiver had it after all', async () => {
      const { store } = await make({ ...PATIENT, maxAttempts: 1 })
      const { batchId } = await dead(store)
      expect(await store.answered(batchId, 'completed')).to.deep.equal({ freed: false })
      expect(await store.dead(10)).to.deep.equal([])
    })
  })

  describe('answer checks', () => {
    it('come again and again for a batch that holds its conversation', async () => {
      const { store, pass } = await make({ ...PATIENT, answerTimeoutMs: 2000 })
      const { batchId } = await claimed(store)
      await store.ack([batchId])
      const { checks, nextInMs } = await claim(store)
      expect(checks).to.deep.equal([])
      expect(nextInMs).to.be.within(0, 500)
      for (let i = 1; i <= 2; i++) {
        await pass(501)
        const found = (await claim(store)).checks
        expect(found).to.have.lengthOf(1)
        expect(found[0]).to.include({ batchId, conversationId: CHAT })
        expect(found[0]).not.to.have.any.keys('workerAttempt', 'workingForMs')
        expect(found[0]?.handedOverForMs).to.be.at.least(375 + 500 * (i - 1))
      }
      await store.answered(batchId, 'timeout')
      await pass(501)
      expect(await claim(store)).to.deep.equal({ batches: [], checks: [], dead: [], troubles: [] })
    })

    it('measure the work from the first sight of a worker’s attempt, and anew for another attempt', async () => {
      const { store, pass } = await make({ ...PATIENT, answerTimeoutMs: 4000 })
      const { batchId } = await claimed(store)
      await store.ack([batchId])
      await store.workerStarted(batchId, '1')
      await pass(600)
      await store.workerStarted(batchId, '1')
      await pass(600)
      const first = (await claim(store)).checks[0]
      expect(first?.workerAttempt).to.equal('1')
      expect(first?.workingForMs).to.be.at.least(1200)
      await store.workerStarted(batchId, '2')
      await pass(1001)
      const second = (await claim(store)).checks[0]
      expect(second?.workerAttempt).to.equal('2')
      expect((second?.handedOverForMs ?? 0) - (second?.workingForMs ?? 0)).to.be.at.least(1200)
    })

    it('come at the next claim after checkNow and checkAllNow, and checkNow publishes next-due', async () => {
      const { store } = await make(PATIENT)
      const batchIds: string[] = []
      for (const chat of ['a', 'b', 'c']) {
        const { batchId } = await claimed(store, chat)
        await store.ack([batchId])
        batchIds.push(batchId)
      }
      const [a = '', b = '', c = ''] = batchIds
      const checkedAtOnce = async () => (await claim(store)).checks.map(({ batchId }) => batchId).toSorted()
      const received: StoreEvent[] = []
      const stop = await store.listen(event => {
        if (event.kind === 'next-due') received.push(event)
      })
      await store.checkNow([a, 'gone', c])
      await until(() => received.length === 1, { what: 'the news' })
      expect(received[0]).to.deep.include({ dueInMs: 0 })
      await stop()
      expect(await checkedAtOnce()).to.deep.equal([a, c].toSorted())
      expect(await checkedAtOnce()).to.deep.equal([])
      await store.checkNow([])
      expect(await checkedAtOnce()).to.deep.equal([])
      await store.answered(b, 'completed')
      await store.checkAllNow()
      expect(await checkedAtOnce()).to.deep.equal([a, c].toSorted())
    })

    it('do not come for a batch that is not being answered', async () => {
      const { store, pass } = await make({ ...PATIENT, answerTimeoutMs: 400 })
      const { batchId } = await claimed(store)
      await store.workerStarted(batchId, '1')
      await store.workerStarted('gone', '1')
      await pass(101)
      expect((await claim(store)).checks).to.deep.equal([])
    })
  })
}
