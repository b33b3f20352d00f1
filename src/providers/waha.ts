/**
 * WAHA: one event a POST, of one session (the account). https://waha.devlike.pro/docs/how-to/events
 *
 * Its ids, `false_79000000011@c.us_3ACA576E679D5E846FA7`, hold WhatsApp's own id as their third part. One message may be
 * delivered under two of them (`@c.us` and `@lid`), so that third part is what a message is known by. Names are found
 * only in the engine's own data, `_data`.
 */
import { z } from 'zod'
import type { MessageType, NewMessage } from '../batch.js'
import { chatIdFrom, isGroupId } from './chat-id.js'
import { filledText, flag, id, isRecord, known, lenient, list, text, time } from './fields.js'
import { type Item, type Provider, UnreadableBody } from './provider.js'

const event = z.object({ event: z.string(), session: id, payload: z.record(z.string(), z.unknown()).catch({}) })

const payloadShape = z.object({
  id,
  timestamp: time,
  from: id,
  fromMe: flag,
  source: lenient(z.string()),
  participant: id,
  body: text,
  hasMedia: flag,
  media: lenient(z.object({ url: filledText, mimetype: filledText, filename: filledText })),
  vCards: list,
  location: lenient(z.object({ latitude: z.number(), longitude: z.number(), title: filledText, address: filledText })),
  replyTo: lenient(z.object({ id })),
  _data: lenient(
    z.object({ notifyName: filledText, pushName: filledText, Info: lenient(z.object({ PushName: filledText })) }),
  ),
})

const presence = z.object({
  id,
  presences: z.array(z.object({ lastKnownPresence: z.string() }).catch({ lastKnownPresence: 'unknown' })).catch([]),
})

type Payload = z.infer<typeof payloadShape>

/** `<fromMe>_<chat>_<id>`, and in a group `_<participant>`. */
const MESSAGE_ID = /^(?:true|false)_([^_]+)_([^_]+)(?:_.*)?$/

const STATUS_CHAT = 'status@broadcast'

export const waha: Provider = {
  name: 'waha',
  recognises: body =>
    isRecord(body) && typeof body['event'] === 'string' && typeof body['session'] === 'string' && 'payload' in body,
  parse(body) {
    const parsed = event.safeParse(body)
    if (!parsed.success) throw new UnreadableBody('malformed', 'the body is no event of WAHA: event is missing')
    const { event: name, session, payload } = parsed.data
    // `message.any` tells of incoming messages too: subscribed to both, the second one is a duplicate.
    if (name === 'message' || name === 'message.any') return [messageItem(payload, session, body)]
    if (name === 'presence.update') return presenceItems(payload)
    return [known({ kind: 'ignored' as const, reason: reasonOf(name), messageId: stanzaOf(id.parse(payload['id'])) })]
  },
}

function reasonOf(name: string): string {
  if (name === 'message.ack' || name === 'message.ack.group') return 'status'
  return name === 'message.reaction' ? 'reaction' : `event:${name.slice(0, 80)}`
}

function presenceItems(payload: unknown): Item[] {
  const { id: chat, presences } = presence.parse(payload)
  const chatId = chatIdFrom(chat ?? '')
  return presences.map(({ lastKnownPresence }) =>
    known({ kind: 'ignored' as const, reason: `presence:${lastKnownPresence.slice(0, 80)}`, chatId }),
  )
}

function messageItem(value: unknown, account: string | undefined, raw: unknown): Item {
  const payload = payloadShape.parse(value)
  const messageId = stanzaOf(payload.id)
  if (payload.from === STATUS_CHAT) return known({ kind: 'ignored' as const, reason: 'status_broadcast', messageId })
  // Engines disagree on what `from` is in an own message, but not on the id.
  const chatId = chatIdFrom((payload.fromMe ? chatOf(payload.id) : undefined) ?? payload.from ?? '')
  if (chatId === undefined) return known({ kind: 'ignored' as const, reason: 'invalid:no_chat', messageId })
  const place = known({ account, chatId, isGroup: isGroupId(chatId) })
  if (payload.fromMe && payload.source === 'api')
    return known({ kind: 'ignored' as const, reason: 'from_me', messageId })
  if (payload.fromMe) return known({ kind: 'own' as const, ...place, messageId })
  if (messageId === undefined) return { kind: 'ignored', reason: 'invalid:no_id' }
  const message = known({
    messageId,
    ...contentOf(payload),
    senderId: chatIdFrom(payload.participant ?? (place.isGroup ? '' : chatId)),
    senderName: payload._data?.notifyName ?? payload._data?.pushName ?? payload._data?.Info?.PushName,
    sentAtMs: payload.timestamp,
    replyTo: stanzaOf(payload.replyTo?.id),
  })
  return { kind: 'message', ...place, message, raw }
}

const stanzaOf = (messageId: string | undefined) => messageId && (MESSAGE_ID.exec(messageId)?.[2] ?? messageId)
const chatOf = (messageId: string | undefined) => messageId && MESSAGE_ID.exec(messageId)?.[1]

/** No field names the kind of a message: what it carries tells. */
function contentOf({ body, hasMedia, media, location, vCards }: Payload): Partial<NewMessage> {
  const caption = body === '' ? undefined : body
  if (hasMedia) {
    const { url, mimetype: mimeType, filename: fileName } = media ?? {}
    return { type: mediaType(mimeType), text: caption, media: known({ url, mimeType, fileName }) }
  }
  if (location !== undefined) {
    const { title: name, ...rest } = location
    return { type: 'location', location: known({ ...rest, name }) }
  }
  return vCards.length > 0 ? { type: 'contacts' } : { type: 'text', text: body }
}

/** Media that WAHA did not download have no type at all. */
function mediaType(mimeType: string | undefined): MessageType {
  if (mimeType === undefined) return 'unknown'
  const [family] = mimeType.split('/')
  return family === 'image' || family === 'video' || family === 'audio' ? family : 'document'
}
