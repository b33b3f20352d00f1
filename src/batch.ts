/**
 * A batch: the messages that one person sent in one go, with the times and the reason of its release.
 *
 * The store keeps each message as a `StoredMessage`: the message itself and two facts about its conversation, the
 * provider and whether it is a group. A claim turns a batch's stored messages (a `MessageRun`) into a `Batch`. Within a
 * batch messages are ordered by the provider's send time. If any send time is missing they keep the order of arrival:
 * times of two clocks cannot be compared.
 */
import { parseConversationId } from './conversation.js'
import type { ProviderName } from './providers/provider-types.js'

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

/** What a message is. `unsupported`: the provider could not read it. `unknown`: Lull does not know the provider's word. */
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

/**
 * Why a batch was released: its quiet gap or the max wait had ended (`gap`, `maxWait`), it was full (`maxMessages`,
 * `maxBytes`), it was flushed, started `early`, or came by the `direct` path. `recovery`: Redis lost the key of the open
 * batch, so that it went early; its messages are complete.
 */
export type ReleaseReason = keyof typeof RELEASE_REASONS

export const isReleaseReason = (word: string): word is ReleaseReason => Object.hasOwn(RELEASE_REASONS, word)

/** A contact that somebody shares: what is on its card. */
export interface SharedContact {
  /** The contact's name. */
  name?: string
  /** As the card writes them: `+7 900 000-00-99`. */
  phones?: string[]
  /** E-mail addresses. */
  emails?: string[]
}

/**
 * One message of a batch. Times are milliseconds since the epoch.
 * @typeParam Meta of `meta`
 */
export interface Message<Meta = unknown> {
  /** The provider's id. A repeated delivery carries the same one, and is dropped. */
  messageId: string
  /** `text`, `image`, `voice`, … */
  type: MessageType
  /** The text, or a medium's caption. */
  text?: string
  /** Who wrote it, as the provider names people. */
  senderId?: string
  /** The name that the sender shows. */
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
  /** An image, a recording, a document or another file. */
  media?: {
    /** The provider's id of the file. */
    id?: string
    /** Where the file is. */
    url?: string
    /** `image/jpeg`, `audio/ogg`, … */
    mimeType?: string
    /** The name that the sender's file has. */
    fileName?: string
    /** The webhook held the file itself, which is too large for a batch: fetch it by `id` or `url`. */
    omitted?: 'too large'
  }
  /** A place that the sender has shown. */
  location?: {
    /** In degrees. */
    latitude: number
    /** In degrees. */
    longitude: number
    /** Of the place. */
    name?: string
    /** Of the place. */
    address?: string
  }
  /** Contacts that the sender shares. */
  contacts?: SharedContact[]
  /**
   * What the program that appended the message stored with it: any JSON, handed over as it was given. Messages of
   * webhooks have none.
   */
  meta?: Meta
  /** The provider's own body, with `LULL_RAW=on`. */
  raw?: unknown
}

/**
 * What is handed over: BullMQ job `batch`, the body of an HTTP handover, the argument of a handler.
 * @typeParam Meta of each message's `meta`
 */
export interface Batch<Meta = unknown> {
  /** Of this format. Later versions of Lull may add fields to it: ignore unknown ones. */
  version: 1
  /** The same at every attempt to hand the batch over: store it with what must be done once. */
  batchId: string
  /** `<chatId>`, or `<account>/<chatId>`. */
  conversationId: string
  /** Who writes. */
  chatId: string
  /** Which of your numbers or bots received the messages. Absent if the provider names none. */
  account?: string
  /** Whether it is a group chat. */
  isGroup: boolean
  /** Whose webhook, or which program, brought the messages. */
  provider: ProviderName
  /** By the provider's send time, ties by arrival; by arrival alone if a send time is missing. */
  messages: Message<Meta>[]
  /** The texts and captions, joined by a line feed. */
  text: string
  /** Arrival of the first message: milliseconds since 1970 by Redis's clock, as the times below. */
  firstAtMs: number
  /** Arrival of the last message. */
  lastAtMs: number
  /** The due time. */
  dueAtMs: number
  /** The release: when a processor first claimed it. */
  releasedAtMs: number
  /** Why it was released. */
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

/**
 * A message before it is stored: the store adds `receivedAtMs`.
 * @typeParam Meta of `meta`
 */
export type NewMessage<Meta = unknown> = Omit<Message<Meta>, 'receivedAtMs' | 'type'> & {
  /**
   * What it is.
   * @defaultValue 'text'
   */
  type?: MessageType
}

/** A message as the store keeps it, with what its batch will say about the conversation. */
export interface StoredMessage extends Omit<Message, 'receivedAtMs'> {
  /** Of its batch. Absent: `generic`. */
  provider?: ProviderName
  /** Of its batch. */
  isGroup?: true
  /** With telemetry: the span of its append, as the W3C writes it. It is not handed over. */
  traceparent?: string
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
  const messages = inOrder(run.entries.map(handedOver))
  const origin = run.entries[0]?.message
  return {
    version: 1,
    batchId: run.batchId,
    conversationId: run.conversationId,
    chatId,
    isGroup: origin?.isGroup ?? false,
    provider: origin?.provider ?? 'generic',
    messages,
    text: messages.flatMap(message => (message.text ? [message.text] : [])).join('\n'),
    firstAtMs: run.firstAtMs,
    lastAtMs: run.lastAtMs,
    dueAtMs: run.dueAtMs,
    releasedAtMs: run.releasedAtMs,
    releasedBy: run.releasedBy,
    // Last: each field behind a spread costs Node 20 half a microsecond.
    ...(account === undefined ? {} : { account }),
    ...(run.answering === 'supersede' ? { answering: run.answering } : {}),
    ...(run.releasedBy === 'early' && run.claimedAtMs < run.dueAtMs ? { provisional: true } : {}),
    ...(run.supersedes ? { supersedes: run.supersedes } : {}),
  }
}

/** Without what its batch says once, or says to nobody. */
function handedOver({ receivedAtMs, message }: MessageRun['entries'][number]): Message {
  const { provider: _provider, isGroup: _isGroup, traceparent: _traceparent, ...handed } = message
  return Object.assign(handed, { receivedAtMs })
}

/** The spans that appended its messages, each once; `undefined` if none was traced. */
export function traceparentsOf({ entries }: Pick<MessageRun, 'entries'>): string[] | undefined {
  let found: Set<string> | undefined
  for (const { message } of entries)
    if (message.traceparent !== undefined) {
      found ??= new Set()
      found.add(message.traceparent)
    }
  return found && [...found]
}

/** By send time, ties by arrival (the sort is stable); by arrival alone if any send time is missing. */
function inOrder(messages: Message[]): Message[] {
  if (messages.some(message => message.sentAtMs === undefined)) return messages
  return messages.toSorted((a, b) => (a.sentAtMs ?? 0) - (b.sentAtMs ?? 0))
}
