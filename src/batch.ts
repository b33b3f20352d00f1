/**
 * A batch: the messages one person sent in one go, and what is known of how it came about.
 *
 * What the store keeps of a message is a `StoredMessage`: the message as its provider's file made it, and with it what
 * the batch has to say of its conversation (provider, group or not). When a batch is claimed its stored messages become
 * a `Batch`: order within it is by the provider's send time, or by arrival if any send time is missing, since a mix of
 * two clocks orders nothing.
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

/** Why a batch was released. `recovery`: its header had been lost, to its TTL or to a foreign hand. */
export const RELEASE_REASONS = ['gap', 'maxWait', 'maxMessages', 'maxBytes', 'flush', 'recovery', 'direct'] as const

export type ReleaseReason = (typeof RELEASE_REASONS)[number]

/** One message of a batch. Times are milliseconds since the epoch. */
export interface Message {
  /** The provider's id: what a repeated delivery is recognised by. */
  messageId: string
  type: MessageType
  /** The text, or a medium's caption. */
  text?: string
  senderId?: string
  senderName?: string
  /** By the provider's clock; absent where the provider names none. */
  sentAtMs?: number
  /** By Redis's clock. */
  receivedAtMs: number
  /** The id of the message this one answers. */
  replyTo?: string
  /** The id behind a pressed button or a chosen list row. */
  payloadId?: string
  media?: { id?: string; url?: string; mimeType?: string; fileName?: string }
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
}

/** A message before it has arrived: `receivedAtMs` is the store's to say. */
export type NewMessage = Omit<Message, 'receivedAtMs' | 'type'> & { type?: MessageType }

/** What the store keeps of a message: itself, and what the batch says of its conversation. */
export interface StoredMessage extends Omit<Message, 'receivedAtMs'> {
  provider?: string
  isGroup?: true
}

/** A claimed run of messages, as a store returns it. */
export interface Run {
  batchId: string
  conversationId: string
  entries: { receivedAtMs: number; message: StoredMessage }[]
  firstAtMs: number
  lastAtMs: number
  dueAtMs: number
  releasedAtMs: number
  releasedBy: ReleaseReason
}

/** The batch that a claimed run of messages is handed over as. */
export function composeBatch(run: Run): Batch {
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
  }
}

/** By send time, ties by arrival (the sort is stable); by arrival alone if any send time is missing. */
function inOrder(messages: Message[]): Message[] {
  if (messages.some(message => message.sentAtMs === undefined)) return messages
  return messages.toSorted((a, b) => (a.sentAtMs ?? 0) - (b.sentAtMs ?? 0))
}
