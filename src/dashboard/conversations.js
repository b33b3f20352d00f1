/**
 * The conversations with something going on: from the API's list, then from steps and growth as they come. In the store's words,
 * a conversation is
 *
 *   open  messages wait, and nothing holds it: its batch goes when it is due
 *   held  one of its batches has been claimed, and is not answered yet (in concurrent order: not handed over yet)
 *
 * and never both: messages that come to a held conversation wait behind the batch that holds it. Beside that it may be
 * paused, while a person answers. All numbers that the page
 * shows of open and held conversations come from `counts`. Times are the server's.
 */

import { NO_WAITS, waitsAfter, waitsBy } from './waits.js'

/** The API is asked for so many at a (re)connection. */
export const CONVERSATIONS_READ = 1000
const MOST_CONVERSATIONS = 2000
/** States of a life whose messages no processor has claimed. */
const WAITING = ['open', 'held', 'waiting']
/** States of a life that holds its conversation, other than `answering`. */
const HOLDING = ['claimed', 'committed']
const MESSAGE = { step: 'appended', detail: {} }
/** Batches known to be claimed: growth that comes late for one of them is old news. */
const KEPT_TAKEN = 2000

export class Conversations {
  rules
  /**
   * By id: { id, open?, sealed, held?, paused?, changes, isComplete? }. `open` is { batchId, count, dueMs, firstMs }, as far
   * as each is known, and `waits` what keeps it from its due time (waits.js); `held` is { batchId, state, sinceMs,
   * isProvisional? }, its state claimed, answering or committed; `paused` is { untilMs }; `changes` counts events, to
   * recognize answers that are older than them.
   */
  known = new Map()
  taken = new Set()
  /** There are more than are kept here. */
  isPartial = false

  /**
   * @param summaries the conversations with something going on now, as the API lists them
   * @param paused those that are paused, likewise
   */
  start(rules, summaries, now, paused = []) {
    this.rules = rules
    this.known.clear()
    this.isPartial = summaries.length >= CONVERSATIONS_READ
    for (const { conversationId: id, state, dueInMs, batchId, count } of summaries) {
      const conversation = state === 'held' ? held(id, batchId, now) : open(id, count, now + (dueInMs ?? 0))
      this.known.set(id, conversation)
    }
    for (const { conversationId, inMs } of paused) this.of(conversationId).paused = { untilMs: now + inMs }
  }

  apply({ step, conversationId, batchId, atMs, detail }) {
    const conversation = this.of(conversationId)
    conversation.changes += 1
    const { open, held } = conversation
    conversation.waits = waitsAfter(conversation.waits ?? NO_WAITS, { step, atMs, detail })
    const count = Number(detail.count ?? 0)
    const isHolding = held?.batchId === batchId
    switch (step) {
      case 'opened':
        // Its growth may have come first.
        if (open?.batchId === batchId) open.firstMs = atMs
        else conversation.open = { batchId, count, firstMs: atMs, dueMs: this.dueOfFirst(atMs) }
        break
      case 'sealed':
        conversation.sealed.push({ batchId, count })
        if (open?.batchId === batchId) conversation.open = undefined
        break
      case 'claimed':
        this.take(conversation, batchId)
        conversation.held = { batchId, state: 'claimed', sinceMs: atMs, ...provisionalIf(detail.reason === 'early') }
        break
      case 'handed-over':
        if (isHolding && held.state !== 'committed')
          conversation.held = this.rules.order === 'serial' ? { ...held, state: 'answering', sinceMs: atMs } : undefined
        break
      case 'committed':
        if (isHolding) conversation.held = { batchId, state: 'committed', sinceMs: atMs }
        break
      case 'answered':
      case 'dead':
      case 'superseded':
        if (isHolding) conversation.held = undefined
        // A pause that collects makes one batch of all.
        conversation.sealed = conversation.sealed.filter(sealed => sealed.batchId !== batchId)
        break
      case 'pause':
        conversation.paused = { untilMs: Number(detail.untilMs) }
        break
      case 'resumed':
        conversation.paused = undefined
        break
      case 'redriven':
        this.taken.delete(batchId)
        conversation.sealed.unshift({ batchId, count })
        break
      case 'dropped':
        // Its growth may come later.
        this.take(conversation, batchId)
        conversation.open = undefined
        conversation.sealed = []
        break
      case 'merged':
        if (detail.into !== undefined) this.moveTo(this.of(detail.into), conversation)
        break
    }
    this.forgetIfDone(conversation)
  }

  /** All of a conversation is another one's: `batch-updated` says then what is open there. */
  moveTo(into, from) {
    into.changes += 1
    into.open ??= from.open
    into.sealed.push(...from.sealed)
    into.held ??= from.held
    if ((from.paused?.untilMs ?? 0) > (into.paused?.untilMs ?? 0)) into.paused = from.paused
    Object.assign(from, { open: undefined, sealed: [], held: undefined, paused: undefined })
    this.forgetIfDone(into)
  }

