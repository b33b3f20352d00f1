/** Holds a batch back, and pauses a conversation: `lua/hold.lua`, `pause.lua`, `resume.lua`, `paused.lua`. */
import type { OwnMessageState, PauseRequest, PauseResult } from '../messages.js'
import { type Paused, withCause, withoutCauses } from './causes.js'
import { discard } from './conversations.js'
import { dueOf, knownOf, moveHolds, setDue } from './due.js'
import type { Conversation, State } from './state.js'
import { type Entry, idsRecorded } from './structures.js'
import {
  bytesOf,
  endSuperseded,
  moveDue,
  recordSuperseded,
  supersedable,
  supersedableAlone,
  supersededWith,
} from './superseding.js'

/** @param forMs 0 releases the key */
export function hold(state: State, conversationId: string, key: string, forMs: number) {
  const now = state.now()
  const conversation = state.conversations.get(conversationId)
  const header = conversation && state.header(conversation, now)
  const known = knownOf(state, conversationId, now)
  const wasHeld = known.holds?.has(key) ?? false
  if (forMs === 0 && !wasHeld) return { wasHeld, ...(header ? { dueInMs: Math.max(header.dueAtMs - now, 0) } : {}) }
  const holds = new Map(known.holds)
  if (forMs > 0) holds.set(key, { atMs: now + Math.round(forMs) })
  else holds.delete(key)
  state.known.set(conversationId, { ...known, holds })
  const batchId = header?.batchId ?? conversation?.heldBy ?? ''
  const step = forMs > 0 ? 'held' : 'unheld'
  state.record(step, batchId, conversationId, now, { key, ...(forMs > 0 ? { forMs: Math.round(forMs) } : {}) })
  const heldDueInMs = conversation && moveHolder(state, conversation, now)
  if (!conversation || !header || conversation.runs.length === 0)
    return { wasHeld, ...(heldDueInMs === undefined ? {} : { dueInMs: heldDueInMs }) }
  return { wasHeld, dueInMs: Math.max(setDue(state, conversation, header, now) - now, 0) }
}

/** The batch that holds the conversation, if it is not committed, waits with its commit. */
function moveHolder(state: State, conversation: Conversation, now: number): number | undefined {
  const old = supersedable(state, conversation)
  if (!old || now >= old.batch.dueAtMs) return undefined
  const { batchId, batch } = old
  const { dueAtMs } = dueOf(state.rulesOf(batch.rules), knownOf(state, conversation.id, now), { ...batch, batchId })
  moveDue(state, conversation, old, Math.max(dueAtMs, now), now)
  return Math.max(dueAtMs, now) - now
}

export function pause(state: State, conversationId: string, { forMs, keep }: PauseRequest): PauseResult {
  const now = state.now()
  return pauseAs(state, conversationId, { untilMs: now + Math.round(forMs), keep }, now)
}

export function pauseByMessage(
  state: State,
  conversationId: string,
  messageId: string,
  { forMs, keep }: PauseRequest,
): PauseResult | Exclude<OwnMessageState, 'new'> {
  const now = state.now()
  const own = ownMessage(state, conversationId, messageId)
  if (own !== 'new') return own
  const { paused } = knownOf(state, conversationId, now)
  const cause = { messageId, untilMs: now + Math.round(forMs) }
  return pauseAs(state, conversationId, withCause(paused, cause, keep), now)
}

function pauseAs(state: State, conversationId: string, paused: Paused, now: number): PauseResult {
  const { untilMs, keep } = paused
  const newBatchId = state.newBatchId()
  if (keep === 'collect') collect(state, conversationId, newBatchId, untilMs, now)
  const dropped = keep === 'drop' ? discard(state, conversationId, 'dropped') : 0
  state.known.set(conversationId, { ...knownOf(state, conversationId, now), paused })
  const conversation = state.conversations.get(conversationId)
  const header = conversation && state.header(conversation, now)
  state.record('pause', header?.batchId ?? '', conversationId, now, { untilMs, keep, by: state.name })
  if (conversation && header) setDue(state, conversation, header, now)
  return { untilMs, dropped }
}

const MOST_JOINED = 5000

