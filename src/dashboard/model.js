/**
 * What is known of all conversations, from the steps of the history as they come, and from what is told of open batches as they
 * grow: which are open and since when, what holds a conversation, what was released when and why. Times are the server's.
 */

const KEPT_LATENESSES = 2000
const LATENESS_WINDOW_MS = 600_000
/** Due for longer than this, something is wrong. */
export const OVERDUE_MS = 1000
export const MINUTES_SHOWN = 30
const MINUTE_MS = 60_000
/** Batches whose claim is known: what is told late of how they grew is not news. */
const KEPT_TAKEN = 2000
const MOST_CONVERSATIONS = 2000
/** What is read of the history and of what waits, at a (re)connection. */
export const READ_AT_ONCE = 1000

export class Model {
  rules
  /** id → { id, open?, sealed, held? }; `open` is { batchId, count, dueMs, firstMs }, as far as each is known */
  conversations = new Map()
  taken = new Set()
  /** There are more conversations than are kept here. */
  isPartial = false
  /** Before that the history was not read. */
  knownFromMs = 0
  /** Claims: { atMs, lateMs, reason } */
  claims = []
  /** minute → reason → count */
  minutes = new Map()
  /** Batches that died, or came back, since this was last set to false. */
  deadChanged = true

  /** The steps so far, oldest first, and then what is known of what waits now. */
  start(rules, steps, waiting, now) {
    this.rules = rules
    const grown = new Map([...this.conversations.values()].map(({ open }) => [open?.batchId, open?.count]))
    this.conversations.clear()
    this.claims = []
    this.minutes.clear()
    for (const step of steps) this.apply(step)
    this.knownFromMs = steps.length < READ_AT_ONCE ? 0 : steps[0].atMs
    this.isPartial = waiting.length >= READ_AT_ONCE
    const known = new Map(waiting.map(summary => [summary.conversationId, summary]))
    for (const id of this.conversations.keys()) if (!known.has(id)) this.conversations.delete(id)
    for (const { conversationId, state, dueInMs, batchId, count } of known.values()) {
      const conversation = this.of(conversationId)
      // The history may not reach back to all that the batch has got: it is asked for when somebody looks at it.
      const { batchId: openId } = conversation.open ?? {}
      if (conversation.open) conversation.open = { ...conversation.open, count: grown.get(openId) }
      if (state === 'held') conversation.held ??= { batchId, state: 'answering', sinceMs: now }
      else {
        conversation.held = undefined
        if (conversation.sealed.length === 0) conversation.open = { ...conversation.open, dueMs: now + (dueInMs ?? 0) }
        if (conversation.open && count > 0) conversation.open.count = count
      }
    }
  }

  apply({ step, conversationId, batchId, atMs, detail }) {
    const conversation = this.of(conversationId)
    const count = Number(detail.count ?? 0)
    const { open } = conversation
    switch (step) {
      case 'opened':
        // Its growth may have been told first.
        if (open?.batchId === batchId) open.firstMs = atMs
        else conversation.open = { batchId, count, firstMs: atMs, dueMs: this.due(atMs) }
        break
      case 'sealed':
        conversation.sealed.push({ batchId, count })
        if (open?.batchId === batchId) conversation.open = undefined
        break
      case 'claimed':
        this.taken.add(batchId)
        if (this.taken.size > KEPT_TAKEN) this.taken.delete(this.taken.values().next().value)
        this.take(conversation, batchId)
        conversation.held = { batchId, state: 'claimed', sinceMs: atMs }
        this.claimed(atMs, Number(detail.lateMs ?? 0), detail.reason ?? 'unknown')
        break
      case 'handed-over':
        if (conversation.held?.batchId === batchId)
          conversation.held = this.rules.order === 'serial' ? { batchId, state: 'answering', sinceMs: atMs } : undefined
        break
      case 'answered':
        if (conversation.held?.batchId === batchId) conversation.held = undefined
        break
      case 'dead':
        if (conversation.held?.batchId === batchId) conversation.held = undefined
        this.deadChanged = true
        break
      case 'redriven':
        this.taken.delete(batchId)
        conversation.sealed.unshift({ batchId, count })
        this.deadChanged = true
        break
      case 'dropped':
        conversation.open = undefined
        conversation.sealed = []
        break
    }
    this.tidy(conversation)
  }

  /** @returns whether that is news */
  grow({ conversationId, batchId, count }, dueMs) {
    const conversation = this.of(conversationId)
    const { open, sealed } = conversation
    const isOver = this.taken.has(batchId) || sealed.some(one => one.batchId === batchId)
    if (isOver) this.tidy(conversation)
    else if (open && (open.batchId === undefined || open.batchId === batchId))
      Object.assign(open, { batchId, count, dueMs })
    else conversation.open = { batchId, count, dueMs }
    return !isOver
  }

  /** What the store says of a conversation's open batch. */
  look(conversation, open) {
    if (!open || (conversation.open?.batchId !== undefined && conversation.open.batchId !== open.batchId)) return
    conversation.open = { ...conversation.open, batchId: open.batchId, count: open.count, firstMs: open.firstAtMs }
  }

  /** What was too fast to be told one by one. */
  sum({ reasons, lateMs, steps }, atMs) {
    for (const [reason, count] of Object.entries(reasons)) this.count(atMs, reason, count)
    for (const late of lateMs) this.claims.push({ atMs, lateMs: late })
    if (steps.dead || steps.redriven) this.deadChanged = true
  }

  /** Of the last ten minutes. */
  lateness(nowMs) {
    const from = nowMs - LATENESS_WINDOW_MS
    const late = this.claims.flatMap(claim => (claim.atMs >= from ? [claim.lateMs] : [])).sort((a, b) => a - b)
    const at = share => late[Math.min(Math.floor(late.length * share), late.length - 1)]
    return { count: late.length, p50: at(0.5), p99: at(0.99) }
  }

  releasedSince(fromMs) {
    let count = 0
    for (let i = this.claims.length - 1; i >= 0 && this.claims[i].atMs >= fromMs; i--) count += 1
    return count
  }

  of(id) {
    let conversation = this.conversations.get(id)
    if (!conversation) {
      conversation = { id, sealed: [] }
      // Those beyond are only counted, by the store.
      if (this.conversations.size < MOST_CONVERSATIONS) this.conversations.set(id, conversation)
      else this.isPartial = true
    }
    return conversation
  }

  /** Forgets a conversation that nothing is left of. */
  tidy({ id, open, held, sealed }) {
    if (!open && !held && sealed.length === 0) this.conversations.delete(id)
  }

  /** Of a batch that has one message. */
  due(firstMs) {
    return firstMs + Math.min(this.rules.quietGapMs, this.rules.maxWaitMs)
  }

  take(conversation, batchId) {
    conversation.sealed = conversation.sealed.filter(sealed => sealed.batchId !== batchId)
    const { open } = conversation
    if (open && (open.batchId === undefined || open.batchId === batchId)) conversation.open = undefined
  }

  claimed(atMs, lateMs, reason) {
    this.claims.push({ atMs, lateMs })
    if (this.claims.length > 2 * KEPT_LATENESSES) this.claims.splice(0, KEPT_LATENESSES)
    this.count(atMs, reason, 1)
  }

  count(atMs, reason, count) {
    const minute = Math.floor(atMs / MINUTE_MS)
    const counts = this.minutes.get(minute) ?? {}
    counts[reason] = (counts[reason] ?? 0) + count
    this.minutes.set(minute, counts)
    for (const old of this.minutes.keys()) if (old < minute - MINUTES_SHOWN) this.minutes.delete(old)
  }
}
