/**
 * The generic shape, for programs without a provider of their own: one message, an array, or `{ "messages": [...] }`.
 *
 *   { "messageId": "g-1", "chatId": "79000000011@c.us", "text": "hi" }
 *
 * is all that is needed. The chat may be a phone number, the time may be seconds, milliseconds or ISO 8601, and
 * `id`, `from`, `name`, `body` are taken for `messageId`, `chatId`, `senderName`, `text`.
 */
import { z } from 'zod'
import { MESSAGE_TYPES, type NewMessage } from '../batch.js'
import { chatIdFrom, isGroupId } from './chat-id.js'
import { MOST_CONTACTS } from './contacts.js'
import { degrees, filledText, flag, id, isRecord, known, LONGEST_ID, lenient, time } from './fields.js'
import { messageItem } from './message-item.js'
import { type Item, type Provider, UnreadableBody } from './provider.js'
import { reader } from './reader.js'

const said = lenient(z.union([z.string(), z.number().transform(String)]))

const texts = lenient(z.array(z.string()))
const coordinate = z
  .union([z.number(), z.string()])
  .transform(given => degrees.parse(given))
  .pipe(z.number())

export const genericMessage = z.object({
  messageId: id,
  id,
  type: lenient(z.string()),
  text: said,
  body: said,
  senderId: id,
  senderName: filledText,
  name: filledText,
  timestamp: time,
  sentAtMs: time,
  replyTo: id,
  payloadId: id,
  media: lenient(z.object({ id, url: filledText, mimeType: filledText, fileName: filledText })),
  location: lenient(z.object({ latitude: coordinate, longitude: coordinate, name: filledText, address: filledText })),
  contacts: lenient(z.array(z.object({ name: filledText, phones: texts, emails: texts }))),
})

const NO_CHAT = 'invalid:no_chat'

export const genericItem = genericMessage.extend({
  chatId: id,
  from: id,
  account: id,
  isGroup: flag,
  fromMe: flag,
  by: lenient(z.enum(['human', 'bot'])),
})

const toldFrom = reader(genericItem)

const TYPES = z.enum(MESSAGE_TYPES).catch('unknown')

/** Beside the generic shape, from programs that hold the API's token. Webhooks may come from anybody. */
export const sentMessage = genericMessage.extend({ meta: z.unknown().optional() })

/** `undefined` if it is no object. */
export const sentFrom = reader(sentMessage)

/** A message of the generic shape, without its chat and perhaps with `meta`; `undefined` if it has no id. */
export function messageFrom(value: unknown): NewMessage | undefined {
  const sent = sentFrom(value)
  return sent && newMessage(sent)
}

/** The messages of a body: the body itself, its elements if it is an array, or its `messages`. */
export function messagesIn(body: unknown): unknown[] {
  if (Array.isArray(body)) return body
  return isRecord(body) && Array.isArray(body['messages']) ? body['messages'] : [body]
}

export const generic = {
  name: 'generic',
  title: 'anything else',
  recognises: (body: unknown) =>
    Array.isArray(body) ||
    (isRecord(body) && (Array.isArray(body['messages']) || 'chatId' in body || typeof body['from'] === 'string')),
  parse: (body: unknown): Item[] => [...itemsIn(body)],
  items: itemsIn,
} as const satisfies Provider

function* itemsIn(body: unknown): Generator<Item> {
  if (!isRecord(body) && !Array.isArray(body))
    throw new UnreadableBody(
      'malformed',
      'the body is neither an object nor an array: send {"messageId","chatId","text"}',
    )
  const messages = messagesIn(body)
  for (const each of messages) {
    const item = itemFrom(each)
    // A single message that names no chat does not have this shape; among others it is one bad item.
    if (messages.length === 1 && isRecord(body) && item.kind === 'ignored' && item.reason === NO_CHAT)
      throw new UnreadableBody(
        'invalid:no_chat',
        `chatId is missing, or longer than ${LONGEST_ID} characters: send {"messageId","chatId","text"}`,
      )
    yield item
  }
}

function itemFrom(value: unknown): Item {
  const told = toldFrom(value)
  if (told === undefined) return { kind: 'ignored', reason: 'invalid:not_an_object' }
  const { account, from, fromMe, by, ...fields } = told
  const messageId = fields.messageId ?? fields.id
  const chatId = chatIdFrom(fields.chatId ?? from ?? '')
  if (chatId === undefined) return known({ kind: 'ignored' as const, reason: NO_CHAT, messageId })
  const isGroup = fields.isGroup ?? isGroupId(chatId)
  const place = known({ account, chatId, isGroup })
  if (fromMe) return known({ kind: 'own' as const, ...place, messageId, by })
  const sender = fields.senderId ?? (fields.chatId === undefined && isGroup ? undefined : from)
  const senderId = sender === undefined ? (isGroup ? undefined : chatId) : chatIdFrom(sender)
  const message = newMessage({ ...fields, senderId })
  if (message === undefined) return { kind: 'ignored', reason: 'invalid:no_id', chatId }
  return messageItem(place, message, value, fields.type)
}

function newMessage(fields: z.infer<typeof genericMessage> & { meta?: unknown }): NewMessage | undefined {
  const messageId = fields.messageId ?? fields.id
  if (messageId === undefined) return undefined
  const { replyTo, payloadId, senderId, media, location, contacts } = fields
  return known({
    messageId,
    type: fields.type === undefined ? ('text' as const) : TYPES.parse(fields.type),
    text: fields.text ?? fields.body,
    senderId,
    senderName: fields.senderName ?? fields.name,
    sentAtMs: fields.sentAtMs ?? fields.timestamp,
    replyTo,
    payloadId,
    media: media && known(media),
    location: location && known(location),
    contacts: contacts?.slice(0, MOST_CONTACTS).map(known),
    meta: fields.meta,
  })
}
