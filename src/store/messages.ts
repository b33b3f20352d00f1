/** How messages are appended, corrected and erased: requests and results. */
import type { StoredMessage } from '../batch.js'
import type { OwnRules } from '../conversation-rules.js'

/** Messages to append to a conversation. */
export interface AppendRequest {
  /** `<chatId>` or `<account>/<chatId>`. */
  conversationId: string
  /** In the order of arrival. */
  messages: StoredMessage[]
  /** Each message becomes a batch of its own, due at once, behind the batch that is open. */
  direct?: boolean
  /** The last new message seals its batch. */
  flush?: boolean
  /** Rules that the batch has instead of the store's, as long as no later append gives it others. */
  rules?: OwnRules
}

/** What became of messages that were appended. */
export interface AppendResult {
  /** Messages that were stored. */
  accepted: number
  /** Dropped: the conversation has seen their ids within `dedupeMs`. */
  duplicates: number
  /** Dropped: sent longer ago than `maxAgeMs`. */
  tooOld: number
  /** The batch of the last accepted message. If all were duplicates: the open batch, if there is one. */
  batchId?: string
  /** Accepted while the conversation was paused: discarded, or collected until the pause ends. */
  paused?: number
  /** Milliseconds until that batch is due; a held conversation may make it wait longer. Absent without a batch. */
  dueInMs?: number
  /** Subscribers of `listen`, so processors: 0 means that none is there to claim. Absent if nothing was accepted. */
  listeners?: number
}

/** A person answers instead of the bot. */
export interface PauseRequest {
  /** Milliseconds from now. */
  forMs: number
  /** What becomes of messages that wait, and of those that come: see `rules.paused`. */
  keep: 'drop' | 'collect'
}

/** A pause that has begun. */
export interface PauseResult {
  /** When it ends: milliseconds since 1970, by the store's clock. */
  untilMs: number
  /** Messages that waited, and were discarded. */
  dropped: number
}

/**
 * An own message that a person may have sent. `new`: nothing was known of it. `again`: it was noted before, so its webhook
 * came twice. `bot`: the bot sent it.
 */
export type OwnMessageState = 'new' | 'again' | 'bot'

/** How a sign of typing moves the due time. */
export interface ExtendOptions {
  /** The conversation's own rules: whether it has a typing gap. */
  rules?: OwnRules
}

/** An edit of a message that waits. */
export interface EditRequest {
  /** The conversation that has the message. */
  conversationId: string
  /** The message's id. */
  messageId: string
  /** The new text, or a medium's new caption. */
  text: string
  /** Only the author may edit it: ids that this person may have. Absent: anybody who may call this. */
  authors?: readonly string[]
}

/**
 * `tooLate`: the message was accepted, but is not among the last 100 in the list: it is claimed, handed over or gone.
 * `unknown`: no such message was accepted. `notAuthor`: somebody else wrote it, or nobody is named as its sender.
 */
export type EditResult = 'edited' | 'tooLate' | 'unknown' | 'notAuthor'

/**
 * `remembered`: the message has not come yet, and will be dropped as a duplicate when it comes. If only its author may
 * revoke it, that is `unknown` instead: who wrote it is not known yet, and a stranger could keep it away. `tooLate` and
 * `notAuthor`: see `EditResult`.
 */
export type RevokeResult = 'revoked' | 'tooLate' | 'remembered' | 'unknown' | 'notAuthor'

/** What `forget` erased. */
export interface ForgetResult {
  /** Listed or claimed messages. */
  messages: number
  /** Batches whose handover had failed for good. */
  deadBatches: number
  /** Steps of the history. */
  historyEntries: number
  /** The batch that was claimed or answering. Its processor or its receiver still has it. */
  underWay?: string
}
