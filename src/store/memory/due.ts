/**
 * What is known of a conversation beside its messages, and when its open batch is due by that: `lua/shared/state.lua`,
 * `due.lua`, `set-due.lua`.
 */
import type { Rules } from '../../rules.js'
import type { Known } from './known.js'
import type { Conversation, DueBy, Header, State } from './state.js'

const TYPING_SEEN_MS = 86_400_000

/** Without what has ended. */
export function knownOf(state: State, conversationId: string, now: number): Known {
  const { paused, typed, holds } = state.known.get(conversationId) ?? {}
  const current = [...(holds ?? [])].filter(([, { atMs }]) => atMs > now)
  return {
    ...(paused && paused.untilMs > now ? { paused } : {}),
    ...(typed && typed.atMs + TYPING_SEEN_MS > now ? { typed } : {}),
    ...(current.length > 0 ? { holds: new Map(current) } : {}),
  }
}

/** What held back the batch `from` alone holds back the batch `to`, which has its messages now. */
export function moveHolds(state: State, conversationId: string, from: string, to: string): void {
  for (const hold of state.known.get(conversationId)?.holds?.values() ?? [])
    if (hold.batchId === from) hold.batchId = to
}

/** Why a batch is released that is due by this. */
export const reasonOf = (dueBy: DueBy): 'gap' | 'maxWait' => (dueBy === 'maxWait' ? dueBy : 'gap')

export interface Due {
  dueAtMs: number
  dueBy: DueBy
  /** Something holds the batch back until then. */
  notBeforeMs?: number
}

interface Times {
  batchId: string
  firstAtMs: number
  lastAtMs: number
}

export function dueOf(rules: Rules, known: Known, { batchId, firstAtMs, lastAtMs }: Times): Due {
  const { quietGapMs, maxWaitMs, typingGapMs, holdMaxMs } = rules
  const { paused, typed, holds } = known
  const seen = typingGapMs > 0 ? typed : undefined
  const gapMs = seen ? Math.min(quietGapMs, typingGapMs) : quietGapMs
  const latestMs = firstAtMs + maxWaitMs
  const typedMs = seen && seen.atMs >= lastAtMs ? seen.atMs + (seen.worthMs ?? gapMs) : 0
  const quietMs = Math.max(lastAtMs + gapMs, typedMs)
  const quietBy = gapMs < quietGapMs ? 'typingGap' : 'gap'
  let due: Due = { dueAtMs: Math.min(quietMs, latestMs), dueBy: latestMs < quietMs ? 'maxWait' : quietBy }
  const its = [...(holds?.values() ?? [])].filter(hold => hold.batchId === undefined || hold.batchId === batchId)
  if (its.length > 0) {
    const longestMs = firstAtMs + Math.max(maxWaitMs, holdMaxMs)
    const heldMs = Math.min(Math.max(...its.map(({ atMs }) => atMs)), longestMs)
    if (heldMs > due.dueAtMs) due = { dueAtMs: heldMs, dueBy: heldMs === longestMs ? 'maxWait' : 'gap' }
    due = { ...due, notBeforeMs: Math.min(heldMs, due.dueAtMs) }
  }
  if (!paused) return due
  const resumedMs = Math.max(paused.untilMs, lastAtMs + gapMs)
  return { dueAtMs: resumedMs, dueBy: 'gap', notBeforeMs: resumedMs }
}

/** The header's times, as `dueOf` takes them: its max wait begins at `firstAtMs`. */
export const waitingSince = <Of extends Times & Pick<Header, 'waitsFromMs'>>(header: Of): Of => ({
  ...header,
  firstAtMs: header.waitsFromMs ?? header.firstAtMs,
})

/** Sets anew when the open batch is due, after something of its conversation has changed. Returns its due time. */
export function setDue(state: State, conversation: Conversation, header: Header, now: number): number {
  const rules = state.rulesOf(header.rules)
  const known = knownOf(state, conversation.id, now)
  const due = dueOf(rules, known, waitingSince(header))
  // Not in the past, unless it has been due before.
  const dueAtMs = Math.max(due.dueAtMs, Math.min(now, header.dueAtMs))
  delete header.notBeforeMs
  Object.assign(header, due, { dueAtMs }, known.paused ? { waitsFromMs: known.paused.untilMs } : {})
  header.expiresAtMs = Math.max(header.expiresAtMs, dueAtMs + rules.batchTtlMs)
  if (conversation.heldBy === undefined && conversation.runs[0]?.batchId === header.batchId)
    state.schedule(conversation.id, header.batchId, Math.max(state.startAtMs(header), now), now, rules.maxWaitMs)
  const count = conversation.runs.at(-1)?.entries.length ?? 0
  state.publishGrowth(conversation, header.batchId, count, Math.max(dueAtMs - now, 0))
  return dueAtMs
}
