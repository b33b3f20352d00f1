/** What can be read of conversations and batches. */
import type { Batch, StoredMessage } from '../batch.js'
import type { HistoryEntry } from '../history/steps.js'

export interface DeadBatch {
  batchId: string
  conversationId: string
  attempts: number
  /** The last attempt's. */
  error: string
  diedAtMs: number
  batch: Batch
}

/** One conversation at the moment of the call. */
export interface ConversationState {
  conversationId: string
  /** When this was read, by the store's clock. */
  nowMs: number
  /** The open batch, if there is one. */
  open?: {
    batchId: string
    count: number
    /** Of its messages as JSON. */
    bytes: number
    firstAtMs: number
    lastAtMs: number
    dueAtMs: number
    /** 0 if it is due. */
    dueInMs: number
  }
  /** Messages in the list, of all batches that are not claimed. */
  waiting: number
  /** The last `MESSAGES_SHOWN` of them, or as many as have `BYTES_SHOWN`, and one at least; oldest first. */
  messages: { batchId: string; receivedAtMs: number; message: StoredMessage }[]
  /** The batch that holds the conversation, if one does. */
  heldBy?: { batchId: string; state: 'claimed' | 'answering' }
  paused?: { untilMs: number; inMs: number; keep: 'drop' | 'collect' }
  /** What the open batch waits for. `inMs`: for how long at most. `ofMessage`: for the text of the message `key`. */
  holds?: { key: string; inMs: number; ofMessage?: true }[]
  /** The last sign of typing was seen so long ago; absent after a day, and without a `typingGapMs`. */
  typedAgoMs?: number
  /** That sign still holds: no message came since, and the typing has not ended. */
  isTyping?: true
  /** Since the first batch's may-go time. Absent if nothing is due, or the conversation is held. */
  overdueForMs?: number
}

/** Messages that `conversation` returns at most. */
export const MESSAGES_SHOWN = 1000
/** Reading these takes Redis about 20 ms. */
export const BYTES_SHOWN = 4 * 1024 * 1024

/** Sizes of the whole store. */
export interface Totals {
  /** Conversations with messages that are not held. */
  open: number
  /** Conversations that are held. */
  held: number
  /** Dead batches. */
  dead: number
  /** Since the oldest may-go time of a conversation that is not held. 0 if none is due. */
  oldestDueAgeMs: number
}

export interface ConversationSummary {
  conversationId: string
  state: 'open' | 'held'
  /** `open`: until its first batch is due. */
  dueInMs?: number
  /** `open`: messages in its open batch. */
  count?: number
  /** `held`: the batch that holds it. */
  batchId?: string
}

/** The reads of a store. They change nothing. */
export interface StoreReads {
  /**
   * The conversation of an account, or of none, in which a message with this id waits, or is in a batch that an edit
   * supersedes: a chat of two alone, among the 1,000 that are due last and the 1,000 that are held.
   */
  findMessage(account: string | undefined, messageId: string): Promise<string | undefined>
  conversation(conversationId: string): Promise<ConversationState>
  /** Conversations with messages, the first due first, then held ones. At most `limit`. */
  conversations(limit: number): Promise<ConversationSummary[]>
  totals(): Promise<Totals>
  /**
   * The last steps, newest first. For one conversation, `appended` steps are derived from `claimed` ones and included,
   * and so are the steps of the person's other ids; for all conversations `appended` is not derived, and `claimed` says
   * when each message came (see history/steps.ts).
   */
  history(query: { conversationId?: string; limit: number }): Promise<HistoryEntry[]>
  /** The last batches to die, newest first. */
  dead(limit: number): Promise<DeadBatch[]>
  /** Paused conversations, the first to go on first. */
  paused(limit: number): Promise<{ conversationId: string; untilMs: number; inMs: number }[]>
}
