/** Finds batches that were released before they were due, or whose reason of release is wrong. */
import type { SentMessage } from './clients.js'
import { type Evidence, placeOf, type Run, type Violation } from './evidence.js'
import { appendedIn, goesOnBehindItsEnd, mayBeCollected, mayBePaused, possible, voiceHeldUntil } from './held-back.js'
import type { VariedRules } from './interventions.js'

/** Clients and Redis read the same clock, and each rounds it. */
const CLOCK_MS = 2

/** The messages of a run that were sent. */
export function messagesOf({ sent }: Evidence, run: Run): SentMessage[] {
  const own = sent.get(run.conversationId) ?? []
  return run.messageIds.map(messageId => own[placeOf(messageId) - 1]).filter(message => message !== undefined)
}

type Numeric = 'quietGapMs' | 'maxWaitMs' | 'maxMessages' | 'earlyStartMs'

/** The least that a rule can have been when a message came, and the most. */
function range(evidence: Evidence, name: Numeric, message: SentMessage): { least: number; most: number } {
  const values = possible(evidence, evidence.rules[name], name, message.conversationId, appendedIn(message))
  return { least: Math.min(...values), most: Math.max(...values) }
}

const mayHave = <Name extends 'batching' | 'answering'>(
  evidence: Evidence,
  base: NonNullable<VariedRules[Name]>,
  name: Name,
  value: VariedRules[Name],
  message: SentMessage,
) => possible(evidence, base, name, message.conversationId, appendedIn(message)).some(each => each === value)

const mayBeDirect = (evidence: Evidence, message: SentMessage | undefined): boolean =>
  message !== undefined && (message.direct || mayHave(evidence, true, 'batching', false, message))

/** The shortest silence that can have ended a batch: its quiet gap, or the typing gap of its conversation. */
function shortestGap(evidence: Evidence, last: SentMessage, untilMs: number): number {
  const window = [last.firstSentAtMs, untilMs] as const
  const typing = possible(evidence, 0, 'typingGapMs', last.conversationId, window).filter(gapMs => gapMs > 0)
  return Math.min(range(evidence, 'quietGapMs', last).least, ...typing)
}

/**
 * When a batch that its gap, the max wait or an early start has released can have been due at the earliest, by the
 * clients' clock: a gap after its last message was first sent, or the max wait after its first one. `undefined` for
 * other reasons.
 */
export function earliestDue(evidence: Evidence, run: Run): number | undefined {
  const messages = messagesOf(evidence, run)
  const [first, last] = [messages[0], messages.at(-1)]
  if (!first || !last || !['gap', 'maxWait', 'early'].includes(run.releasedBy)) return undefined
  const gapMs = shortestGap(evidence, last, run.releasedAtMs)
  const maxWaitMs = range(evidence, 'maxWaitMs', last).least
  const due = Math.min(last.firstSentAtMs + gapMs, first.firstSentAtMs + maxWaitMs)
  return Math.max(due, voiceHeldUntil(evidence, messages)) - CLOCK_MS
}

/** Whether a client flushed the conversation between the first message of a run and its commit, or its beginning. */
export function isFlushed(evidence: Evidence, run: Run): boolean {
  const [first] = messagesOf(evidence, run)
  return evidence.flushes.some(
    ({ conversationId, firstSentAtMs }) =>
      conversationId === run.conversationId &&
      firstSentAtMs >= (first?.firstSentAtMs ?? 0) &&
      firstSentAtMs <= (run.committedAtMs ?? run.beganAtMs),
  )
}

/** What is known of a batch from its first run. */
interface Released {
  evidence: Evidence
  run: Run
  messages: SentMessage[]
  first: SentMessage
  last: SentMessage
  /** The conversation's next message after the batch's last one. */
  next: SentMessage | undefined
  /** A run of the batch has committed, or commits are not asked for. */
  isCommitted: boolean
}

