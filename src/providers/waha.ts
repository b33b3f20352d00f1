/**
 * WAHA: one event a POST, of one session (the account). https://waha.devlike.pro/docs/how-to/events
 *
 * The envelope has ids, times and media; what a message is stands in the engine's own data, `_data`: whatsapp-web.js has a
 * `type` (WEBJS), Baileys a `message` (NOWEB), whatsmeow a `Message` (GOWS). An envelope without a body is no text: it may be
 * a call, a notice, a pin. Documented are the envelope and the events; what `_data` holds is read in the engines' sources.
 *
 * Its ids, `false_79000000011@c.us_3ACA576E679D5E846FA7`, hold WhatsApp's own id as their third part. One message may be
 * delivered under two of them (`@c.us` and `@lid`), so that third part is what a message is known by.
 */
import { z } from 'zod'
import type { NewMessage } from '../batch.js'
import { secret, setting } from '../config/setting.js'
import { contentOf, correctionItem, type Holding, holdingOf } from './baileys-content.js'
import { chatIdFrom, isGroupId, noConversation, personIdFrom, samePersonIn } from './chat-id.js'
import { degrees, filledText, flag, id, isRecord, known, lenient, list, text, time } from './fields.js'
import { messageItem } from './message-item.js'
import { type Item, type Place, UnreadableBody } from './provider.js'
import { formFault, hmacFault } from './signature.js'
import { signedProvider } from './signed-provider.js'
import { chatOfStanza, stanzaOf, stubReason } from './stanza.js'
import { isFile, webIgnored, webType } from './web-kinds.js'

const event = z.object({ event: z.string(), session: id, payload: z.record(z.string(), z.unknown()).catch({}) })

const webKey = lenient(z.object({ id, _serialized: id, fromMe: flag }))
const anything = z.unknown().optional()

/** What the engine underneath says: whatsapp-web.js, Baileys (NOWEB) or whatsmeow (GOWS). */
const engineData = z.object({
  notifyName: filledText,
  pushName: filledText,
  // WEBJS
  type: text,
  protocolMessageKey: webKey,
  selectedButtonId: id,
  selectedRowId: id,
  listResponse: lenient(z.object({ title: text, singleSelectReply: lenient(z.object({ selectedRowId: id })) })),
  isViewOnce: flag,
  // NOWEB
  key: lenient(z.object({ remoteJidAlt: id, senderPn: id, participantAlt: id, participantPn: id, isViewOnce: flag })),
  message: anything,
  messageStubType: lenient(z.union([z.number(), z.string()])),
  // GOWS
  Message: anything,
  IsViewOnce: flag,
  Info: lenient(
    z.object({
      PushName: filledText,
      Sender: id,
      SenderAlt: id,
      RecipientAlt: id,
      MediaType: text,
      Type: text,
    }),
  ),
})

const payloadShape = z.object({
  id,
  timestamp: time,
  from: id,
  to: id,
  fromMe: flag,
  source: lenient(z.string()),
  participant: id,
  body: text,
  hasMedia: flag,
  media: lenient(z.object({ url: filledText, mimetype: filledText, filename: filledText })),
  vCards: list,
  location: lenient(
    z.object({ latitude: degrees, longitude: degrees, title: filledText, name: filledText, address: filledText }),
  ),
  replyTo: lenient(z.object({ id })),
  _data: lenient(engineData),
  // Of an edit and of a revocation: what they are about.
  editedMessageId: id,
  revokedMessageId: id,
})

const revocation = z.object({ revokedMessageId: id, before: anything, after: anything, _data: lenient(engineData) })

const NOBODY = { participant: undefined, lastKnownPresence: undefined }

const presence = z.object({
  id,
  presences: z.array(z.object({ participant: id, lastKnownPresence: lenient(z.string()) }).catch(NOBODY)).catch([]),
})

