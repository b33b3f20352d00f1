/** Batches that should wait and whose messages are gone, because something other than Lull deleted them. */
import type { ConversationState } from '../store/store.js'
import type { HistoryEntry } from './steps.js'

const WAITING: ReadonlySet<string> = new Set([
  'opened',
  'appended',
  'extended',
  'sealed',
  'edited',
  'redriven',
  'pause',
  'resumed',
  'held',
  'unheld',
])

/** True if a batch whose last step is this one should wait. */
export const shouldWait = ({ step, detail }: HistoryEntry): boolean =>
  WAITING.has(step) || (step === 'merged' && detail['from'] !== undefined)

/**
 * True if a batch that should wait does not. The caller must check afterwards that no step was recorded between its two
 * reads: the batch may have been claimed then.
 * @param last the batch's last step
 * @param history of its conversation, or of all; read before `state`
 * @param state of its conversation
 */
export function isGone(
  last: HistoryEntry,
  history: readonly HistoryEntry[],
  { messages, waiting, heldBy }: Pick<ConversationState, 'messages' | 'waiting' | 'heldBy'>,
): boolean {
  const { batchId } = last
  // The list is cut off: messages of this batch may be among those that it lacks.
  if (messages.length < waiting || messages.some(message => message.batchId === batchId)) return false
  if (heldBy?.batchId === batchId) return false
  return !wasEmptied(last, history)
}

/** One step `dropped` or `merged` covers everything that waited in the conversation. */
const wasEmptied = ({ conversationId, atMs }: HistoryEntry, history: readonly HistoryEntry[]): boolean =>
  history.some(
    each =>
      (each.step === 'dropped' || (each.step === 'merged' && each.detail['into'] !== undefined)) &&
      each.conversationId === conversationId &&
      each.atMs >= atMs,
  )
