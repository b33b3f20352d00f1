/**
 * WAHA: one event a POST, of one session (the account). https://waha.devlike.pro/docs/how-to/events
 *
 * Its ids, `false_79000000011@c.us_3ACA576E679D5E846FA7`, hold WhatsApp's own id as their third part. One message may be
 * delivered under two of them (`@c.us` and `@lid`), so that third part is what a message is known by. Names are found
 * only in the engine's own data, `_data`.
 */
import { z } from 'zod'
import type { MessageType, NewMessage } from '../batch.js'
import { secret, setting } from '../config/setting.js'
import { chatIdFrom, isGroupId, noConversation, personIdFrom } from './chat-id.js'
import { filledText, flag, id, isRecord, known, lenient, list, text, time } from './fields.js'
import { type Item, type Place, UnreadableBody } from './provider.js'
import { hmacFault } from './signature.js'
import { signedProvider } from './signed-provider.js'
import { chatOfStanza, stanzaOf } from './stanza.js'

const event = z.object({ event: z.string(), session: id, payload: z.record(z.string(), z.unknown()).catch({}) })

/** What the engine underneath says: whatsapp-web.js, Baileys (NOWEB) or whatsmeow (GOWS). */
const engineData = z.object({
  notifyName: filledText,
  pushName: filledText,
  type: text,
  key: lenient(z.object({ remoteJidAlt: id, senderPn: id, participantAlt: id, participantPn: id })),
  Info: lenient(z.object({ PushName: filledText, SenderAlt: id, MediaType: text })),
})

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
  _data: lenient(engineData),
  // Of an edit and of a revocation: what they are about.
  editedMessageId: id,
  revokedMessageId: id,
})

const revocation = z.object({ revokedMessageId: id, before: z.unknown().optional(), after: z.unknown().optional() })

const NOBODY = { participant: undefined, lastKnownPresence: undefined }

const presence = z.object({
  id,
  presences: z.array(z.object({ participant: id, lastKnownPresence: lenient(z.string()) }).catch(NOBODY)).catch([]),
})

type Payload = z.infer<typeof payloadShape>

const TYPING = ['typing', 'recording']

export const waha = signedProvider({
  name: 'waha',
  title: 'WAHA',
  option: 'waha',
  settings: z.object({
    hmacKey: setting(
      'WAHA_HMAC_KEY',
      'The key of the session’s webhook (`hmac.key`), with which WAHA signs the body.',
      secret(),
    ),
  }),
  recognises: body =>
    isRecord(body) && typeof body['event'] === 'string' && typeof body['session'] === 'string' && 'payload' in body,
  parse(body) {
    const parsed = event.safeParse(body)
    if (!parsed.success) throw new UnreadableBody('malformed', 'the body is no event of WAHA: event is missing')
    const { event: name, session, payload } = parsed.data
    // `message.any` tells of incoming messages too: subscribed to both, the second one is a duplicate.
    if (name === 'message' || name === 'message.any') return [messageItem(payload, session, body)]
    if (name === 'message.edited') return [edited(payload, session)]
    if (name === 'message.revoked') return [revoked(payload, session)]
    if (name === 'presence.update') return presenceItems(payload, session)
    return [known({ kind: 'ignored' as const, reason: reasonOf(name), messageId: stanzaOf(id.parse(payload['id'])) })]
  },
  // https://waha.devlike.pro/docs/how-to/webhooks/#hmac-authentication
  signature: {
    secret: 'hmacKey',
    fault: hmacFault('X-Webhook-Hmac', 'sha512'),
  },
})

function reasonOf(name: string): string {
  if (name === 'message.ack' || name === 'message.ack.group') return 'status'
  return name === 'message.reaction' ? 'reaction' : `event:${name.slice(0, 80)}`
}

function presenceItems(payload: unknown, account: string | undefined): Item[] {
  const { id: chat, presences } = presence.parse(payload)
  const chatId = chatIdFrom(chat ?? '')
  return presences.map(({ participant, lastKnownPresence }) => {
    const sign = (lastKnownPresence ?? 'unknown').slice(0, 80)
    if (chatId === undefined || !TYPING.includes(sign))
      return known({ kind: 'ignored' as const, reason: `presence:${sign}`, chatId })
    const senderId = personIdFrom(participant)
    return known({ kind: 'typing' as const, account, chatId, isGroup: isGroupId(chatId), senderId, sign })
  })
}

