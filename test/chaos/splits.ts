/** Finds batches that were released before they were due, or whose reason of release is wrong. */
import type { SentMessage } from './clients.js'
import { type Evidence, placeOf, type Run, type Violation } from './evidence.js'

/** Clients and Redis read the same clock, and each rounds it. */
const CLOCK_MS = 2

/** The messages of a run that were sent. */
export function messagesOf({ sent }: Evidence, run: Run): SentMessage[] {
  const own = sent.get(run.conversationId) ?? []
  return run.messageIds.map(messageId => own[placeOf(messageId) - 1]).filter(message => message !== undefined)
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
  const { quietGapMs, maxWaitMs } = evidence.rules
  return Math.min(last.firstSentAtMs + quietGapMs, first.firstSentAtMs + maxWaitMs) - CLOCK_MS
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
    return inTime(released, Math.min(due, last.firstSentAtMs + evidence.rules.earlyStartMs - CLOCK_MS))
  },
  recovery: ({ evidence: { rules }, run, last }) => [
    run.releasedAtMs < last.firstSentAtMs + rules.batchTtlMs - CLOCK_MS &&
      `${Math.round(run.releasedAtMs - last.firstSentAtMs)} ms after its last message: its header should have lived longer`,
  ],
  maxMessages: ({ evidence: { rules }, messages }) => [
    messages.length !== rules.maxMessages && `the cap is ${rules.maxMessages}`,
  ],
  direct: ({ messages, first, next }) => [
    !(messages.length === 1 && first.direct) && !next?.direct && 'neither a message of it nor the next one is direct',
  ],
  flush: ({ evidence: { flushes }, run }) => [
    !flushes.some(
      ({ conversationId, firstSentAtMs }) => conversationId === run.conversationId && firstSentAtMs <= run.beganAtMs,
    ) && 'no client flushed it',
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
    const found = check({ evidence, run, messages, first, last, next, isCommitted }).filter(what => what !== false)
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
    messages.some(({ direct }) => direct) && 'with a direct message in it',
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
  if (!supersedes(evidence) || !next) return false
  const isTooMuch = messages.length + next.together > evidence.rules.maxMessages
  return next.direct || isTooMuch || isFlushed(evidence, run)
}

const supersedes = ({ rules }: Evidence) => rules.answering === 'supersede'