type Payload = z.infer<typeof payloadShape>
type EngineData = z.infer<typeof engineData>
type Content = Partial<NewMessage>

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
    if (name === 'message' || name === 'message.any') return [itemFrom(payload, session, body)]
    if (name === 'message.edited') return [edited(payload, session)]
    if (name === 'message.revoked') return [revoked(payload, session)]
    if (name === 'presence.update') return presenceItems(payload, session)
    return [known({ kind: 'ignored' as const, reason: reasonOf(name), messageId: stanzaOf(id.parse(payload['id'])) })]
  },
  // https://waha.devlike.pro/docs/how-to/webhooks/#hmac-authentication
  signature: {
    secret: 'hmacKey',
    headerFault: formFault('X-Webhook-Hmac', /^[0-9a-f]{128}$/),
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

function itemFrom(value: unknown, account: string | undefined, raw: unknown): Item {
  const payload = payloadShape.parse(value)
  const messageId = stanzaOf(payload.id)
  const ignored = (reason: string): Item => known({ kind: 'ignored' as const, reason, messageId })
  const where = placeOf(payload, account)
  if (typeof where === 'string') return ignored(where)
  const { senderId, ...place } = where
  const data = payload._data
  const holding = heldBy(data)
  const nobodys = holding?.about ?? webIgnored(data?.type) ?? (holding ? undefined : stubReason(data?.messageStubType))
  if (payload.fromMe && (payload.source === 'api' || nobodys !== undefined)) return ignored('from_me')
  if (payload.fromMe) return known({ kind: 'own' as const, ...place, messageId })
  if (nobodys !== undefined) return (holding && correctionItem(holding, where)) ?? ignored(nobodys)
  if (messageId === undefined) return { kind: 'ignored', reason: 'invalid:no_id' }
  const message = known({
    messageId,
    type: 'unknown' as const,
    ...contentFrom(payload, holding),
    senderId,
    senderName: data?.notifyName ?? data?.pushName ?? data?.Info?.PushName,
    sentAtMs: payload.timestamp,
    replyTo: stanzaOf(payload.replyTo?.id) ?? holding?.replyTo,
  })
  return messageItem(place, message, raw, holding?.kind ?? data?.type ?? data?.Info?.MediaType)
}

/** A message in WhatsApp's own structure, where the engine has it. */
const heldBy = (data: EngineData | undefined) => holdingOf(data?.message) ?? holdingOf(data?.Message)

type Where = Place & { senderId?: string }

/** Or why it is nobody's conversation. */
function placeOf(payload: Payload, account: string | undefined): Where | string {
  const { participant, _data } = payload
  const { key, Info } = _data ?? {}
  const chat = chatOf(payload)
  const ids = chatIdsIn(payload, chat)
  const chatId = isGroupId(chat ?? '') ? chat : personIdFrom(...ids)
  if (chatId === undefined) return 'invalid:no_chat'
  const nobody = noConversation(chatId)
  if (nobody !== undefined) return nobody
  const isGroup = isGroupId(chatId)
  const sender = isGroup ? [participant, key?.participantAlt, key?.participantPn, Info?.SenderAlt] : ids
  const senderId = isGroup ? personIdFrom(...sender) : (personIdFrom(participant, chatId) ?? chatId)
  return known({ account, chatId, isGroup, samePerson: samePersonIn(...sender), senderId })
}

/** Engines disagree on what `from` is in an own message, but not on the id. */
const chatOf = ({ id: long, from, fromMe }: Payload) => (fromMe ? chatOfStanza(long) : undefined) ?? from

/** In an own message `senderPn` and `SenderAlt` are the business's; `remoteJidAlt` is the chat's either way. */
function chatIdsIn({ fromMe, _data }: Payload, chat: string | undefined): (string | undefined)[] {
  const { key, Info } = _data ?? {}
  return [chat, key?.remoteJidAlt, ...(fromMe ? [Info?.RecipientAlt] : [key?.senderPn, Info?.SenderAlt])]
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

/**
 * `before` is there only where the engine still had the message; `after` is what stands in its place. The ids of both may be the
 * revocation's own: the one of the message stands in `_data` then (devlikeapro/waha#898).
 */
function revoked(value: unknown, account: string | undefined): Item {
  const told = revocation.parse(value)
  const before = payloadShape.safeParse(told.before).data
  const after = payloadShape.safeParse(told.after).data
  const one = before ?? after
  const within = [after?._data, before?._data, told._data].map(originalIn).find(original => original !== undefined)
  const messageId = stanzaOf(within ?? told.revokedMessageId ?? before?.id)
  const where = one === undefined ? 'invalid:no_chat' : placeOf(one, account)
  if (one?.fromMe || typeof where === 'string' || messageId === undefined) {
    const reason = one?.fromMe ? 'from_me' : typeof where === 'string' ? where : 'invalid:revoke'
    return known({ kind: 'ignored' as const, reason, messageId })
  }
  return { kind: 'revoke', ...where, messageId }
}

/** The id of the message that a revocation is about, where the engine's data name it. */
const originalIn = (data: EngineData | undefined) =>
  data?.protocolMessageKey?.id ?? data?.protocolMessageKey?._serialized ?? heldBy(data)?.original

/** What the engine's data say it is, with the envelope's media and place; else what the envelope carries. */
function contentFrom(payload: Payload, holding: Holding | undefined): Content {
  const { body, vCards, _data: data } = payload
  const caption = body === '' ? undefined : body
  const told = holding ? contentOf(holding) : webContent(data)
  const location = placeIn(payload) ?? told?.location
  if (payload.hasMedia || isFile(told?.type)) return mediumContent(payload, { ...told, text: told?.text ?? caption })
  if (location !== undefined) return { ...told, type: 'location', text: told?.text, location }
  if (told !== undefined && told.type !== 'unknown') return { ...told, text: told.text ?? caption }
  if (vCards.length > 0) return { type: 'contacts' }
  if (data?.isViewOnce || data?.IsViewOnce || data?.key?.isViewOnce) return { type: 'unsupported' }
  return caption === undefined ? { type: 'unknown', text: told?.text } : { type: told?.type ?? 'text', text: caption }
}

function webContent(data: EngineData | undefined): Content | undefined {
  if (data?.type === undefined) return undefined
  const { selectedButtonId, selectedRowId, listResponse: chosen } = data
  const payloadId = selectedButtonId ?? selectedRowId ?? chosen?.singleSelectReply?.selectedRowId
  return known({ type: webType(data.type), text: chosen?.title, payloadId })
}

/** A medium keeps the long id, by which a worker can have WAHA fetch what it has not. */
function mediumContent({ id: long, media, _data: data }: Payload, told: Content): Content {
  const { url, mimetype: mimeType = told.media?.mimeType, filename: fileName = told.media?.fileName } = media ?? {}
  const type = isFile(told.type) ? told.type : (typeOfWord(data?.Info?.MediaType) ?? mediaType(mimeType))
  return { ...told, type, media: known({ id: long, url, mimeType, fileName }) }
}

function placeIn({ location }: Payload): Content['location'] {
  if (location?.latitude === undefined || location.longitude === undefined) return undefined
  const { latitude, longitude, name, title, address } = location
  return known({ latitude, longitude, name: name ?? title, address })
}

/** whatsmeow's `MediaType`. */
function typeOfWord(word: string | undefined): NewMessage['type'] {
  const type = webType(word)
  return isFile(type) ? type : undefined
}

/** Media that WAHA did not download have no type at all. */
function mediaType(mimeType: string | undefined): NewMessage['type'] {
  if (mimeType === undefined) return 'unknown'
  const [family] = mimeType.split('/')
  return family === 'image' || family === 'video' || family === 'audio' ? family : 'document'
}
