/**
 * What interventions allow, and what they forbid.
 *
 *   paused   a batch was claimed during a pause, or a message was handed over that a pause had discarded
 *   held     a batch was claimed while it was held, or is due later than any rule, hold or pause allows
 *
 * Stored settings reach every process within a while, so a rule may have each of the values that were in force shortly
 * before. An intervention without an answer may be carried out late: what it forbids is not checked.
 */
import type { SentMessage } from './clients.js'
import { type Evidence, grouped, type Run, type Violation } from './evidence.js'
import { kindOf, type Pause, type VariedRules } from './interventions.js'

/** Longer than any fault keeps a process from reading new settings. */
const SPREAD_MS = 10_000
/** How long a request whose answer was lost may still be carried out. */
const LATE_MS = 15_000
const CLOCK_MS = 2

/** The values that a rule may have for a conversation at some time between two others. */
export function possible<Name extends keyof VariedRules>(
  { interventions: { changes } }: Evidence,
  base: NonNullable<VariedRules[Name]>,
  name: Name,
  conversationId: string,
  [fromMs, toMs]: readonly [number, number],
): NonNullable<VariedRules[Name]>[] {
  const values = [base]
  for (const scope of ['*', conversationId]) {
    const own = changes.filter(change => change.scope === scope)
    own.forEach(({ rules, askedAtMs }, i) => {
      const value = rules[name]
      const next = own.slice(i + 1).find(({ answeredAtMs }) => answeredAtMs !== undefined)
      const endMs = (next?.answeredAtMs ?? Number.POSITIVE_INFINITY) + SPREAD_MS
      if (value !== undefined && askedAtMs <= toMs && endMs >= fromMs) values.push(value)
    })
  }
  return values
}

/** Between these times a message was appended. */
export const appendedIn = ({ firstSentAtMs, acceptedAtMs }: SentMessage) =>
  [firstSentAtMs, acceptedAtMs ?? Number.POSITIVE_INFINITY] as const

const latestEnd = ({ untilMs, askedAtMs, forMs }: Pause) => untilMs ?? askedAtMs + LATE_MS + forMs

/** Whether a pause may have been in force when the message came. */
export const mayBePaused = ({ interventions: { pauses } }: Evidence, message: SentMessage): boolean => {
  const [fromMs, toMs] = appendedIn(message)
  return pauses.some(
    pause => pause.conversationId === message.conversationId && pause.askedAtMs <= toMs && latestEnd(pause) >= fromMs,
  )
}

/** Whether a pause may have collected the message, with what waited behind an answer, before its batch was claimed. */
export const mayBeCollected = ({ interventions: { pauses } }: Evidence, message: SentMessage, run: Run): boolean =>
  pauses.some(
    pause =>
      pause.conversationId === message.conversationId &&
      pause.askedAtMs <= run.releasedAtMs &&
      latestEnd(pause) >= message.firstSentAtMs,
  )

/**
 * Accepted messages that pauses have discarded: those of which the answer says so, and no more of the others than the
 * pauses have reported.
 */
export function discarded(evidence: Evidence, unfinished: SentMessage[]): Set<string> {
  const ids = new Set<string>()
  for (const [conversationId, own] of grouped(unfinished, message => message.conversationId)) {
    const pauses = evidence.interventions.pauses.filter(
      pause => pause.conversationId === conversationId && pause.keep === 'drop',
    )
    let left = pauses.every(({ dropped }) => dropped !== undefined)
      ? pauses.reduce((sum, { dropped = 0 }) => sum + dropped, 0)
      : Number.POSITIVE_INFINITY
    for (const message of own) {
      if (message.paused === 'yes' || (message.paused === 'maybe' && mayBePaused(evidence, message)))
        ids.add(message.messageId)
      else if (left > 0 && pauses.some(pause => message.firstSentAtMs <= (pause.answeredAtMs ?? latestEnd(pause)))) {
        left -= 1
        ids.add(message.messageId)
      }
    }
  }
  return ids
}

/** @param runs of one conversation */
export function heldBack(evidence: Evidence, runs: Run[], messagesOf: (run: Run) => SentMessage[]): Violation[] {
  const firsts = [...grouped(runs, ({ batchId }) => batchId).values()].flatMap(([first]) => first ?? [])
  return [
    ...runs.flatMap(run => handedOverAnyway(run, messagesOf(run))),
    ...firsts.flatMap(run => duringPause(evidence, run)),
    ...firsts.flatMap(run => duringHold(evidence, run, messagesOf(run))),
    ...firsts.flatMap(run => dueTooLate(evidence, run, messagesOf(run))),
  ]
}

