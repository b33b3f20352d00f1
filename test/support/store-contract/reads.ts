/** Reads: one conversation, all conversations, the history, dead batches. */
import { expect } from 'chai'
import { entryJson } from '../../../src/store/redis/entries.js'
import type { Make } from './checked.js'
import { append, CHAT, claimed, claimOne, dead, direct, message, OTHER, PATIENT, steps } from './messages.js'

export function readTests(make: Make): void {
  describe('conversation', () => {
    it('returns an empty state for an unknown conversation', async () => {
      const { store } = await make(PATIENT)
      const { nowMs: _, ...nothing } = await store.conversation(CHAT)
      expect(nothing).to.deep.equal({ conversationId: CHAT, waiting: 0, messages: [] })
    })

    it('lists sealed and open messages with their batches', async () => {
      const { store } = await make({ ...PATIENT, maxMessages: 2 })
      await append(store, CHAT, 'm1', 'm2', 'm3')
      const { messages, waiting, open } = await store.conversation(CHAT)
      expect(waiting).to.equal(3)
      expect(messages.map(entry => entry.message)).to.deep.equal(['m1', 'm2', 'm3'].map(id => message(id)))
      expect(new Set(messages.map(entry => entry.batchId)).size).to.equal(2)
      expect(open).to.include({ batchId: messages[2]?.batchId, count: 1 })
      expect(open?.bytes).to.equal(Buffer.byteLength(entryJson(message('m3'))))
      expect(open?.firstAtMs).to.equal(messages[2]?.receivedAtMs)
    })

    it('returns the batch that holds it, and whether that is claimed or answering', async () => {
      const { store } = await make(PATIENT)
      const { batchId } = await claimed(store)
      expect((await store.conversation(CHAT)).heldBy).to.deep.equal({ batchId, state: 'claimed' })
      await store.ack([batchId])
      expect((await store.conversation(CHAT)).heldBy).to.deep.equal({ batchId, state: 'answering' })
      await store.answered(batchId, 'completed')
      expect((await store.conversation(CHAT)).heldBy).to.equal(undefined)
    })
  })

  describe('conversation', () => {
    it('returns for how long its first batch is overdue, unless it is held', async () => {
      const { store, pass } = await make(PATIENT)
      await append(store, CHAT, 'm1')
      expect((await store.conversation(CHAT)).overdueForMs).to.equal(undefined)
      await store.flush(CHAT)
      await pass(20)
      expect((await store.conversation(CHAT)).overdueForMs).to.be.at.least(20)
      await claimOne(store)
      await append(store, CHAT, 'm2')
      await store.flush(CHAT)
      expect((await store.conversation(CHAT)).overdueForMs).to.equal(undefined)
    })
  })

  describe('conversations', () => {
    it('lists open conversations by due time, then held ones, up to the limit', async () => {
      const { store, pass } = await make(PATIENT)
      const holder = await claimed(store, 'held')
      await append(store, 'later', 'm1')
      await pass(2)
      await append(store, 'latest', 'm1')
      await direct(store, 'now', 'm1')
      const all = await store.conversations(10)
      expect(all.map(({ conversationId, state }) => [conversationId, state])).to.deep.equal([
        ['now', 'open'],
        ['later', 'open'],
        ['latest', 'open'],
        ['held', 'held'],
      ])
      expect(all[0]?.dueInMs).to.equal(0)
      expect(all[1]?.dueInMs).to.be.within(PATIENT.quietGapMs - 60_000, PATIENT.quietGapMs)
      expect(all[3]).to.include({ batchId: holder.batchId })
      await store.ack([holder.batchId])
      expect((await store.conversations(10))[3]).to.deep.equal(all[3])
      expect(await store.conversations(2)).to.have.lengthOf(2)
    })
  })

  describe('history', () => {
    it('records the life of a batch, newest step first, without texts', async () => {
      const { store } = await make({ ...PATIENT, quietGapMs: 10_000 })
      const { batchId } = await append(store, CHAT, 'm1')
      await append(store, CHAT, 'm2', 'm3')
      await store.extend(CHAT, 20_000)
      await store.flush(CHAT)
      const { lease } = await claimOne(store)
      await store.nack({ batchId: batchId ?? '', lease, delayMs: 0, counts: true, error: 'refused' })
      await claimOne(store, 'processor-2')
      await store.giveBack('processor-2')
      await claimOne(store, 'processor-3')
      await store.ack([batchId ?? ''])
      await store.answered(batchId ?? '', 'failed')
      const life = (await store.history({ conversationId: CHAT, limit: 100 })).toReversed()
      expect(life.every(entry => entry.batchId === batchId && entry.conversationId === CHAT)).to.equal(true)
      expect(JSON.stringify(life)).not.to.include('text of')
      // Durations depend on the machine.
      const shown = life.map(({ step, detail: { lateMs: _late, byMs: _by, owner = '', ...detail } }) => ({
        step,
        ...(owner.startsWith('processor-') ? { owner } : {}),
        ...detail,
      }))
      expect(shown).to.deep.equal([
        { step: 'opened', count: '1', ids: '["m1"]' },
        { step: 'appended', count: '3', ids: '["m2","m3"]' },
        { step: 'extended' },
        { step: 'sealed', reason: 'flush', count: '3' },
        { step: 'claimed', owner: 'processor-1', reason: 'flush', count: '3' },
        { step: 'nacked', attempt: '1', delayMs: '0', error: 'refused' },
        { step: 'reclaimed', owner: 'processor-2', attempt: '2' },
        { step: 'given-back', owner: 'processor-2' },
        { step: 'reclaimed', owner: 'processor-3', attempt: '2' },
        { step: 'handed-over', owner: 'processor-3' },
        { step: 'answered', outcome: 'failed' },
      ])
    })

    it('records caps, direct messages, deaths, redrives and drops', async () => {
      const { store } = await make({ ...PATIENT, maxMessages: 2, maxAttempts: 1 })
      await append(store, CHAT, 'm1', 'm2', 'm3')
      await direct(store, CHAT, 'm4')
      const { batchId, lease } = await claimOne(store)
      await store.nack({ batchId, lease, delayMs: 0, counts: true, error: 'refused' })
      await store.redrive(batchId)
      await store.drop(CHAT)
      const life = (await store.history({ conversationId: CHAT, limit: 100 })).toReversed()
      expect(
        life.map(({ step, detail }) => [step, detail['reason'] ?? detail['count'] ?? detail['error']]),
      ).to.deep.equal([
        ['opened', '2'],
        ['sealed', 'maxMessages'],
        ['opened', '1'],
        ['sealed', 'direct'],
        ['opened', '1'],
        ['sealed', 'direct'],
        ['claimed', 'maxMessages'],
        ['dead', 'refused'],
        ['redriven', '2'],
        ['dropped', '4'],
      ])
    })

    it('records both steps of a batch that was answered before it was acknowledged', async () => {
      const { store } = await make(PATIENT)
      const { batchId } = await claimed(store)
      await store.answered(batchId, 'completed')
      await store.ack([batchId])
      const life = (await store.history({ conversationId: CHAT, limit: 2 })).toReversed()
      expect(steps(life)).to.deep.equal(['handed-over', 'answered'])
    })

    it('ignores an answer under a lease that another processor’s lease has replaced', async () => {
      const { store, pass } = await make({ ...PATIENT, leaseMs: 100 })
      const first = await claimed(store)
      await pass(101)
      const second = await claimOne(store, 'processor-2')
      expect(second.batchId).to.equal(first.batchId)
      expect(await store.answered(first.batchId, 'completed', undefined, first.lease)).to.deep.equal({ freed: false })
      expect((await store.conversation(CHAT)).heldBy?.batchId).to.equal(first.batchId)
      expect((await store.answered(first.batchId, 'completed', undefined, second.lease)).freed).to.equal(true)
    })

    it('accepts an answer under a lease that was given back, until the batch is claimed again', async () => {
      const { store } = await make(PATIENT)
      const { batchId, lease } = await claimed(store)
      await store.giveBack('processor-1')
      expect((await store.answered(batchId, 'completed', undefined, lease)).freed).to.equal(true)
    })

    it('records the end of an answer that held nothing, if its conversation is given', async () => {
      const { store } = await make({ ...PATIENT, order: 'concurrent' })
      const { batchId } = await claimed(store)
      await store.ack([batchId])
      expect(await store.answered(batchId, 'completed')).to.deep.equal({ freed: false })
      expect(await store.answered(batchId, 'completed', CHAT)).to.deep.equal({ freed: false })
      const life = (await store.history({ conversationId: CHAT, limit: 2 })).toReversed()
      expect(steps(life)).to.deep.equal(['handed-over', 'answered'])
      expect(life[1]?.detail).to.deep.equal({ outcome: 'completed' })
    })

    it('records the ids of a batch’s messages up to a bound, and when each came', async () => {
      const { store, pass } = await make({ ...PATIENT, maxMessages: 1000 })
      await append(store, CHAT, ...Array.from({ length: 50 }, (_, i) => `${i}${'x'.repeat(200)}`))
      await pass(20)
      await append(store, CHAT, ...Array.from({ length: 70 }, (_, i) => `m${i}`))
      await store.flush(CHAT)
      const { batch } = await claimOne(store)
      const [claimed] = await store.history({ limit: 1 })
      const ids: string[] = JSON.parse(claimed?.detail['ids'] ?? '')
      const times: number[] = JSON.parse(claimed?.detail['at'] ?? '')
      expect([ids.length, times.length]).to.deep.equal([100, 100])
      expect(ids.slice(0, 50).every(id => id.length === 80)).to.equal(true)
      expect(ids.slice(50)).to.deep.equal(Array.from({ length: 50 }, (_, i) => `m${i}`))
      expect(claimed?.detail).to.include({ count: '120', firstAtMs: String(batch.firstAtMs) })
      const life = (await store.history({ conversationId: CHAT, limit: 10 })).toReversed()
      expect(life.map(({ step, detail }) => [step, detail['count']])).to.deep.equal([
        ['opened', '50'],
        ['appended', '100'],
        ['sealed', '120'],
        ['claimed', '120'],
      ])
      expect(life[1]?.atMs).to.equal(batch.lastAtMs)
    })

    it('records ids of any characters, cut between two characters', async () => {
      const { store } = await make(PATIENT)
      const odd = [
        '"quoted"',
        'back\\slash',
        `${'x'.repeat(79)}é🍰`,
        `${'x'.repeat(78)}\\\\`,
        '\u0001'.repeat(40),
        '🍰'.repeat(40),
      ]
      await append(store, CHAT, ...odd)
      await store.flush(CHAT)
      await claimOne(store)
      const [opened] = (await store.history({ conversationId: CHAT, limit: 10 })).toReversed()
      const ids: string[] = JSON.parse(opened?.detail['ids'] ?? '')
      expect(ids.slice(0, 2)).to.deep.equal(odd.slice(0, 2))
      expect(ids.map((id, i) => odd[i]?.startsWith(id))).to.deep.equal(odd.map(() => true))
      expect(ids.slice(2).every(id => id.length >= 12)).to.equal(true)
    })

    it('returns steps of one conversation or of all, up to the limit, with their times', async () => {
      const { store, pass } = await make(PATIENT)
      await append(store, CHAT, 'm1')
      await append(store, OTHER, 'm1')
      await append(store, CHAT, 'm2')
      await pass(2)
      await store.flush(CHAT)
      expect(steps(await store.history({ conversationId: CHAT, limit: 10 }))).to.deep.equal(['sealed', 'opened'])
      expect(await store.history({ limit: 10 })).to.have.lengthOf(3)
      const { batch } = await claimOne(store)
      const [newest] = await store.history({ limit: 1 })
      expect(newest?.step).to.equal('claimed')
      expect(newest?.atMs).to.be.within(batch.releasedAtMs, batch.releasedAtMs + 5)
      const life = await store.history({ conversationId: CHAT, limit: 10 })
      expect(steps(life)).to.deep.equal(['claimed', 'sealed', 'appended', 'opened'])
      expect(life[2]?.atMs).to.equal(batch.lastAtMs)
    })
  })

  describe('dead', () => {
    it('lists dead batches, the last to die first, up to the limit', async () => {
      const { store, pass } = await make({ ...PATIENT, maxAttempts: 1 })
      const first = await dead(store, CHAT)
      await pass(2)
      const second = await dead(store, OTHER)
      expect((await store.dead(10)).map(({ batchId }) => batchId)).to.deep.equal([second.batchId, first.batchId])
      expect(await store.dead(1)).to.have.lengthOf(1)
    })
  })
}
