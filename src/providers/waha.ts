/**
 * WAHA: one event a POST, of one session (the account). https://waha.devlike.pro/docs/how-to/events
 *
 * The envelope has ids, times and media. The engine's own data, `_data`, shows a message's kind: whatsapp-web.js has a
 * `type` (WEBJS), Baileys a `message` (NOWEB), whatsmeow a `Message` (GOWS). An envelope without a body is no text: it
 * may be a call, a notice, a pin. Documented are the envelope and the events; what `_data` holds is read in the
 * engines' sources.
 *
 * Its ids, `false_79000000011@c.us_3ACA576E679D5E846FA7`, hold WhatsApp's own id as their third part. One message may
 * be delivered under two of them (`@c.us` and `@lid`), so Lull identifies it by that third part.
 */
import { z } from 'zod'
import { secret, setting } from '../config/setting.js'
import { correctionItem } from './baileys-message.js'
import { chatIdFrom, isGroupId, noConversation, personIdFrom, samePersonIn } from './chat-id.js'
import { id, isRecord, known, lenient } from './fields.js'
import { messageItem } from './message-item.js'
import { type Item, type Place, UnreadableBody } from './provider.js'
import { reader } from './reader.js'
import { formFault, hmacFault } from './signature.js'
import { signedProvider } from './signed-provider.js'
import { chatOfStanza, stanzaOf, stubReason } from './stanza.js'
import { presenceItem } from './typing.js'
import {
  anything,
  contentFrom,
  type EngineData,
  engineData,
  heldBy,
  type Payload,
  payloadFrom,
  placeholderIn,
} from './waha-payload.js'
import { webIgnored } from './web-kinds.js'

const eventFrom = reader(
  z.object({ event: z.string(), session: id, payload: z.record(z.string(), z.unknown()).catch({}) }),
)

const revocation = z.object({ revokedMessageId: id, before: anything, after: anything, _data: lenient(engineData) })

const NOTHING: Payload = { vCards: [] }
const NOBODY = { participant: undefined, lastKnownPresence: undefined }

const presence = z.object({
  id,
  presences: z.array(z.object({ participant: id, lastKnownPresence: lenient(z.string()) }).catch(NOBODY)).catch([]),
})

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
    const event = eventFrom(body)
    if (event === undefined) throw new UnreadableBody('malformed', 'the body is no event of WAHA: event is missing')
    const { event: name, session, payload } = event
    // `message.any` includes incoming messages too: with both subscribed, the second is a duplicate.
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
  const place = { account, chatId, isGroup: isGroupId(chatId ?? '') }
  return presences.map(({ participant, lastKnownPresence }) =>
    presenceItem({ ...place, senderId: personIdFrom(participant) }, lastKnownPresence),
  )
}

function itemFrom(value: unknown, account: string | undefined, raw: unknown): Item {
  const payload = payloadFrom(value) ?? NOTHING
  const messageId = stanzaOf(payload.id)
  const ignored = (reason: string): Item => known({ kind: 'ignored' as const, reason, messageId })
  const where = placeOf(payload, account)
  if (typeof where === 'string') return ignored(where)
  const { senderId, ...place } = where
  const data = payload._data
  const holding = heldBy(data) ?? placeholderIn(payload)
  const nobodys = holding ? holding.about : (webIgnored(data?.type) ?? stubReason(data?.messageStubType))
  if (payload.fromMe && (payload.source === 'api' || nobodys !== undefined)) return ignored('from_me')
  if (payload.fromMe) {
    const by = payload.source === 'app' ? ('human' as const) : undefined
    return known({ kind: 'own' as const, ...place, messageId, by })
  }
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

type Where = Place & { senderId?: string }

/** Or why it belongs to no conversation. */
function placeOf(payload: Payload, account: string | undefined): Where | string {
  const { participant, fromMe, _data } = payload
  const chat = chatOf(payload)
  const ids = chatIdsIn(payload, chat)
  const chatId = isGroupId(chat ?? '') ? chat : personIdFrom(...ids)
  if (chatId === undefined) return 'invalid:no_chat'
  const nobody = noConversation(chatId)
  if (nobody !== undefined) return nobody
  const isGroup = isGroupId(chatId)
  const sender = isGroup ? [participant, ...(fromMe ? [] : participantIdsIn(_data))] : ids
  const senderId = isGroup ? personIdFrom(...sender) : (personIdFrom(participant, chatId) ?? chatId)
  return known({ account, chatId, isGroup, samePerson: samePersonIn(...sender), senderId })
}

const participantIdsIn = ({ key, Info }: EngineData = {}) => [
  key?.participantAlt,
  key?.participantPn,
  key?.participantLid,
  Info?.Sender,
  Info?.SenderAlt,
]

/** Engines disagree on what `from` is in an own message, but not on the id. */
const chatOf = ({ id: long, from, fromMe }: Payload) => (fromMe ? undefined : from) ?? chatOfStanza(long) ?? from

/** In an own message `senderPn` and `SenderAlt` are the business's; `remoteJidAlt` is the chat's either way. */
function chatIdsIn({ fromMe, _data }: Payload, chat: string | undefined): (string | undefined)[] {
  const { key, Info } = _data ?? {}
  return [
    chat,
    key?.remoteJidAlt,
    ...(fromMe ? [Info?.RecipientAlt] : [key?.senderPn, key?.senderLid, Info?.SenderAlt]),
  ]
}

function edited(value: unknown, account: string | undefined): Item {
  const payload = payloadFrom(value) ?? NOTHING
  const holding = heldBy(payload._data)
  const messageId =
    stanzaOf(payload.editedMessageId) ?? holding?.original ?? (holding ? undefined : stanzaOf(payload.id))
  const words = payload.body ?? holding?.words
  const where = placeOf(payload, account)
  if (payload.fromMe || typeof where === 'string' || messageId === undefined || words === undefined) {
    const reason = payload.fromMe ? 'from_me' : typeof where === 'string' ? where : 'invalid:edit'
    return known({ kind: 'ignored' as const, reason, messageId })
  }
  return { kind: 'edit', ...where, messageId, text: words }
}

/**
 * `before` is the message, if the engine still had it; `after` is what replaces it. Both may have the revocation's own
 * id: then `_data` has the message's (devlikeapro/waha#898).
 */
function revoked(value: unknown, account: string | undefined): Item {
  const told = revocation.parse(value)
  const before = payloadFrom(told.before)
  const after = payloadFrom(told.after)
  const one = before ?? after
  const within = [after?._data, before?._data, told._data].map(originalIn).find(original => original !== undefined)
  const messageId = stanzaOf(within ?? told.revokedMessageId ?? before?.id)
  const where = one === undefined ? 'invalid:no_chat' : placeOf(one, account)
  // `before` names who wrote the message, `after` who revoked it: an admin of the group may be another person.
  const revoker = after === undefined ? where : placeOf(after, account)
  if (one?.fromMe || typeof where === 'string' || messageId === undefined) {
    const reason = one?.fromMe ? 'from_me' : typeof where === 'string' ? where : 'invalid:revoke'
    return known({ kind: 'ignored' as const, reason, messageId })
  }
  if (typeof revoker === 'string') return { kind: 'revoke', ...where, messageId }
  const { senderId, samePerson } = revoker
  return known({ kind: 'revoke' as const, ...where, messageId, senderId, samePerson })
}

/** The id of the message that a revocation is about, if the engine's data names it. */
const originalIn = (data: EngineData | undefined) =>
  data?.protocolMessageKey?.id ?? data?.protocolMessageKey?._serialized ?? heldBy(data)?.original
