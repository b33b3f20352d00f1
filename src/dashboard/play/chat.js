/**
 * What one person wrote and what became of it: messages in the batches that took them. Built from the API's answers,
 * and from steps and growth as they come; nothing is guessed.
 *
 * A batch is open, claimed, answering (in serial order), and at the end answered, dead, dropped, or superseded: newer
 * messages came, and its own are in another batch with them.
 */

import { ruleIn } from '../because.js'

const BATCHES_SHOWN = 20
const MESSAGES_KEPT = 500
const STEPS_KEPT = 2000

export class Chat {
  /** By batch id: { batchId, state, messages, total, firstMs, dueMs, and what its steps say } */
  batches = new Map()
  /** By message id, in the order of writing: { id, text, number, batch?, remark?, remarkValue? } */
  sent = new Map()
  /** The batch whose answer is pending. */
  holding
  stepsSeen = new Set()
  written = 0

  constructor(rules) {
    this.rules = rules
  }

  /** Messages on their way: in no batch so far. */
  get pending() {
    return [...this.sent.values()].filter(({ batch }) => batch === undefined)
  }

  send(messages) {
    for (const { messageId, text } of messages)
      this.sent.set(messageId, { id: messageId, text, number: ++this.written })
    for (const [id] of this.sent) {
      if (this.sent.size <= MESSAGES_KEPT) break
      this.sent.delete(id)
    }
  }

  /** @param remark the key of the words for it */
  remark(id, remark, value) {
    const message = this.sent.get(id)
    if (message) Object.assign(message, { remark, remarkValue: value })
  }

  /**
   * They are in the batch that the API's answer names. If a cap closed a batch before that one, its claim says which
   * messages were in it.
   */
  accepted({ batchId }, messages, dueMs, now) {
    const batch = this.batchOf(batchId, now)
    const ids = messages.map(({ messageId }) => messageId)
    this.place(
      batch,
      ids.filter(id => this.sent.get(id)?.batch === undefined),
    )
    if (batch.state === 'open') this.collect(batch, Math.max(batch.messages.length, batch.total), dueMs)
  }

  /** @param growth with `dueMs`, by the server's clock */
  grow({ batchId, count, dueMs }, now) {
    const batch = this.batchOf(batchId, now)
    if (batch.state === 'open') this.collect(batch, count ?? batch.total, dueMs)
  }

  /** @returns the step's batch, or undefined for a step that was seen before */
  step({ id, step, batchId, atMs, detail }) {
    if (this.stepsSeen.has(id)) return undefined
    this.stepsSeen.add(id)
    if (this.stepsSeen.size > STEPS_KEPT) this.stepsSeen.delete(this.stepsSeen.values().next().value)
    const batch = this.batchOf(batchId, atMs)
    switch (step) {
      case 'opened':
        batch.firstMs = atMs
        this.place(batch, idsIn(detail.ids))
        break
      case 'appended':
        this.place(batch, idsIn(detail.ids))
        break
      case 'extended':
        batch.extendedByMs = Number(detail.byMs) > 0 ? Number(detail.byMs) : undefined
        break
      case 'claimed':
        this.claim(batch, detail)
        break
      case 'handed-over':
        batch.handedOverMs ??= atMs
        if (this.rules.order !== 'serial') this.free(batchId)
        else if (batch.state === 'claimed') batch.state = 'answering'
        break
      case 'nacked':
        batch.error = detail.error ?? ''
        break
      case 'dead':
        batch.state = 'dead'
        batch.error = detail.error ?? ''
        this.free(batchId)
        break
      case 'answered':
        this.answer(batch, detail, atMs)
        this.free(batchId)
        break
      case 'superseded':
        this.supersede(batch, detail, atMs)
        this.free(batchId)
        break
      case 'dropped':
        // A drop discards all batches that wait; there is no step for each.
        for (const each of this.batches.values()) if (each.state === 'open') each.state = 'dropped'
        break
    }
    return batch
  }

  isHeldBack({ batchId, state }) {
    return state === 'open' && this.holding !== undefined && this.holding !== batchId
  }

  batchOf(batchId, now) {
    const known = this.batches.get(batchId)
    if (known) return known
    const batch = { batchId, state: 'open', messages: [], total: 0, firstMs: now, dueMs: 0 }
    this.batches.set(batchId, batch)
    if (this.batches.size > BATCHES_SHOWN) this.drop(this.batches.values().next().value)
    return batch
  }

  drop({ batchId, messages }) {
    this.batches.delete(batchId)
    for (const { id } of messages) this.sent.delete(id)
  }

  place(batch, ids) {
    for (const id of ids) {
      const message = this.sent.get(id)
      if (!message || message.batch === batch) continue
      if (message.batch) message.batch.messages = message.batch.messages.filter(other => other !== message)
      message.batch = batch
      batch.messages.push(message)
    }
    // A batch that replaces another gets the older messages after its own.
    batch.messages.sort((a, b) => a.number - b.number)
  }

  collect(batch, total, dueMs) {
    if (total > batch.total) batch.extendedByMs = undefined
    batch.total = total
    batch.dueMs = dueMs
  }

  claim(batch, detail) {
    const { ids, count, reason, lateMs } = detail
    batch.state = 'claimed'
    batch.total = Number(count ?? batch.total)
    batch.reason = reason ?? ''
    batch.rule = ruleIn(detail)
    batch.lateMs = Number(lateMs ?? 0)
    this.holding = batch.batchId
    this.place(batch, idsIn(ids))
  }

  /** Its messages are in the batch that replaces it. */
  supersede(batch, { by }, atMs) {
    batch.state = 'superseded'
    if (by === undefined) return
    const next = this.batchOf(by, atMs)
    next.firstMs = Math.min(next.firstMs, batch.firstMs)
    this.place(
      next,
      batch.messages.map(({ id }) => id),
    )
  }

  answer(batch, { outcome = 'completed' }, atMs) {
    if (batch.state === 'answered') return
    batch.state = 'answered'
    batch.outcome = outcome
    if (batch.handedOverMs !== undefined) batch.tookMs = atMs - batch.handedOverMs
  }

  free(batchId) {
    if (this.holding === batchId) this.holding = undefined
  }
}

function idsIn(text) {
  try {
    return JSON.parse(text ?? '[]')
  } catch {
    // Written by another version, perhaps: the batch is shown without its messages.
    return []
  }
}