/** Makes one open batch of all that waits and of a batch that can be superseded. */
function collect(state: State, conversationId: string, newBatchId: string, untilMs: number, now: number): void {
  const conversation = state.conversations.get(conversationId)
  if (!conversation) return
  const old = supersedableAlone(state, conversation)
  const header = state.header(conversation, now)
  const count = conversation.runs.reduce((sum, { entries }) => sum + entries.length, 0)
  const isOne = header !== undefined && conversation.runs.length === 1
  if (count > MOST_JOINED || (!old && (count === 0 || isOne))) return
  // What was committed before it died stays a batch of its own: its answer may have been sent.
  const keptRuns = conversation.runs.slice(0, conversation.runs.findLastIndex(run => run.seal?.isCommitted) + 1)
  const collected = conversation.runs.slice(keptRuns.length)
  if (collected.length === 0 && !old) return
  const batchId = header?.batchId ?? newBatchId
  const others = collected.filter(run => run.batchId !== batchId)
  const entries: Entry[] = [...(old?.batch.entries ?? []), ...collected.flatMap(run => run.entries)]
  conversation.runs = [...keptRuns, { batchId, entries }]
  for (const id of [...(old ? [old.batchId] : []), ...others.map(run => run.batchId)])
    moveHolds(state, conversationId, id, batchId)
  if (old) endSuperseded(state, conversation, old, now, batchId)
  const supersedes = old ? supersededWith(old) : header?.supersedes
  const { batchTtlMs } = state.rules
  const rules = old?.batch.rules ?? header?.rules
  conversation.header = {
    batchId,
    bytes: bytesOf(entries),
    firstAtMs: entries[0]?.receivedAtMs ?? now,
    lastAtMs: entries.at(-1)?.receivedAtMs ?? now,
    dueAtMs: untilMs,
    dueBy: header?.dueBy ?? 'gap',
    expiresAtMs: untilMs + batchTtlMs,
    ...(rules ? { rules } : {}),
    ...(supersedes ? { supersedes } : {}),
  }
  if (!header) {
    const ids = idsRecorded(entries.slice(0, 1))
    const named: Record<string, string> = old ? { supersedes: supersededWith(old).join(' ') } : {}
    state.record('opened', batchId, conversationId, now, { ids, count: entries.length, ...named })
  }
  if (old) recordSuperseded(state, conversation, old, now, batchId)
  for (const run of others)
    state.record('superseded', run.batchId, conversationId, now, { count: run.entries.length, by: batchId })
}

export function resume(state: State, conversationId: string): boolean {
  const now = state.now()
  if (!knownOf(state, conversationId, now).paused) return false
  setPause(state, conversationId, undefined, now)
  return true
}

/** After the end of a pause was moved, or it has ended: `lua/shared/end-pause.lua`. */
function setPause(state: State, conversationId: string, paused: Paused | undefined, now: number): void {
  const { paused: _, ...known } = knownOf(state, conversationId, now)
  state.known.set(conversationId, { ...known, ...(paused ? { paused } : {}) })
  const conversation = state.conversations.get(conversationId)
  const header = conversation && state.header(conversation, now)
  const step = paused ? 'pause' : 'resumed'
  const detail: Record<string, string | number> = paused ? { untilMs: paused.untilMs, keep: paused.keep } : {}
  state.record(step, header?.batchId ?? '', conversationId, now, { ...detail, by: state.name })
  if (!conversation || !header || conversation.runs.length === 0) return
  // After the pause its max wait begins anew.
  if (!paused) header.waitsFromMs = now
  setDue(state, conversation, header, now)
}

export function sent(state: State, conversationId: string, messageIds: string[]): boolean {
  const now = state.now()
  for (const messageId of messageIds) state.sent.add(conversationId, messageId, now)
  const known = knownOf(state, conversationId, now)
  if (!known.paused?.causes) return false
  const left = withoutCauses(known.paused, messageIds, now)
  if (left?.untilMs === known.paused.untilMs) state.known.set(conversationId, { ...known, paused: left })
  else setPause(state, conversationId, left, now)
  return left === undefined
}

export function ownMessage(state: State, conversationId: string, messageId: string): OwnMessageState {
  const now = state.now()
  if (state.sent.has(conversationId, messageId, now)) return 'bot'
  if (state.own.has(conversationId, messageId, now)) return 'again'
  state.own.add(conversationId, messageId, now)
  return 'new'
}

export function wasSent(state: State, conversationId: string, messageId: string): boolean | undefined {
  const now = state.now()
  return state.sent.hasAny(conversationId, now) ? state.sent.has(conversationId, messageId, now) : undefined
}

export function paused(state: State, limit: number) {
  const now = state.now()
  return [...state.known]
    .flatMap(([conversationId, known]) =>
      known.paused && known.paused.untilMs > now
        ? [{ conversationId, untilMs: known.paused.untilMs, inMs: known.paused.untilMs - now }]
        : [],
    )
    .sort((a, b) => a.untilMs - b.untilMs || (a.conversationId < b.conversationId ? -1 : 1))
    .slice(0, limit)
}
