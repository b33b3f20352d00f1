/** Appends: what they change, and when the batch is due. */
import { expect } from 'chai'
import type { Make } from './checked.js'
import { allIdsOf, append, CHAT, claim, claimed, claimOne, dead, direct, idsOf, message, PATIENT } from './messages.js'

export function appendTests(make: Make): void {
  describe('append', () => {
    it('opens one batch for all messages of a call, due a quiet gap after the last one', async () => {
      const { store } = await make(PATIENT)
      const result = await append(store, CHAT, 'm1', 'm2')
      expect(result).to.include({ accepted: 2, duplicates: 0, tooOld: 0, listeners: 0 })
      const { open } = await store.conversation(CHAT)
      expect(open).to.include({ batchId: result.batchId, count: 2 })
      expect(open?.dueAtMs).to.equal((open?.lastAtMs ?? 0) + PATIENT.quietGapMs)
      expect(result.dueInMs).to.equal(PATIENT.quietGapMs)
    })

    it('adds to the open batch, which is due a quiet gap after the latest message', async () => {
      const { store, pass } = await make(PATIENT)
      const first = await append(store, CHAT, 'm1')
      const before = (await store.conversation(CHAT)).open
      await pass(20)
      const second = await append(store, CHAT, 'm2')
      expect(second.batchId).to.equal(first.batchId)
      const { open } = await store.conversation(CHAT)
      expect(open?.count).to.equal(2)
      expect(open?.firstAtMs).to.equal(before?.firstAtMs)
      expect(open?.lastAtMs).to.be.at.least((before?.lastAtMs ?? 0) + 20)
      expect(open?.dueAtMs).to.equal((open?.lastAtMs ?? 0) + PATIENT.quietGapMs)
    })

    it('makes a batch due at its max wait, however long messages go on', async () => {
      const { store, pass } = await make({ ...PATIENT, quietGapMs: 200, maxWaitMs: 300 })
      await append(store, CHAT, 'm1')
      await pass(150)
      await append(store, CHAT, 'm2')
      const { open } = await store.conversation(CHAT)
      expect(open?.dueAtMs).to.equal((open?.firstAtMs ?? 0) + 300)
      await pass(151)
      const { batch } = await claimOne(store)
      expect(batch.releasedBy).to.equal('maxWait')
      expect(batch.dueAtMs).to.equal(batch.firstAtMs + 300)
      expect(idsOf(batch)).to.deep.equal(['m1', 'm2'])
    })

    it('adds nothing to a batch that is overdue, and releases that one by its own reason', async () => {
      const { store, pass } = await make({ ...PATIENT, quietGapMs: 20 })
      const { batchId } = await append(store, CHAT, 'm1')
      const { open } = await store.conversation(CHAT)
      await pass(1100)
      const next = await append(store, CHAT, 'm2')
      expect(next.batchId).to.not.equal(batchId)
      const { batch, lateMs } = await claimOne(store)
      expect(batch).to.include({ batchId, releasedBy: 'gap', dueAtMs: open?.dueAtMs })
      expect(idsOf(batch)).to.deep.equal(['m1'])
      expect(lateMs).to.be.at.least(1080)
      await store.ack([batch.batchId])
      await store.answered(batch.batchId, 'completed')
      await pass(21)
      expect(idsOf((await claimOne(store)).batch)).to.deep.equal(['m2'])
    })

    it('adds to a batch that is due while its conversation is held', async () => {
      const { store, pass } = await make({ ...PATIENT, quietGapMs: 20 })
      const first = await claimed(store)
      await append(store, CHAT, 'm2')
      await pass(1100)
      await append(store, CHAT, 'm3')
      await store.ack([first.batchId])
      await store.answered(first.batchId, 'completed')
      await pass(21)
      expect(idsOf((await claimOne(store)).batch)).to.deep.equal(['m2', 'm3'])
    })

    it('drops and counts an id that comes twice in one call', async () => {
      const { store } = await make(PATIENT)
      expect(await append(store, CHAT, 'm1', 'm2', 'm1')).to.include({ accepted: 2, duplicates: 1 })
      await store.flush(CHAT)
      expect(idsOf((await claimOne(store)).batch)).to.deep.equal(['m1', 'm2'])
    })

    it('changes nothing if all messages are duplicates, and returns the open batch', async () => {
      const { store, pass } = await make(PATIENT)
      const { batchId } = await append(store, CHAT, 'm1')
      const before = await store.conversation(CHAT)
      await pass(5)
      const again = await append(store, CHAT, 'm1')
      expect(again).to.include({ accepted: 0, duplicates: 1, batchId })
      expect(again.dueInMs).to.be.at.most(PATIENT.quietGapMs - 5)
      expect(again).not.to.have.property('listeners')
      const after = await store.conversation(CHAT)
      expect(after.open?.dueAtMs).to.equal(before.open?.dueAtMs)
      expect(await store.history({ limit: 10 })).to.have.lengthOf(1)
    })

    it('accepts the same id in two conversations', async () => {
      const { store } = await make(PATIENT)
      expect(await append(store, CHAT, 'm1')).to.include({ accepted: 1 })
      expect(await append(store, `${CHAT}2`, 'm1')).to.include({ accepted: 1 })
    })

    it('recognises an id whose message is claimed, handed over, answered or dropped', async () => {
      const { store } = await make(PATIENT)
      const { batchId } = await claimed(store)
      const whenClaimed = await append(store, CHAT, 'm1')
      expect(whenClaimed).to.deep.equal({ accepted: 0, duplicates: 1, tooOld: 0 })
      await store.ack([batchId])
      expect(await append(store, CHAT, 'm1')).to.include({ accepted: 0, duplicates: 1 })
      await store.answered(batchId, 'completed')
      expect(await append(store, CHAT, 'm1')).to.include({ accepted: 0, duplicates: 1 })
      await append(store, CHAT, 'm2')
      await store.drop(CHAT)
      expect(await append(store, CHAT, 'm2')).to.include({ accepted: 0, duplicates: 1 })
    })

    it('recognises an id whose batch is dead', async () => {
      const { store } = await make({ ...PATIENT, maxAttempts: 1 })
      await dead(store)
      expect(await append(store, CHAT, 'm1')).to.include({ accepted: 0, duplicates: 1 })
    })

    it('remembers an id for dedupeMs, and no longer', async () => {
      const { store, pass } = await make({ ...PATIENT, dedupeMs: 1000 })
      await append(store, CHAT, 'm1')
      await pass(500)
      expect(await append(store, CHAT, 'm1', 'm2')).to.include({ accepted: 1, duplicates: 1 })
      await pass(501)
      expect(await append(store, CHAT, 'm1')).to.include({ accepted: 1, duplicates: 0 })
    })

    it('drops messages that were sent too long ago, and does not remember their ids', async () => {
      const { store } = await make({ ...PATIENT, maxAgeMs: 60_000 })
      const messages = [
        message('old', { sentAtMs: 1_000_000_000_000 }),
        message('timeless'),
        message('new', { sentAtMs: 4_000_000_000_000 }),
      ]
      const result = await store.append({ conversationId: CHAT, messages })
      expect(result).to.include({ accepted: 2, duplicates: 0, tooOld: 1 })
      expect(await append(store, CHAT, 'old')).to.include({ accepted: 1 })
    })

    it('seals a batch at maxMessages, so that one call may fill several batches', async () => {
      const { store } = await make({ ...PATIENT, maxMessages: 3, order: 'concurrent' })
      const ids = ['1', '2', '3', '4', '5', '6', '7'].map(n => `m${n}`)
      const result = await append(store, CHAT, ...ids)
      const { open, waiting } = await store.conversation(CHAT)
      expect(waiting).to.equal(7)
      expect(open).to.include({ batchId: result.batchId, count: 1 })
      const first = await claimOne(store)
      expect(first.batch.releasedBy).to.equal('maxMessages')
      await store.ack([first.batchId])
      const second = await claimOne(store)
      expect(second.batch.releasedBy).to.equal('maxMessages')
      expect([idsOf(first.batch), idsOf(second.batch)]).to.deep.equal([ids.slice(0, 3), ids.slice(3, 6)])
      await store.ack([second.batchId])
      expect(allIdsOf(await claim(store))).to.deep.equal([])
      expect((await store.conversation(CHAT)).open?.count).to.equal(1)
    })

    it('makes a batch that several calls have filled due at once; the next message opens another one', async () => {
      const { store } = await make({ ...PATIENT, maxMessages: 2 })
      const first = await append(store, CHAT, 'm1')
      const second = await append(store, CHAT, 'm2')
      expect(second).to.include({ batchId: first.batchId, dueInMs: 0 })
      const third = await append(store, CHAT, 'm3')
      expect(third.batchId).not.to.equal(first.batchId)
      const { batch } = await claimOne(store)
      expect(idsOf(batch)).to.deep.equal(['m1', 'm2'])
    })

    it('seals a batch at maxBytes, counted in UTF-8 as stored', async () => {
      const { store } = await make({ ...PATIENT, maxBytes: 1000, order: 'concurrent' })
      const long = (id: string) => message(id, { text: 'ж'.repeat(300) })
      await store.append({ conversationId: CHAT, messages: [long('m1'), long('m2'), message('m3')] })
      const { batch } = await claimOne(store)
      expect(batch.releasedBy).to.equal('maxBytes')
      expect(idsOf(batch)).to.deep.equal(['m1', 'm2'])
    })

    it('releases a direct message alone, after the open batch of its conversation', async () => {
      const { store } = await make({ ...PATIENT, order: 'concurrent' })
      await append(store, CHAT, 'm1', 'm2')
      const result = await direct(store, CHAT, 'm3', 'm4')
      expect(result).to.include({ accepted: 2, dueInMs: 0 })
      const seen: unknown[] = []
      for (let i = 0; i < 3; i++) {
        const { batch, batchId } = await claimOne(store)
        seen.push([idsOf(batch), batch.releasedBy])
        await store.ack([batchId])
      }
      expect(seen).to.deep.equal([
        [['m1', 'm2'], 'direct'],
        [['m3'], 'direct'],
        [['m4'], 'direct'],
      ])
      await append(store, CHAT, 'm5')
      expect(allIdsOf(await claim(store))).to.deep.equal([])
    })

    it('accepts ten thousand messages in one call, in order', async () => {
      const { store } = await make({ ...PATIENT, maxMessages: 10_000, maxBytes: 16 * 1024 * 1024 })
      const ids = Array.from({ length: 10_000 }, (_, i) => `m${i}`)
      expect(await append(store, CHAT, ...ids)).to.include({ accepted: 10_000, duplicates: 0 })
      expect(await append(store, CHAT, ...ids)).to.include({ accepted: 0, duplicates: 10_000 })
      expect(idsOf((await claimOne(store)).batch)).to.deep.equal(ids)
    })

    it('returns each message byte for byte, whatever it contains', async () => {
      const { store } = await make(PATIENT)
      let deep: unknown = []
      for (let i = 0; i < 500; i++) deep = i % 2 ? [deep, {}] : { deep, empty: [] }
      const odd = message('m:1/2.3 "4"\n5', {
        text: 'line\r\nline\u2028"quoted" \\ \t\u0000 🍰 é e\u0301 \ud800 %s %1 [[]]',
        sentAtMs: 1_700_000_000_001,
        raw: {
          deep,
          numbers: [9007199254740993n.toString(), Number.MAX_SAFE_INTEGER, 1e21, 0.1 + 0.2, -0],
          none: null,
        },
      })
      await store.append({ conversationId: CHAT, messages: [odd, message('m2')] })
      const kept = (await store.conversation(CHAT)).messages[0]?.message
      expect(kept).to.deep.equal(JSON.parse(JSON.stringify(odd)))
      expect(JSON.stringify(kept?.raw)).to.equal(JSON.stringify(odd.raw))
      await store.flush(CHAT)
      const { receivedAtMs: _, ...got } = (await claimOne(store)).batch.messages[0]!
      expect(got).to.deep.equal(kept)
      expect(JSON.stringify(got.raw)).to.equal(JSON.stringify(odd.raw))
    })

    it('keeps conversations apart, whatever characters their ids contain', async () => {
      const { store } = await make(PATIENT)
      const ids = [
        'a',
        'a/b',
        'a%2Fb',
        'a:b.c',
        '.messages:a',
        'messages:a',
        '{a}',
        'a b',
        ' a',
        'a\nb',
        `"a'`,
        '\\',
        '🍰',
        'a\u0000b',
        '*',
        '%s%d',
        'é',
        'e\u0301',
        'x'.repeat(10_000),
      ]
      for (const id of ids) await append(store, id, `of ${id}`)
      expect((await store.conversations(100)).map(({ conversationId }) => conversationId)).to.have.members(ids)
      for (const id of ids) await store.flush(id)
      const { batches } = await claim(store)
      expect(batches.map(({ batch }) => [batch.conversationId, ...idsOf(batch)])).to.have.deep.members(
        ids.map(id => [id, `of ${id}`]),
      )
      await store.ack(batches.map(({ batchId }) => batchId))
      for (const { batchId } of batches) expect((await store.answered(batchId, 'completed')).freed).to.equal(true)
      expect(await store.conversations(100)).to.deep.equal([])
      for (const id of ids)
        expect(await store.history({ conversationId: id, limit: 10 }), JSON.stringify(id)).to.have.lengthOf(5)
    })
  })
}
