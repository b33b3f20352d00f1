/** From when a batch could go, and which batch it waited for after it was due. */
import type { ConversationState } from '../store/store.js'
import type { Draft, Stay } from './draft.js'

/**
 * A batch that could go for so long and is not claimed is overdue. A processor claims within milliseconds; one that
 * lost its connection, or whose claim failed, tries again within a second. Only beyond both is something wrong.
 */
export const OVERDUE_MS = 2000

/**
 * A batch waited for the batch before it if it could go within this time of that batch's end. Both times come from
 * steps of the history, whose ids carry the time at which Redis wrote them, while Lull's scripts read the clock when
 * they begin: a script that claims or ends many batches takes some milliseconds in between.
 */
export const SAME_MOMENT_MS = 10

export interface Release {
  /** When it was due. `Infinity`: not known. */
  dueMs: number
  /** When it was due and nothing held it. `Infinity`: something holds it still. */
  couldGoMs: number
  /** The batch whose end it waited for after it was due. */
  waitedFor?: string
}

export interface Surroundings {
  /** Earlier batches of the conversation, oldest first, without lost ones. */
  before: readonly Draft[]
  state: ConversationState | undefined
  nowMs: number
}

/** @param stay one in which the batch waited */
export function releaseOf(draft: Draft, stay: Stay, surroundings: Surroundings): Release {
  if (stay.couldGoMs !== undefined) return ofClaimed(stay, stay.couldGoMs, stay === draft.stays[0], surroundings.before)
  const isCurrent = stay === draft.stays.at(-1)
  return ofWaiting(draft, stay, isCurrent ? surroundings : { ...surroundings, state: undefined })
}

/**
 * It could go from its claim on, less its lateness. That was its due time, whatever the rules were then; unless it
 * could go just as a batch before it ended, and was due before that.
 */
function ofClaimed({ fromMs, dueMs }: Stay, couldGoMs: number, isFirst: boolean, before: readonly Draft[]): Release {
  const endsThen = (atMs: number) => Math.abs(atMs - couldGoMs) <= SAME_MOMENT_MS
  const freer = before.findLast(({ freedMs }) => freedMs.some(endsThen))
  const waited = freer ? { waitedFor: freer.first.batchId } : {}
  // It came back from the dead, and so was due at once.
  if (!isFirst) return { dueMs: fromMs, couldGoMs, ...(couldGoMs - fromMs > SAME_MOMENT_MS ? waited : {}) }
  return freer && dueMs !== undefined && couldGoMs - dueMs > SAME_MOMENT_MS
    ? { dueMs, couldGoMs, ...waited }
    : { dueMs: couldGoMs, couldGoMs }
}

/** It can go when it is due and every batch before it has let go of the conversation. */
function ofWaiting(
  draft: Draft,
  { dueMs = Number.POSITIVE_INFINITY }: Stay,
  { before, state, nowMs }: Surroundings,
): Release {
  const holder = state
    ? holderBy(state, draft, before)
    : before.findLast(one => one.freeAtMs === undefined)?.first.batchId
  if (holder !== undefined)
    return { dueMs, couldGoMs: Number.POSITIVE_INFINITY, ...(nowMs > dueMs ? { waitedFor: holder } : {}) }
  if (state?.overdueForMs !== undefined) return couldGo(dueMs, nowMs - state.overdueForMs, before)
  return couldGo(dueMs, Math.max(dueMs, lastFreed(before)?.freeAtMs ?? dueMs), before)
}

function couldGo(dueMs: number, couldGoMs: number, before: readonly Draft[]): Release {
  // A few milliseconds between two readings of a clock are no hold.
  if (Math.abs(couldGoMs - dueMs) <= SAME_MOMENT_MS) return { dueMs, couldGoMs: dueMs }
  // The rules of today put the due time too late.
  if (couldGoMs < dueMs) return { dueMs: couldGoMs, couldGoMs }
  const freer = lastFreed(before)
  return { dueMs, couldGoMs, ...(freer ? { waitedFor: freer.first.batchId } : {}) }
}

const lastFreed = (before: readonly Draft[]) =>
  before.reduce<Draft | undefined>((a, b) => ((a?.freeAtMs ?? 0) > (b.freeAtMs ?? 0) ? a : b), undefined)

/** The batch that holds the conversation, or the one that goes first. */
function holderBy({ heldBy }: ConversationState, draft: Draft, before: readonly Draft[]): string | undefined {
  if (heldBy && heldBy.batchId !== draft.first.batchId) return heldBy.batchId
  return before.findLast(({ place }) => place === 'waiting')?.first.batchId
}
