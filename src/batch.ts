/**
 * A batch: the messages that one person sent in one go, with the times and the reason of its release.
 *
 * The store keeps each message as a `StoredMessage`: the message itself and two facts about its conversation, the
 * provider and whether it is a group. A claim turns a batch's stored messages (a `MessageRun`) into a `Batch`. Within a
 * batch messages are ordered by the provider's send time. If any send time is missing they keep the order of arrival:
 * times of two clocks cannot be compared.
 */
import { parseConversationId } from './conversation.js'

export const MESSAGE_TYPES = [
  'text',
  'image',
  'video',
  'audio',
  'voice',
  'document',
  'sticker',
  'location',
  'contacts',
  'interactive',
  'order',
  'unsupported',
  'unknown',
] as const

export type MessageType = (typeof MESSAGE_TYPES)[number]

/** Why a batch was released, by its `releasedBy`: what a trace and the page say of it. */
export const RELEASE_REASONS = {
  gap: 'the quiet gap had ended',
  early: 'it started before its due time',
  maxWait: 'the max wait was reached',
  maxMessages: 'it held as many messages as a batch may',
  maxBytes: 'it held as many bytes as a batch may',
  flush: 'it was flushed',
  // By its TTL, or because another program deleted it. All other reasons come from the header.
  recovery: 'its header was lost',
  direct: 'it came by the direct path',
} as const

export type ReleaseReason = keyof typeof RELEASE_REASONS

export const isReleaseReason = (word: string): word is ReleaseReason => Object.hasOwn(RELEASE_REASONS, word)

/** One message of a batch. Times are milliseconds since the epoch. */
export interface Message {
  /** The provider's id. A repeated delivery carries the same one, and is dropped. */
  messageId: string
  type: MessageType
  /** The text, or a medium's caption. */
  text?: string
  senderId?: string
  senderName?: string
  /** By the provider's clock; absent if the provider sends no time. */
  sentAtMs?: number
  /** By Redis's clock. */
  receivedAtMs: number
  /** The id of the message that this one replies to. */
  replyTo?: string
  /** The id behind a pressed button or a chosen list row. */
  payloadId?: string
  /** What a person filled in, by field: an answer to a WhatsApp Flow. `text` says the same in lines. */
  form?: Record<string, unknown>
  media?: {
    id?: string
    url?: string
    mimeType?: string
    fileName?: string
    /** The webhook held the file itself, which is too large for a batch: fetch it by `id` or `url`. */
    omitted?: 'too large'
  }
  location?: { latitude: number; longitude: number; name?: string; address?: string }
  /** The provider's own body, with `LULL_RAW=on`. */
  raw?: unknown
}

/** What is handed over: BullMQ job `batch`, the body of an HTTP handover, the argument of a handler. */
export interface Batch {
  version: 1
  batchId: string
  conversationId: string
  chatId: string
  account?: string
  isGroup: boolean
  provider: string
  messages: Message[]
  /** The texts and captions, joined by a line feed. */
  text: string
  /** Arrival of the first and the last message, the due time and the release: milliseconds by Redis's clock. */
  firstAtMs: number
  lastAtMs: number
  dueAtMs: number
  releasedAtMs: number
  releasedBy: ReleaseReason
  /**
   * Newer messages may supersede it until it is committed, by a rule of its conversation (docs/rules.md). Absent if that
   * is the rule of the processors.
   */
  answering?: 'supersede'
  /** Handed over before its due time (`earlyStartMs`): newer messages may supersede it until it is committed. */
  provisional?: true
  /** The batches whose messages this one took over, the first first: the last 100 of them. */
  supersedes?: string[]
}

/** A message before it is stored: the store adds `receivedAtMs`. */
export type NewMessage = Omit<Message, 'receivedAtMs' | 'type'> & { type?: MessageType }

/** A message as the store keeps it, with what its batch will say about the conversation. */
export interface StoredMessage extends Omit<Message, 'receivedAtMs'> {
  provider?: string
  isGroup?: true
}

/** The contiguous messages of one claimed batch, as a store returns them. */
export interface MessageRun {
  batchId: string
  conversationId: string
  entries: { receivedAtMs: number; message: StoredMessage }[]
  firstAtMs: number
  lastAtMs: number
  dueAtMs: number
  releasedAtMs: number
  /** The claim that returns it. Later than its release if it is claimed again. */
  claimedAtMs: number
  releasedBy: ReleaseReason
  supersedes?: string[]
  /** Its conversation's own rule. */
  answering?: 'queue' | 'supersede' | undefined
}

/** Turns a claimed run of messages into the batch that is handed over. */
export function composeBatch(run: MessageRun): Batch {
  const { chatId, account } = parseConversationId(run.conversationId)
  const messages = inOrder(
    run.entries.map(({ receivedAtMs, message: { provider: _provider, isGroup: _isGroup, ...message } }) => ({
      ...message,
      receivedAtMs,
    })),
  )
  const origin = run.entries[0]?.message
  return {
    version: 1,
    batchId: run.batchId,
    conversationId: run.conversationId,
    chatId,
    ...(account === undefined ? {} : { account }),
    isGroup: origin?.isGroup ?? false,
    provider: origin?.provider ?? 'generic',
    messages,
    text: messages.flatMap(message => (message.text ? [message.text] : [])).join('\n'),
    firstAtMs: run.firstAtMs,
    lastAtMs: run.lastAtMs,
    dueAtMs: run.dueAtMs,
    releasedAtMs: run.releasedAtMs,
    releasedBy: run.releasedBy,
    ...(run.answering === 'supersede' ? { answering: run.answering } : {}),
    ...(run.releasedBy === 'early' && run.claimedAtMs < run.dueAtMs ? { provisional: true } : {}),
    ...(run.supersedes ? { supersedes: run.supersedes } : {}),
  }
}

/** By send time, ties by arrival (the sort is stable); by arrival alone if any send time is missing. */
function inOrder(messages: Message[]): Message[] {
  if (messages.some(message => message.sentAtMs === undefined)) return messages
  return messages.toSorted((a, b) => (a.sentAtMs ?? 0) - (b.sentAtMs ?? 0))
}