  /** @returns whether that is news */
  grow({ conversationId, batchId, count }, dueMs) {
    const conversation = this.of(conversationId)
    conversation.changes += 1
    const { open, sealed } = conversation
    const isOver = this.taken.has(batchId) || sealed.some(one => one.batchId === batchId)
    // A message ends the typing.
    if (open && count > open.count) conversation.waits = waitsAfter(conversation.waits ?? NO_WAITS, MESSAGE)
    if (isOver) this.forgetIfDone(conversation)
    else if (open && (open.batchId === undefined || open.batchId === batchId))
      Object.assign(open, { batchId, count, dueMs })
    else conversation.open = { batchId, count, dueMs }
    return !isOver
  }

  /**
   * Fills in what list and events have not said.
   * @param lives of the conversation's batches, newest first, as the API reads them
   * @param changes as many as the conversation had when they were asked for: lives from before a later event are out of date
   */
  complete(conversation, lives, changes) {
    if (conversation.changes !== changes || this.known.get(conversation.id) !== conversation) return
    conversation.isComplete = true
    const { held } = conversation
    const holding = held && lives.find(({ batchId }) => batchId === held.batchId)
    if (holding)
      conversation.held = {
        batchId: held.batchId,
        state: HOLDING.includes(holding.state) ? holding.state : 'answering',
        sinceMs: holding.committedAtMs ?? holding.handedOverAtMs ?? holding.claimed?.atMs ?? held.sinceMs,
        ...provisionalIf(holding.claimed?.reason === 'early' && holding.committedAtMs === undefined),
      }
    const waiting = lives.filter(({ state }) => WAITING.includes(state))
    const [newest] = waiting
    if (!newest) return
    if (!newest.steps.some(({ step }) => step === 'sealed')) {
      const { batchId, count, firstAtMs, dueAtMs } = waiting.shift()
      conversation.open = { batchId, count, firstMs: firstAtMs, dueMs: dueAtMs ?? conversation.open?.dueMs ?? 0 }
      conversation.waits = waitsBy(newest.steps)
    } else conversation.open = undefined
    conversation.sealed = waiting.reverse().map(({ batchId, count }) => ({ batchId, count }))
  }

  /** @param totals the store's, for what is not kept here @returns how many conversations are open, and how many are held */
  counts(totals) {
    let [held, open] = [0, 0]
    for (const conversation of this.known.values()) {
      if (conversation.held) held += 1
      else if (conversation.open || conversation.sealed.length > 0) open += 1
    }
    if (!this.isPartial) return { open, held }
    return { open: Math.max(totals.open, open), held: Math.max(totals.held, held) }
  }

  /** The end of a pause is no step. */
  endPauses(now) {
    for (const conversation of this.known.values()) {
      if (!conversation.paused || conversation.paused.untilMs > now) continue
      conversation.paused = undefined
      this.forgetIfDone(conversation)
    }
  }

  /** Those that can go, soonest due first, and then the held ones. */
  sorted() {
    return [...this.known.values()].sort((a, b) => orderOf(a) - orderOf(b))
  }

  of(id) {
    let conversation = this.known.get(id)
    if (!conversation) {
      conversation = { id, sealed: [], changes: 0 }
      if (this.known.size < MOST_CONVERSATIONS) this.known.set(id, conversation)
      else this.isPartial = true
    }
    return conversation
  }

  take(conversation, batchId) {
    this.taken.add(batchId)
    if (this.taken.size > KEPT_TAKEN) this.taken.delete(this.taken.values().next().value)
    conversation.sealed = conversation.sealed.filter(sealed => sealed.batchId !== batchId)
    const { open } = conversation
    if (open && (open.batchId === undefined || open.batchId === batchId)) conversation.open = undefined
  }

  forgetIfDone({ id, open, held, sealed, paused }) {
    if (!open && !held && !paused && sealed.length === 0) this.known.delete(id)
  }

  /** When a batch of one message is due. */
  dueOfFirst(firstMs) {
    return firstMs + Math.min(this.rules.quietGapMs, this.rules.maxWaitMs)
  }
}

/** A batch that started early, until it is committed: newer messages would supersede it. */
const provisionalIf = isProvisional => (isProvisional ? { isProvisional } : {})

/** Whether the API should be asked about it, once it is looked at. */
export function isVague({ open, isComplete }) {
  if (isComplete !== undefined) return !isComplete
  return open !== undefined && (open.count === undefined || open.firstMs === undefined)
}

const open = (id, count, dueMs) => ({ id, sealed: [], changes: 0, isComplete: false, open: { count, dueMs } })

const held = (id, batchId, sinceMs) => ({
  id,
  sealed: [],
  changes: 0,
  isComplete: false,
  held: { batchId, state: 'answering', sinceMs },
})

/** How many messages of a conversation wait; undefined where it is not known. */
export function waitingIn({ open, sealed }) {
  if (open && open.count === undefined) return undefined
  return (open?.count ?? 0) + sealed.reduce((sum, { count }) => sum + count, 0)
}

const orderOf = ({ held, open, sealed, paused }) =>
  held ? Number.MAX_SAFE_INTEGER : sealed.length > 0 ? 0 : (open?.dueMs ?? paused?.untilMs ?? 0)
