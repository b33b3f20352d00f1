/** What can be read of conversations and batches. */
import type { Batch, StoredMessage } from '../batch.js'
import type { HistoryEntry } from '../history/steps.js'

/** A batch whose handover has failed for good. */
export interface DeadBatch {
  /** Its id. */
  batchId: string
  /** Its conversation. */
  conversationId: string
  /** Handovers that were tried. */
  attempts: number
  /** The last attempt's. */
  error: string
  /** When it died: milliseconds since 1970, by the store's clock. */
  diedAtMs: number
  /** What would be handed over. */
  batch: Batch
}

/** A message that no processor has claimed. */
export interface WaitingMessage {
  /** The batch that it is in. */
  batchId: string
  /** Its arrival: milliseconds since 1970, by the store's clock. */
  receivedAtMs: number
  /** As it is stored. */
  message: StoredMessage
}

/** One conversation at the moment of the call. */
export interface ConversationState {
  /** Its id. */
  conversationId: string
  /** When this was read: milliseconds since 1970, by the store's clock. */
  nowMs: number
  /** The open batch, if there is one. */
  open?: {
    /** The batch's id. */
    batchId: string
    /** Its messages. */
    count: number
    /** Of its messages as JSON. */
    bytes: number
    /** Arrival of its first message: milliseconds since 1970. */
    firstAtMs: number
    /** Arrival of its last message: milliseconds since 1970. */
    lastAtMs: number
    /** Its due time: milliseconds since 1970. */
    dueAtMs: number
    /** Milliseconds until it is due; 0 if it is. */
    dueInMs: number
  }
  /** Messages in the list, of all batches that are not claimed. */
  waiting: number
  /** The last `MESSAGES_SHOWN` of them, or as many as have `BYTES_SHOWN`, and one at least; oldest first. */
  messages: WaitingMessage[]
  /** The batch that holds the conversation, if one does. */
  heldBy?: {
    /** The batch's id. */
    batchId: string
    /** A processor has it, or it was handed over and is being answered. */
    state: 'claimed' | 'answering'
  }
  /** Absent if it is not paused. */
  paused?: {
    /** When the pause ends: milliseconds since 1970, by the store's clock. */
    untilMs: number
    /** Until then, in milliseconds. */
    inMs: number
    /** What becomes of its messages: discarded, or handed over together when the pause ends. */
    keep: 'drop' | 'collect'
  }
  /** What the open batch waits for. */
  holds?: {
    /** As `hold` was called with; of a message that waits for its text, its id. */
    key: string
    /** For how many milliseconds at most. */
    inMs: number
    /** The batch waits for the text of the message `key`. */
    ofMessage?: true
  }[]
  /** The last sign of typing was seen so many milliseconds ago; absent after a day, and without a `typingGapMs`. */
  typedAgoMs?: number
  /** That sign still holds: no message came since, and the typing has not ended. */
  isTyping?: true
  /** Milliseconds since the first batch's may-go time. Absent if nothing is due, or the conversation is held. */
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
  /** Milliseconds since the oldest may-go time of a conversation that is not held. 0 if none is due. */
  oldestDueAgeMs: number
}

/** A conversation in a list of them. */
export interface ConversationSummary {
  /** Its id. */
  conversationId: string
  /** Whether a batch may be claimed when it is due, or another one holds the conversation. */
  state: 'open' | 'held'
  /** `open`: milliseconds until its first batch is due. */
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
  /** One conversation: its open batch, what waits, what holds or pauses it. */
  conversation(conversationId: string): Promise<ConversationState>
  /** Conversations with messages, the first due first, then held ones. At most `limit`. */
  conversations(limit: number): Promise<ConversationSummary[]>
  /** Sizes of the whole store. */
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
