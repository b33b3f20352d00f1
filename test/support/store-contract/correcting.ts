/** Edits and revocations of messages. */
import { expect } from 'chai'
import type { StoredMessage } from '../../../src/batch.js'
import { entryJson } from '../../../src/store/redis/entries.js'
import type { Store } from '../../../src/store/store.js'
import type { Make } from './checked.js'
import {
  allIdsOf,
  append,
  CHAT,
  claim,
  claimed,
  claimOne,
  dead,
  direct,
  ended,
  idsOf,
  message,
  PATIENT,
} from './messages.js'

const edit = (store: Store, messageId: string, text: string) => store.edit({ conversationId: CHAT, messageId, text })

/** Texts whose end is hard to find, and ids that are hard to tell apart. */
const TEXTS = [
  '',
  'plain',
  '"',
  '\\',
  '\\"',
  'a "b\\\\" c',
  'line\nbreak',
  ',"text":"x"',
  '["m1",null]',
  '",null,{"type":"image"}]',
  '🎂 ы \u2028',
  '\ud800',
]
const IDS = ['m', 'm1', 'm1"', 'm1\\', 'm1","text"', 'm1",null', 'ы🎂', '%s', '^m1$', 'a b']

export function correctionTests(make: Make): void {
  describe('edit', () => {
    it('replaces a message’s text in place, and nothing else', async () => {
      const { store } = await make(PATIENT)
      const { batchId } = await append(store, CHAT, 'm1', 'm2', 'm3')
      const before = (await store.conversation(CHAT)).open
      expect(await edit(store, 'm2', 'other')).to.equal('edited')
      const { messages, open } = await store.conversation(CHAT)
      expect(messages.map(entry => entry.message)).to.deep.equal([
        message('m1'),
        message('m2', { text: 'other' }),
        message('m3'),
      ])
      expect(open).to.include({ batchId, count: 3, dueAtMs: before?.dueAtMs, firstAtMs: before?.firstAtMs })
      expect(open?.bytes).to.equal(messages.reduce((sum, entry) => sum + size(entry.message), 0))
    })

    it('replaces any text by any text, for any id', async () => {
      const { store } = await make(PATIENT)
      for (const id of IDS)
        await store.append({ conversationId: CHAT, messages: [message(id, { replyTo: ',"text":"' })] })
      for (const id of IDS)
        for (const text of [...TEXTS, ...TEXTS.toReversed()]) {
          expect(await edit(store, id, text)).to.equal('edited')
          const { messages, open } = await store.conversation(CHAT)
          const edited = messages.find(entry => entry.message.messageId === id)
          expect(edited?.message).to.deep.equal(message(id, { text, replyTo: ',"text":"' }))
          expect(open?.bytes).to.equal(messages.reduce((sum, entry) => sum + size(entry.message), 0))
        }
    })

    it('gives a text to a message that had none', async () => {
      const { store } = await make(PATIENT)
      await store.append({ conversationId: CHAT, messages: [{ messageId: 'm1', type: 'image', media: { id: 'x' } }] })
      expect(await edit(store, 'm1', 'a caption')).to.equal('edited')
      await store.flush(CHAT)
      const { batch } = await claimOne(store)
      expect(batch.text).to.equal('a caption')
      expect(batch.messages[0]).to.include({ type: 'image', text: 'a caption' })
    })

    it('edits sealed batches too, and keeps their seals', async () => {
      const { store } = await make({ ...PATIENT, maxMessages: 2 })
      await append(store, CHAT, 'm1', 'm2', 'm3')
      for (const id of ['m1', 'm2']) expect(await edit(store, id, `${id}!`)).to.equal('edited')
      const { batch } = await claimOne(store)
      expect([batch.text, batch.releasedBy]).to.deep.equal(['m1!\nm2!', 'maxMessages'])
    })

    it('seals the open batch that it takes to the cap of bytes: it is due now, as after an append', async () => {
      const { store } = await make({ ...PATIENT, maxBytes: 1000 })
      const { batchId } = await append(store, CHAT, 'm1', 'm2')
      expect(await edit(store, 'm1', 'x'.repeat(500))).to.equal('edited')
      expect(allIdsOf(await claim(store))).to.deep.equal([])
      expect(await edit(store, 'm2', 'y'.repeat(500))).to.equal('edited')
      expect((await store.conversation(CHAT)).open).to.equal(undefined)
      const sealed = (await store.history({ limit: 1 }))[0]
      expect(sealed).to.deep.include({ step: 'sealed', batchId, detail: { reason: 'maxBytes', count: '2' } })
      await append(store, CHAT, 'm3')
      const { batch } = await claimOne(store)
      expect([batch.batchId, batch.releasedBy, idsOf(batch)]).to.deep.equal([batchId, 'maxBytes', ['m1', 'm2']])
      expect(batch.text).to.equal(`${'x'.repeat(500)}\n${'y'.repeat(500)}`)
    })

    it('seals the open batch behind a hold, which the end of the hold then releases', async () => {
      const { store } = await make({ ...PATIENT, maxBytes: 1000 })
      const { batchId } = await claimed(store)
      await append(store, CHAT, 'm2', 'm3')
      expect(await edit(store, 'm2', 'x'.repeat(1000))).to.equal('edited')
      expect(allIdsOf(await claim(store))).to.deep.equal([])
      expect(await ended(store, batchId, 'completed')).to.deep.equal({ freed: true, dueInMs: 0 })
      const { batch } = await claimOne(store)
      expect([batch.releasedBy, idsOf(batch)]).to.deep.equal(['maxBytes', ['m2', 'm3']])
    })

    it('never grows a sealed batch past the cap of bytes, and may shorten it', async () => {
      const { store } = await make({ ...PATIENT, maxBytes: 1000, maxMessages: 2 })
      await append(store, CHAT, 'm0', 'm9', 'm1', 'm2', 'm3')
      expect(await edit(store, 'm1', 'x'.repeat(600))).to.equal('edited')
      for (let i = 0; i < 3; i++) expect(await edit(store, 'm2', 'y'.repeat(600 + i))).to.equal('tooLate')
      expect(await edit(store, 'm2', 'y'.repeat(300))).to.equal('edited')
      expect(await edit(store, 'm1', 'short')).to.equal('edited')
      const { messages } = await store.conversation(CHAT)
      expect(messages.map(each => each.message.text)).to.deep.equal([
        'text of m0',
        'text of m9',
        'short',
        'y'.repeat(300),
        'text of m3',
      ])
    })

    it('finds a message among the last megabyte only', async () => {
      const { store } = await make({ ...PATIENT, maxBytes: 16 * 1024 * 1024 })
      for (const id of ['m1', 'm2', 'm3'])
        await store.append({ conversationId: CHAT, messages: [message(id, { text: 'x'.repeat(400_000) })] })
      expect(await edit(store, 'm1', 'x')).to.equal('tooLate')
      expect(await store.revoke(CHAT, 'm1')).to.equal('tooLate')
      expect(await edit(store, 'm2', 'y')).to.equal('edited')
      expect(await edit(store, 'm1', 'x')).to.equal('edited')
      expect((await store.conversation(CHAT)).messages.map(each => each.message.text?.length)).to.deep.equal([
        1, 1, 400_000,
      ])
    })

    it('returns tooLate for a message that is claimed, handed over or dropped, and unknown for one that has not come', async () => {
      const { store } = await make(PATIENT)
      expect(await edit(store, 'm1', 'x')).to.equal('unknown')
      const { batchId, batch } = await claimed(store)
      expect(await edit(store, 'm1', 'x')).to.equal('tooLate')
      await store.answered(batchId, 'completed')
      expect(await edit(store, 'm1', 'x')).to.equal('tooLate')
      expect(batch.text).to.equal('text of m1')
      await append(store, CHAT, 'm2')
      await store.drop(CHAT)
      expect(await edit(store, 'm2', 'x')).to.equal('tooLate')
    })

    it('is recorded in the history once, without its text, however often it is repeated', async () => {
      const { store } = await make(PATIENT)
      const { batchId } = await append(store, CHAT, 'm1')
      for (let times = 0; times < 3; times++) expect(await edit(store, 'm1', 'other')).to.equal('edited')
      const [last, first] = await store.history({ limit: 10 })
      expect(last).to.deep.include({ step: 'edited', batchId, conversationId: CHAT, detail: { ids: '["m1"]' } })
      expect(first?.step).to.equal('opened')
    })
  })

  describe('the author', () => {
    const AUTHORS = ['79000000011@c.us', '1@lid', 'a"b\\', 'ы🎂', '79000000011@c.us"', '\ud800']

    it('alone may edit and revoke a message if authors are named; anybody may if none are', async () => {
      const { store } = await make(PATIENT)
      for (const [i, senderId] of AUTHORS.entries()) {
        const messages = [message(`a${i}`, { senderId }), message(`b${i}`, { senderId, type: 'image', replyTo: 'x' })]
        await store.append({ conversationId: CHAT, messages })
        for (const { messageId } of messages) {
          const others = [...AUTHORS.filter(other => other !== senderId), '', senderId.slice(1), `${senderId}x`]
          const request = { conversationId: CHAT, messageId, text: 'changed' }
          expect(await store.edit({ ...request, authors: others })).to.equal('notAuthor')
          expect(await store.revoke(CHAT, messageId, others)).to.equal('notAuthor')
          expect(await store.edit({ ...request, authors: ['x', senderId] })).to.equal('edited')
          expect(await store.edit({ ...request, text: 'by the operator' })).to.equal('edited')
          expect(await store.revoke(CHAT, messageId, [senderId])).to.equal('revoked')
        }
      }
    })

    it('is no one if the message names no sender, whatever else it contains', async () => {
      const { store } = await make(PATIENT)
      const raw = { senderId: 'a', x: ',{"senderId":"a"}' }
      const messages = [message('m1', { text: ',{"senderId":"a"}', raw }), message('m2', { senderName: 'a' })]
      await store.append({ conversationId: CHAT, messages: [...messages, { messageId: 'm3', type: 'image' }] })
      for (const messageId of ['m1', 'm2', 'm3']) {
        expect(await store.edit({ conversationId: CHAT, messageId, text: 'x', authors: ['a'] })).to.equal('notAuthor')
        expect(await store.revoke(CHAT, messageId, ['a'])).to.equal('notAuthor')
      }
    })

    it('cannot keep away a message that has not come: a stranger could, too', async () => {
      const { store } = await make(PATIENT)
      expect(await store.revoke(CHAT, 'm1', ['a'])).to.equal('unknown')
      expect(await append(store, CHAT, 'm1')).to.include({ accepted: 1 })
      await store.flush(CHAT)
      await claimOne(store)
      expect(await store.revoke(CHAT, 'm1', ['a'])).to.equal('tooLate')
    })
  })

  describe('revoke', () => {
    it('removes a message from the open batch, whose due time stays', async () => {
      const { store } = await make(PATIENT)
      await append(store, CHAT, 'm1', 'm2', 'm3')
      const before = (await store.conversation(CHAT)).open
      expect(await store.revoke(CHAT, 'm1')).to.equal('revoked')
      expect(await store.revoke(CHAT, 'm3')).to.equal('revoked')
      const { open } = await store.conversation(CHAT)
      expect(open).to.include({
        batchId: before?.batchId,
        count: 1,
        bytes: size(message('m2')),
        dueAtMs: before?.dueAtMs,
      })
      await store.flush(CHAT)
      expect(idsOf((await claimOne(store)).batch)).to.deep.equal(['m2'])
    })

    it('of a batch’s last message removes the batch, and nothing is released', async () => {
      const { store, pass } = await make({ ...PATIENT, quietGapMs: 20 })
      await append(store, CHAT, 'm1')
      expect(await store.revoke(CHAT, 'm1')).to.equal('revoked')
      const { nowMs: _, ...nothing } = await store.conversation(CHAT)
      expect(nothing).to.deep.equal({ conversationId: CHAT, waiting: 0, messages: [] })
      await pass(21)
      expect(await claim(store)).to.deep.equal({ batches: [], checks: [], dead: [], troubles: [] })
      expect(await append(store, CHAT, 'm1')).to.include({ duplicates: 1 })
      expect(await append(store, CHAT, 'm2')).to.include({ accepted: 1 })
    })

    it('keeps a batch sealed, whichever of its messages is removed', async () => {
      for (const revoked of ['m1', 'm2', 'm3']) {
        const { store } = await make({ ...PATIENT, maxMessages: 3 })
        await append(store, CHAT, 'm1', 'm2', 'm3', 'm4')
        expect(await store.revoke(CHAT, revoked)).to.equal('revoked')
        const { batch } = await claimOne(store)
        expect(batch.releasedBy).to.equal('maxMessages')
        expect(idsOf(batch)).to.deep.equal(['m1', 'm2', 'm3'].filter(id => id !== revoked))
      }
    })

    it('of the only message of a sealed batch leaves the next batch its own due time', async () => {
      const { store } = await make({ ...PATIENT, quietGapMs: 300_000 })
      await direct(store, CHAT, 'm1')
      await append(store, CHAT, 'm2')
      expect(await store.revoke(CHAT, 'm1')).to.equal('revoked')
      const { nextInMs, batches } = await claim(store)
      expect(batches).to.deep.equal([])
      expect(nextInMs).to.be.within(200_000, 300_000)
      expect((await store.conversation(CHAT)).open?.count).to.equal(1)
    })

    it('of a sealed batch’s message leaves the batches before and after it unchanged', async () => {
      const { store } = await make({ ...PATIENT, order: 'concurrent' })
      await direct(store, CHAT, 'm1', 'm2', 'm3')
      expect(await store.revoke(CHAT, 'm2')).to.equal('revoked')
      const first = await claimOne(store)
      await store.ack([first.batchId])
      expect(idsOf((await claimOne(store)).batch)).to.deep.equal(['m3'])
    })

    it('during a hold removes the message, and the end of the hold releases the rest', async () => {
      const { store } = await make(PATIENT)
      const { batchId } = await claimed(store)
      await append(store, CHAT, 'm2')
      expect(await store.revoke(CHAT, 'm2')).to.equal('revoked')
      expect(await ended(store, batchId, 'completed')).to.deep.equal({ freed: true })
      const again = await claimed(store, CHAT, 'm3')
      await append(store, CHAT, 'm4', 'm5')
      await store.revoke(CHAT, 'm4')
      await store.flush(CHAT)
      await store.answered(again.batchId, 'completed')
      expect(idsOf((await claimOne(store)).batch)).to.deep.equal(['m5'])
    })

    it('returns tooLate for a claimed message, and finds a redriven one', async () => {
      const { store } = await make({ ...PATIENT, maxAttempts: 1 })
      const { batchId } = await dead(store)
      expect(await store.revoke(CHAT, 'm1')).to.equal('tooLate')
      await store.redrive(batchId)
      expect(await store.revoke(CHAT, 'm1')).to.equal('revoked')
      expect(allIdsOf(await claim(store))).to.deep.equal([])
    })

    it('of a message that has not come is remembered for dedupeMs, and drops the message when it comes', async () => {
      const { store, pass } = await make({ ...PATIENT, dedupeMs: 1000 })
      expect(await store.revoke(CHAT, 'm1')).to.equal('remembered')
      expect(await append(store, CHAT, 'm1', 'm2')).to.include({ accepted: 1, duplicates: 1 })
      await pass(1001)
      expect(await append(store, CHAT, 'm1')).to.include({ accepted: 1 })
    })

    it('searches the last 100 messages, and keeps a seal at that edge', async () => {
      const { store } = await make({ ...PATIENT, maxMessages: 2, order: 'concurrent' })
      await append(store, CHAT, ...Array.from({ length: 103 }, (_, i) => `m${i}`))
      expect(await store.revoke(CHAT, 'm2')).to.equal('tooLate')
      expect(await edit(store, 'm2', 'x')).to.equal('tooLate')
      expect(await store.revoke(CHAT, 'm3')).to.equal('revoked')
      const { batchId } = await claimOne(store)
      await store.ack([batchId])
      const { batch } = await claimOne(store)
      expect([idsOf(batch), batch.releasedBy]).to.deep.equal([['m2'], 'maxMessages'])
    })

    it('is recorded in the history', async () => {
      const { store } = await make(PATIENT)
      const { batchId } = await append(store, CHAT, 'm1')
      await store.revoke(CHAT, 'm1')
      await store.revoke(CHAT, 'm1')
      const [last, first] = await store.history({ limit: 10 })
      expect(last).to.deep.include({ step: 'revoked', batchId, conversationId: CHAT, detail: { ids: '["m1"]' } })
      expect(first?.step).to.equal('opened')
    })
  })
}

const size = (stored: StoredMessage) => Buffer.byteLength(entryJson(stored))