function messageItem(value: unknown, account: string | undefined, raw: unknown): Item {
  const payload = payloadShape.parse(value)
  const messageId = stanzaOf(payload.id)
  const ignored = (reason: string): Item => known({ kind: 'ignored' as const, reason, messageId })
  const where = placeOf(payload, account)
  if (typeof where === 'string') return ignored(where)
  const { senderId, ...place } = where
  if (payload.fromMe && payload.source === 'api') return ignored('from_me')
  if (payload.fromMe) return known({ kind: 'own' as const, ...place, messageId })
  if (messageId === undefined) return { kind: 'ignored', reason: 'invalid:no_id' }
  const message = known({
    messageId,
    ...contentOf(payload),
    senderId,
    senderName: payload._data?.notifyName ?? payload._data?.pushName ?? payload._data?.Info?.PushName,
    sentAtMs: payload.timestamp,
    replyTo: stanzaOf(payload.replyTo?.id),
  })
  return { kind: 'message', ...place, message, raw }
}

type Where = Place & { senderId?: string }

/** Or why it is nobody's conversation. */
function placeOf({ id: long, from, fromMe, participant, _data }: Payload, account: string | undefined): Where | string {
  const { key, Info } = _data ?? {}
  // Engines disagree on what `from` is in an own message, but not on the id.
  const chat = (fromMe ? chatOfStanza(long) : undefined) ?? from
  const chatId = isGroupId(chat ?? '')
    ? chat
    : personIdFrom(chat, ...(fromMe ? [] : [key?.remoteJidAlt, key?.senderPn, Info?.SenderAlt]))
  if (chatId === undefined) return 'invalid:no_chat'
  const nobody = noConversation(chatId)
  if (nobody !== undefined) return nobody
  const isGroup = isGroupId(chatId)
  const senderId = isGroup
    ? personIdFrom(participant, key?.participantAlt, key?.participantPn, Info?.SenderAlt)
    : (personIdFrom(participant, chatId) ?? chatId)
  return known({ account, chatId, isGroup, senderId })
}

function edited(value: unknown, account: string | undefined): Item {
  const payload = payloadShape.parse(value)
  const messageId = stanzaOf(payload.editedMessageId)
  const where = placeOf(payload, account)
  if (payload.fromMe || typeof where === 'string' || messageId === undefined || payload.body === undefined) {
    const reason = payload.fromMe ? 'from_me' : typeof where === 'string' ? where : 'invalid:edit'
    return known({ kind: 'ignored' as const, reason, messageId })
  }
  return { kind: 'edit', ...where, messageId, text: payload.body }
}

/** `before` is there only where the engine still had the message; `after` is what stands in its place. */
function revoked(value: unknown, account: string | undefined): Item {
  const { revokedMessageId, before, after } = revocation.parse(value)
  const one = payloadShape.safeParse(before ?? after).data
  const messageId = stanzaOf(revokedMessageId ?? payloadShape.safeParse(before).data?.id)
  const where = one === undefined ? 'invalid:no_chat' : placeOf(one, account)
  if (one?.fromMe || typeof where === 'string' || messageId === undefined) {
    const reason = one?.fromMe ? 'from_me' : typeof where === 'string' ? where : 'invalid:revoke'
    return known({ kind: 'ignored' as const, reason, messageId })
  }
  return { kind: 'revoke', ...where, messageId }
}

/** No field names the kind of a message: what it carries tells. */
function contentOf({ id: long, body, hasMedia, media, location, vCards, _data }: Payload): Partial<NewMessage> {
  const caption = body === '' ? undefined : body
  if (hasMedia) {
    const { url, mimetype: mimeType, filename: fileName } = media ?? {}
    // By the long id the worker can have WAHA fetch what it has not.
    const type = toldType(_data?.type ?? _data?.Info?.MediaType) ?? mediaType(mimeType)
    return { type, text: caption, media: known({ id: long, url, mimeType, fileName }) }
  }
  if (location !== undefined) {
    const { title: name, ...rest } = location
    return { type: 'location', location: known({ ...rest, name }) }
  }
  return vCards.length > 0 ? { type: 'contacts' } : { type: 'text', text: body }
}

/** Engines know voice messages and stickers from audio and pictures. */
const toldType = (word: string | undefined): MessageType | undefined =>
  word === 'ptt' ? 'voice' : word === 'sticker' ? 'sticker' : undefined

/** Media that WAHA did not download have no type at all. */
function mediaType(mimeType: string | undefined): MessageType {
  if (mimeType === undefined) return 'unknown'
  const [family] = mimeType.split('/')
  return family === 'image' || family === 'video' || family === 'audio' ? family : 'document'
}