/** What is wrong with a release, by its reason. */
const CHECKS: Record<string, (released: Released) => (string | false)[]> = {
  gap: released => inTime(released, earliestDue(released.evidence, released.run)),
  maxWait: released => inTime(released, earliestDue(released.evidence, released.run)),
  early: released => {
    const { evidence, run, last } = released
    if (!supersedes(evidence)) return ['nothing starts early in this run']
    const due = earliestDue(evidence, run) ?? 0
    const earlyMs = range(evidence, 'earlyStartMs', last).least
    return inTime(released, Math.min(due, last.firstSentAtMs + earlyMs - CLOCK_MS))
  },
  recovery: ({ evidence: { rules }, run, last }) => [
    run.releasedAtMs < last.firstSentAtMs + rules.batchTtlMs - CLOCK_MS &&
      `${Math.round(run.releasedAtMs - last.firstSentAtMs)} ms after its last message: its header should have lived longer`,
  ],
  maxMessages: ({ evidence, run, messages, last }) => {
    const { least, most } = range(evidence, 'maxMessages', last)
    // A pause collects what comes, and what was sealed and waits. That may be more than the cap, and the next message
    // seals it.
    const isCollected = (message: SentMessage) =>
      mayBePaused(evidence, message) || mayBeCollected(evidence, message, run)
    const isTooMuch = messages.length > most && !messages.some(isCollected)
    return [(messages.length < least || isTooMuch) && `the cap is ${least === most ? most : `${least} to ${most}`}`]
  },
  direct: ({ evidence, messages, first, next }) => [
    !(messages.length === 1 && mayBeDirect(evidence, first)) &&
      !mayBeDirect(evidence, next) &&
      'neither a message of it nor the next one is direct',
  ],
  flush: ({ evidence: { flushes }, run, last }) => [
    !last.ends &&
      !flushes.some(
        ({ conversationId, firstSentAtMs }) => conversationId === run.conversationId && firstSentAtMs <= run.beganAtMs,
      ) &&
      'no client flushed it',
  ],
}

/**
 * Uses the clients' clock alone. Messages accepted before a batch was due belong to it, and its handler begins after
 * that, or after an early start. With `supersede` only batches that are committed must be complete.
 */
export function splits(evidence: Evidence, runs: Run[]): Violation[] {
  const batches = [...new Map(runs.toReversed().map(run => [run.batchId, run])).values()]
  const committed = new Set(runs.filter(run => run.committedAtMs !== undefined).map(({ batchId }) => batchId))
  return batches.flatMap(run => {
    const { batchId, conversationId, releasedBy, messageIds } = run
    const messages = messagesOf(evidence, run)
    const [first, last] = [messages[0], messages.at(-1)]
    if (!first || !last) return []
    const next = evidence.sent.get(conversationId)?.[placeOf(last.messageId)]
    const isCommitted = !supersedes(evidence) || committed.has(batchId)
    const check = CHECKS[releasedBy] ?? (() => ['a reason that nothing in this run can cause'])
    const found = [
      ...check({ evidence, run, messages, first, last, next, isCommitted }),
      goesOnBehindItsEnd(evidence, messages, run) && 'goes on behind a message that ends it',
    ].filter(what => what !== false)
    const about = `${batchId}, by ${releasedBy} of ${messageIds.length} (${messageIds[0]}…)`
    return found.map(what => ({ kind: 'split' as const, conversationId, what: `${about}: ${what}` }))
  })
}

/** @param start the earliest that a run of it may begin */
function inTime(released: Released, start: number | undefined): (string | false)[] {
  const { evidence, run, messages, next, isCommitted } = released
  const due = earliestDue(evidence, run)
  if (due === undefined || start === undefined) return []
  const acceptedAtMs = isCommitted && !mayWait(released) ? next?.acceptedAtMs : undefined
  return [
    messages.some(message => message.direct && !mayBeCollected(evidence, message, run)) &&
      'with a direct message in it',
    run.releasedBy !== 'early' &&
      run.releasedAtMs < run.dueAtMs &&
      `${run.dueAtMs - run.releasedAtMs} ms before its own due time`,
    run.beganAtMs < start && `${Math.round(start - run.beganAtMs)} ms before it was due`,
    acceptedAtMs !== undefined &&
      acceptedAtMs < due &&
      `${next?.messageId} had been accepted ${Math.round(due - acceptedAtMs)} ms before it was due`,
  ]
}

/**
 * With `supersede` a message that comes during an uncommitted answer waits behind it if one batch cannot hold both, or if
 * a flush has made the answer final.
 */
function mayWait({ evidence, run, messages, next }: Released): boolean {
  if (!next) return false
  // A pause has discarded or collected it.
  if (mayBePaused(evidence, next) || messages.some(message => mayBePaused(evidence, message))) return true
  if (!supersedes(evidence)) return false
  const isTooMuch = messages.length + next.together > range(evidence, 'maxMessages', next).least
  const waits = mayHave(evidence, evidence.rules.answering, 'answering', 'queue', next)
  return mayBeDirect(evidence, next) || isTooMuch || waits || isFlushed(evidence, run)
}

const supersedes = ({ rules }: Evidence) => rules.answering === 'supersede'
