/** Batches that should wait and do not: what something other than Lull has deleted. `lull doctor` and `lull trace` ask it. */
import type { ConversationState } from '../store/store.js'
import type { HistoryEntry } from './steps.js'

const WAITING: ReadonlySet<string> = new Set(['opened', 'appended', 'extended', 'sealed', 'edited', 'redriven'])

/** Whether a batch with this last step should wait. */
export const shouldWait = ({ step }: HistoryEntry): boolean => WAITING.has(step)

/**
 * Whether a batch that should wait does not. Whoever asks makes sure afterwards that the history has not gone on meanwhile:
 * it may have been claimed between the two looks.
 * @param last the batch's last step, one that `shouldWait`
 * @param history of its conversation at least, read before `state`
 * @param state its conversation's
 */
export function isGone(
  last: HistoryEntry,
  history: readonly HistoryEntry[],
  { messages, waiting, heldBy }: Pick<ConversationState, 'messages' | 'waiting' | 'heldBy'>,
): boolean {
  const { batchId } = last
  // Of more messages than are shown, one of an earlier batch could be among those that are not.
  if (messages.length < waiting || messages.some(message => message.batchId === batchId)) return false
  if (heldBy?.batchId === batchId) return false
  return !wasDropped(last, history)
}

/** One step says it of all that waited in the conversation. */
const wasDropped = ({ conversationId, atMs }: HistoryEntry, history: readonly HistoryEntry[]): boolean =>
  history.some(each => each.step === 'dropped' && each.conversationId === conversationId && each.atMs >= atMs)