function handedOverAnyway({ conversationId, batchId }: Run, messages: SentMessage[]): Violation[] {
  return messages
    .filter(({ paused }) => paused === 'yes')
    .map(({ messageId }) => ({
      kind: 'paused' as const,
      conversationId,
      what: `${messageId}, which a pause has discarded, in ${batchId}`,
    }))
}

function duringPause({ interventions: { pauses } }: Evidence, run: Run): Violation[] {
  const { conversationId, batchId, releasedAtMs, releasedBy } = run
  // Who flushes a conversation wants its batch at once.
  if (releasedBy === 'flush') return []
  return pauses
    .filter(pause => pause.conversationId === conversationId && pause.answeredAtMs !== undefined)
    .filter(({ answeredAtMs = 0, untilMs = 0, resumeAskedAtMs = untilMs }) => {
      const endMs = Math.min(untilMs, resumeAskedAtMs)
      return releasedAtMs > answeredAtMs + CLOCK_MS && releasedAtMs < endMs - CLOCK_MS
    })
    .map(({ answeredAtMs = 0, keep }) => ({
      kind: 'paused' as const,
      conversationId,
      what: `${batchId}, by ${releasedBy}, ${releasedAtMs - answeredAtMs} ms after a pause (${keep})`,
    }))
}

const ENDED_BY_TIME = ['gap', 'maxWait', 'early']

function duringHold(evidence: Evidence, run: Run, messages: SentMessage[]): Violation[] {
  const { conversationId, batchId, releasedAtMs, releasedBy } = run
  const [first, last] = [messages[0], messages.at(-1)]
  if (!first || !last || !ENDED_BY_TIME.includes(releasedBy)) return []
  const longestMs = Math.max(leastMaxWait(evidence, last), evidence.rules.holdMaxMs)
  return evidence.interventions.holds
    .filter(hold => hold.conversationId === conversationId && hold.answeredAtMs !== undefined)
    .filter(({ answeredAtMs = 0, askedAtMs, forMs, releaseAskedAtMs = Number.POSITIVE_INFINITY }) => {
      const endMs = Math.min(askedAtMs + forMs, releaseAskedAtMs, first.firstSentAtMs + longestMs)
      return releasedAtMs > answeredAtMs + CLOCK_MS && releasedAtMs < endMs - CLOCK_MS
    })
    .map(({ answeredAtMs = 0 }) => ({
      kind: 'held' as const,
      conversationId,
      what: `${batchId}, by ${releasedBy}, ${releasedAtMs - answeredAtMs} ms after a hold`,
    }))
}

const leastMaxWait = (evidence: Evidence, last: SentMessage) =>
  Math.min(...possible(evidence, evidence.rules.maxWaitMs, 'maxWaitMs', last.conversationId, appendedIn(last)))

/** By the batch's own due time: never beyond the longest wait after its first message, or after the end of a pause. */
function dueTooLate(evidence: Evidence, run: Run, messages: SentMessage[]): Violation[] {
  const { conversationId, batchId, dueAtMs, releasedAtMs, releasedBy } = run
  const [first, last] = [messages[0], messages.at(-1)]
  if (!last || first?.acceptedAtMs === undefined || !ENDED_BY_TIME.includes(releasedBy)) return []
  const { rules, interventions } = evidence
  const waits = possible(evidence, rules.maxWaitMs, 'maxWaitMs', conversationId, appendedIn(last))
  const pauseEnds = interventions.pauses
    .filter(pause => pause.conversationId === conversationId && pause.askedAtMs <= releasedAtMs)
    .map(latestEnd)
  const longestMs = Math.max(...waits, kindOf(conversationId) === 'hold' ? rules.holdMaxMs : 0)
  const latestMs = Math.max(first.acceptedAtMs, ...pauseEnds) + longestMs + CLOCK_MS
  return dueAtMs > latestMs
    ? [{ kind: 'held', conversationId, what: `${batchId}, due ${Math.round(dueAtMs - latestMs)} ms after any rule` }]
    : []
}

/** Whether a message that ends its batch has others behind it in its batch. */
export const goesOnBehindItsEnd = (evidence: Evidence, messages: SentMessage[], run: Run): boolean =>
  messages.slice(0, -1).some(message => message.ends && !mayBeCollected(evidence, message, run))

/** A voice message holds back its batch until then, at the earliest. */
export function voiceHeldUntil({ rules: { holdMs, holdMaxMs, maxWaitMs } }: Evidence, messages: SentMessage[]): number {
  const [first] = messages
  const lastVoice = messages.findLast(({ voice }) => voice)
  if (!first || !lastVoice) return Number.NEGATIVE_INFINITY
  return Math.min(lastVoice.firstSentAtMs + holdMs, first.firstSentAtMs + Math.max(holdMaxMs, maxWaitMs))
}
