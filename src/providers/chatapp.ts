/**
 * ChatApp: an array of `{ data: [messages], meta }`, of one licence and messenger (the account).
 *
 * There is no documentation of its fields: this file reads what handlers of third parties read. An own message does not
 * show whether a bot or a person wrote it.
 */
import { z } from 'zod'
import type { MessageType } from '../batch.js'
import { chatIdFrom, foreignIdFrom, isForeignGroup, isGroupId } from './chat-id.js'
import { filledText, id, isRecord, known, lenient, list, lookUp, text, time } from './fields.js'
import { messageItem } from './message-item.js'
import { type Item, type Provider, UnreadableBody } from './provider.js'
import { reader } from './reader.js'

const part = z.object({
  data: list,
  meta: lenient(z.object({ type: lenient(z.string()), licenseId: id, messengerType: id })),
})

const messageShape = z.object({
  id,
  side: lenient(z.string()),
  type: lenient(z.string()),
  time,
  chat: lenient(z.object({ id, phone: id, name: filledText })),
  fromUser: lenient(z.object({ id, name: filledText })),
  message: lenient(
    z.object({
      text,
      caption: text,
      file: lenient(z.object({ link: filledText, name: filledText, contentType: filledText })),
    }),
  ),
})

const partFrom = reader(part)
const messageFrom = reader(messageShape)

const TYPES: Record<string, MessageType> = {
  text: 'text',
  image: 'image',
  video: 'video',
  audio: 'audio',
  voice: 'voice',
  document: 'document',
  sticker: 'sticker',
  location: 'location',
  contact: 'contacts',
}

const isPart = (value: unknown) => isRecord(value) && Array.isArray(value['data']) && isRecord(value['meta'])

export const chatapp = {
  name: 'chatapp',
  title: 'ChatApp',
  recognises: (body: unknown) => Array.isArray(body) && body.length > 0 && body.every(isPart),
  parse: (body: unknown): Item[] => [...itemsIn(body)],
  items: itemsIn,
} as const satisfies Provider

function* itemsIn(body: unknown): Generator<Item> {
  const parts = Array.isArray(body) ? body : [body]
  if (!parts.some(isPart))
    throw new UnreadableBody('malformed', 'the body is no webhook of ChatApp: it is [{"data":[],"meta":{}}]')
  for (const each of parts) yield* partItems(each)
}

function* partItems(value: unknown): Generator<Item> {
  const told = partFrom(value)
  if (told === undefined) {
    yield { kind: 'ignored', reason: 'invalid:not_an_object' }
    return
  }
  const { data, meta } = told
  if (meta?.type !== 'message') {
    for (const _ of data) yield { kind: 'ignored', reason: `event:${(meta?.type ?? 'none').slice(0, 80)}` }
    return
  }
  const names = [meta.licenseId, meta.messengerType].filter(name => name !== undefined)
  const idOf = isWhatsApp(meta.messengerType) ? chatIdFrom : foreignIdFrom
  for (const each of data) yield itemFrom(each, names.length > 0 ? names.join(':') : undefined, idOf)
}

/** Other messengers' ids are numbers too, but not phone numbers. That their names lack `whatsapp` is inferred. */
const isWhatsApp = (messenger: string | undefined) => messenger === undefined || /whats/i.test(messenger)

function itemFrom(value: unknown, account: string | undefined, idOf: typeof chatIdFrom): Item {
  const read = messageFrom(value)
  if (read === undefined) return { kind: 'ignored', reason: 'invalid:not_an_object' }
  const { id: messageId, side, chat, fromUser, message: body, ...told } = read
  const ignored = (reason: string): Item => known({ kind: 'ignored' as const, reason, messageId })
  if (side !== 'in' && side !== 'out') return ignored('system')
  if (messageId === undefined) return ignored('invalid:no_id')
  const chatId = idOf(chat?.id ?? chat?.phone ?? '')
  if (chatId === undefined) return ignored('invalid:no_chat')
  const isGroup = isGroupId(chatId) || isForeignGroup(chatId)
  if (side === 'out')
    return known({ kind: 'own' as const, account, chatId, isGroup, messageId, mayBeEcho: true as const })
  const { file, text: words, caption } = body ?? {}
  const media = file && known({ url: file.link, mimeType: file.contentType, fileName: file.name })
  const message = known({
    messageId,
    type: lookUp(TYPES, told.type) ?? ('unknown' as const),
    text: words ?? caption,
    senderId: fromUser?.id === undefined ? (isGroup ? undefined : chatId) : idOf(fromUser.id),
    senderName: fromUser?.name ?? chat?.name,
    sentAtMs: told.time,
    media,
  })
  return messageItem(known({ account, chatId, isGroup }), message, value, told.type)
}
