/** Supersedes answers that are not committed, and commits them: `lua/shared/supersede.lua`, `reopen.lua`, `commit.lua`. */
import type { CommitResult, HoldState } from '../store.js'
import { dueOf, knownOf, moveHolds } from './due.js'
import type { Claimed, Conversation, HandedOver, State } from './state.js'
import { type Entry, idsRecorded } from './structures.js'

/** A batch that can be superseded: it holds its conversation, and is claimed or handed over. */
export interface Supersedable {
  batchId: string
  batch: Claimed
}

/** The batch that holds the conversation, if it can be superseded. */
export function supersedable(state: State, { heldBy }: Conversation): Supersedable | undefined {
  if (heldBy === undefined) return undefined
  const batch = state.claimedBatches.get(heldBy) ?? state.handedOver.get(heldBy)?.batch
  return batch?.isSupersedable ? { batchId: heldBy, batch } : undefined
}

/** A larger batch is not superseded: in Redis each message that supersedes copies all before it. */
const MOST_SUPERSEDED_BYTES = 1024 * 1024

export const isTooLarge = ({ batch }: Supersedable): boolean => sizeOf(batch.entries) > MOST_SUPERSEDED_BYTES

/** The same, if nothing waits behind it: its messages and the new ones would overtake that. */
export function supersedableAlone(state: State, conversation: Conversation): Supersedable | undefined {
  const old = conversation.runs.length === 0 ? supersedable(state, conversation) : undefined
  return old && !isTooLarge(old) ? old : undefined
}

/** How many of the batches that it supersedes a batch names: the last ones. */
const MOST_SUPERSEDED = 100

/** Two lists of superseded batches as one. */
export const joinSuperseded = (a: string[] = [], b: string[] = []): string[] => [...a, ...b].slice(-MOST_SUPERSEDED)

/** The batches that the successor of this one names. */
export const supersededWith = ({ batchId, batch }: Supersedable): string[] =>
  joinSuperseded(batch.supersedes, [batchId])

/** Ends its lease or its hold. */
export function endSuperseded(
  state: State,
  conversation: Conversation,
  { batchId }: Supersedable,
  now: number,
  by?: string,
): void {
  state.claimedBatches.delete(batchId)
  state.claimed.delete(batchId)
  state.handedOver.delete(batchId)
  state.answering.delete(batchId)
  delete conversation.heldBy
  state.end(batchId, { state: 'superseded', atMs: now, ...(by === undefined ? {} : { by }) })
}

export function recordSuperseded(
  state: State,
  { id: conversationId }: Conversation,
  { batchId, batch }: Supersedable,
  now: number,
  by?: string,
): void {
  const count = batch.entries.length
  state.record('superseded', batchId, conversationId, now, { count, ...(by === undefined ? {} : { by }) })
  publishSuperseded(state, conversationId, batchId, by)
}

export function publishSuperseded(state: State, conversationId: string, batchId: string, by?: string): void {
  const named: { by?: string } = by === undefined ? {} : { by }
  state.superseded.publish(listener => listener.superseded({ conversationId, batchId, ...named }))
}

/** Moves its due time. */
export function moveDue(state: State, conversation: Conversation, old: Supersedable, atMs: number, now: number): void {
  old.batch.dueAtMs = atMs
  const news = { conversationId: conversation.id, batchId: old.batchId, dueInMs: atMs - now }
  state.superseded.publish(listener => listener.moved(news))
}

/** Puts its messages back into the list as an open batch, which is due when the old one was. */
export function reopen(state: State, conversation: Conversation, old: Supersedable, now: number): void {
  const { entries, firstAtMs, lastAtMs, dueAtMs, rules } = old.batch
  const { maxWaitMs, batchTtlMs } = state.rulesOf(rules)
  const batchId = state.newBatchId()
  const supersedes = supersededWith(old)
  conversation.runs.push({ batchId, entries })
  moveHolds(state, conversation.id, old.batchId, batchId)
  endSuperseded(state, conversation, old, now, batchId)
  conversation.header = {
    batchId,
    bytes: bytesOf(entries),
    firstAtMs,
    lastAtMs,
    dueAtMs,
    // Past its max wait nothing supersedes it again, however often its messages are edited.
    dueBy: Math.max(dueAtMs, now) >= firstAtMs + maxWaitMs ? 'maxWait' : 'gap',
    expiresAtMs: Math.max(now, dueAtMs) + batchTtlMs,
    supersedes,
    ...(rules ? { rules } : {}),
  }
  const { notBeforeMs } = dueOf(state.rulesOf(rules), knownOf(state, conversation.id, now), conversation.header)
  if (notBeforeMs !== undefined) conversation.header.notBeforeMs = notBeforeMs
  state.schedule(conversation.id, batchId, state.headStartAtMs(conversation, now), now)
  const opened = { ids: idsRecorded(entries.slice(0, 1)), count: entries.length, supersedes: supersedes.join(' ') }
  state.record('opened', batchId, conversation.id, now, opened)
  recordSuperseded(state, conversation, old, now, batchId)
  state.publishGrowth(conversation, batchId, entries.length, Math.max(dueAtMs - now, 0))
}

export const bytesOf = (entries: Entry[]): number => entries.reduce((sum, { bytes }) => sum + bytes, 0)

/** Bytes as Redis counts them, for lines of `<receivedAtMs> <json>`. */
export const sizeOf = (entries: Entry[]): number =>
  entries.reduce((sum, { receivedAtMs, bytes }) => sum + String(receivedAtMs).length + 1 + bytes, entries.length - 1)

export function commit(state: State, batchId: string): CommitResult {
  const now = state.now()
  const { claimed, handed } = holderOf(state, batchId)
  // Its receiver may have a dead batch all the same: the reply to the handover was lost.
  const whole = claimed ?? state.dead.get(batchId)
  const found = handed ?? whole
  if (!found) return ended(state, batchId, now)
  if (found.isCommitted) return { state: 'go', again: true }
  const batch = whole ?? handed?.batch
  const waitMs = (batch?.dueAtMs ?? now) - now
  const longestWaitMs = Math.max(
    state.rulesInUse.longestWaitMs,
    batch?.rules?.maxWaitMs ?? 0,
    batch?.rules?.holdMaxMs ?? 0,
  )
  if (waitMs > 0 && waitMs <= longestWaitMs) return { state: 'wait', waitMs }
  found.isCommitted = true
  if (whole) delete whole.isSupersedable
  if (handed) delete handed.batch
  state.record('committed', batchId, found.conversationId, now, {})
  return { state: 'go' }
}

export function holdState(state: State, batchId: string): HoldState {
  const { claimed, handed } = holderOf(state, batchId)
  if (claimed || handed || state.dead.has(batchId)) return 'held'
  return state.endOf(batchId, state.now())?.state ?? 'unknown'
}

/** The batch, if it holds its conversation. */
function holderOf(state: State, batchId: string): { claimed?: Claimed; handed?: HandedOver } {
  const claimed = state.claimedBatches.get(batchId)
  const handed = state.handedOver.get(batchId)
  const holding = claimed ?? handed
  if (!holding || state.conversations.get(holding.conversationId)?.heldBy !== batchId) return {}
  return { ...(claimed ? { claimed } : {}), ...(handed ? { handed } : {}) }
}

function ended(state: State, batchId: string, now: number): CommitResult {
  const end = state.endOf(batchId, now)
  if (end?.state === 'superseded') return { state: 'superseded', ...(end.by === undefined ? {} : { by: end.by }) }
  return { state: end?.state ?? 'unknown' }
}
