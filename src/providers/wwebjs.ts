/**
 * wwebjs-api: one event of whatsapp-web.js a POST, `{ dataType, data, sessionId }`, of one session (the account); or a
 * message of whatsapp-web.js unchanged, from a program of your own. https://github.com/avoylenko/wwebjs-api
 *
 * An own message may be the bot's echo as well as a person's: see `stanza.ts`.
 */
import { z } from 'zod'
import type { NewMessage } from '../batch.js'
import { secret, setting } from '../config/setting.js'
import { isGroupId, noConversation, personIdFrom, samePersonIn } from './chat-id.js'
import { sharedContacts } from './contacts.js'
import { degrees, filledText, flag, id, isRecord, known, lenient, list, text, time } from './fields.js'
import { messageItem } from './message-item.js'
import { type Item, type Place, UnreadableBody } from './provider.js'
import { reader } from './reader.js'
import { tokenFault } from './signature.js'
import { signedProvider } from './signed-provider.js'
import { ownSender, stanzaOf } from './stanza.js'
import { isFile, webIgnored, webText, webType } from './web-kinds.js'

/** Builds of WhatsApp Web call the long form `_serialized` or, minified, `$1`. */
const serialized = lenient(
  z.union([z.string(), z.object({ _serialized: id, $1: id }).transform(told => told._serialized ?? told.$1)]),
)
const key = z.object({ fromMe: flag, remote: serialized, id, _serialized: id, $1: id })
const keyShape = lenient(z.union([key, z.string().transform(long => key.parse({ _serialized: long }))]))

const messageShape = z.object({
  id: keyShape,
  body: text,
  type: lenient(z.string()),
  timestamp: time,
  from: serialized,
  to: serialized,
  author: serialized,
  fromMe: flag,
  hasMedia: flag,
  filename: filledText,
  vCards: list,
  pollName: filledText,
  location: lenient(
    z.object({
      latitude: degrees,
      longitude: degrees,
      name: filledText,
      address: filledText,
      description: filledText,
    }),
  ),
  selectedButtonId: id,
  selectedRowId: id,
  _data: lenient(
    z.object({
      notifyName: filledText,
      mimetype: filledText,
      filename: filledText,
      caption: text,
      // The number behind a hidden id, if a program has looked it up.
      senderPn: serialized,
      phoneNumber: serialized,
      protocolMessageKey: keyShape,
      quotedStanzaID: id,
      quotedMsg: lenient(z.object({ id: keyShape })),
      selectedId: id,
      listResponse: lenient(z.object({ title: filledText })),
      pollName: filledText,
      eventName: filledText,
      comment: filledText,
      inviteGrpName: filledText,
      orderTitle: filledText,
      isViewOnce: flag,
    }),
  ),
})

const messageFrom = reader(messageShape)
const envelopeFrom = reader(z.object({ dataType: z.string(), sessionId: id, data: z.unknown().optional() }))
const edit = z.object({ message: z.unknown().optional(), newBody: text })

type WebMessage = z.infer<typeof messageShape>
type Content = Pick<NewMessage, 'type' | 'text' | 'media' | 'location' | 'payloadId' | 'contacts'>
type Where = Place & { senderId?: string }

export const wwebjs = signedProvider({
  name: 'wwebjs',
  title: 'wwebjs-api',
  option: 'wwebjs',
  settings: z.object({
    apiKey: setting('WWEBJS_API_KEY', 'The `API_KEY` of wwebjs-api, which it sends as `x-api-key`.', secret()),
  }),
  recognises: body =>
    isRecord(body) &&
    (typeof body['dataType'] === 'string' || (isRecord(body['id']) && '_data' in body && 'from' in body)),
  parse(body) {
    if (isRecord(body) && body['dataType'] === undefined && isRecord(body['id']))
      return [itemFrom(body, undefined, body)]
    const envelope = envelopeFrom(body)
    if (envelope === undefined)
      throw new UnreadableBody('malformed', 'the body is no event of wwebjs-api: dataType is missing')
    const { dataType, sessionId, data } = envelope
    return [itemOf(dataType, isRecord(data) ? data : {}, sessionId, body)]
  },
  signature: {
    secret: 'apiKey',
    headerFault: tokenFault('x-api-key'),
  },
})

function itemOf(dataType: string, data: Record<string, unknown>, account: string | undefined, raw: unknown): Item {
  switch (dataType) {
    case 'message':
    // Fires for incoming messages too: the second one is a duplicate.
    case 'message_create':
      return itemFrom(data['message'], account, raw)
    case 'message_edit':
      return edited(data, account)
    case 'message_revoke_everyone':
      return revoked(data['message'] ?? data['after'], data['before'], account)
    case 'message_ack':
      return ignored('status', parse(data['message'])?.messageId)
    case 'message_reaction':
      return ignored('reaction')
    default:
      return ignored(`event:${dataType.slice(0, 80)}`)
  }
}

const ignored = (reason: string, messageId?: string): Item => known({ kind: 'ignored' as const, reason, messageId })

function parse(value: unknown) {
  const told = messageFrom(value)
  return told && { told, messageId: idOf(told.id), isOwn: isOwn(told) }
}

const longId = (told: z.infer<typeof keyShape>) => told?._serialized ?? told?.$1
const idOf = (told: z.infer<typeof keyShape>) => told?.id ?? stanzaOf(longId(told))
const isOwn = ({ fromMe, id: told }: WebMessage) => fromMe ?? told?.fromMe ?? longId(told)?.startsWith('true_') ?? false

/** Or why it belongs to no conversation. */
function placeOf(told: WebMessage, account: string | undefined, own: boolean): Where | string {
  const chat = told.id?.remote ?? (own ? told.to : told.from)
  const others = own ? [] : [told.from, ...numbersOf(told)]
  const chatId = isGroupId(chat ?? '') ? chat : personIdFrom(chat, ...others)
  if (chatId === undefined) return 'invalid:no_chat'
  const nobody = noConversation(chatId)
  if (nobody !== undefined) return nobody
  const isGroup = isGroupId(chatId)
  const sender = [told.author, ...numbersOf(told)]
  return known({
    account,
    chatId,
    isGroup,
    samePerson: isGroup ? samePersonIn(...sender) : samePersonIn(chat, ...others),
    senderId: isGroup ? personIdFrom(...sender) : chatId,
  })
}

const numbersOf = ({ _data }: WebMessage) => [_data?.senderPn, _data?.phoneNumber]

function itemFrom(value: unknown, account: string | undefined, raw: unknown): Item {
  const parsed = parse(value)
  if (parsed === undefined) return ignored('invalid:no_message')
  const { told, messageId } = parsed
  const where = placeOf(told, account, parsed.isOwn)
  if (typeof where === 'string') return ignored(where, messageId)
  const { senderId, ...place } = where
  const nobodys = webIgnored(told.type)
  if (nobodys !== undefined) return ignored(parsed.isOwn ? 'from_me' : nobodys, messageId)
  if (parsed.isOwn) return known({ kind: 'own' as const, ...place, messageId, ...ownSender(messageId) })
  if (messageId === undefined) return ignored('invalid:no_id')
  const message = known({
    messageId,
    ...contentOf(told),
    senderId,
    senderName: told._data?.notifyName,
    sentAtMs: told.timestamp,
    replyTo: told._data?.quotedStanzaID ?? idOf(told._data?.quotedMsg?.id),
  })
  return messageItem(place, message, raw, told.type)
}

function edited(data: Record<string, unknown>, account: string | undefined): Item {
  const parsed = parse(data['message'])
  const { newBody } = edit.parse(data)
  if (parsed?.messageId === undefined) return ignored('invalid:no_id')
  const where = placeOf(parsed.told, account, parsed.isOwn)
  if (parsed.isOwn || typeof where === 'string')
    return ignored(parsed.isOwn ? 'from_me' : String(where), parsed.messageId)
  const words = newBody ?? parsed.told.body
  if (words === undefined) return ignored('invalid:edit', parsed.messageId)
  return { kind: 'edit', ...where, messageId: parsed.messageId, text: words }
}

/**
 * `message` is what is left of the message: under its own id, or under another one with its id in `protocolMessageKey`.
 * Programs that post both arguments of whatsapp-web.js's event send `after` and `before`, the message itself.
 */
function revoked(left: unknown, before: unknown, account: string | undefined): Item {
  const parsed = parse(left)
  const messageId = idOf(parsed?.told._data?.protocolMessageKey) ?? parse(before)?.messageId ?? parsed?.messageId
  if (parsed === undefined || messageId === undefined) return ignored('invalid:no_id')
  const where = placeOf(parsed.told, account, parsed.isOwn)
  if (parsed.isOwn || typeof where === 'string') return ignored(parsed.isOwn ? 'from_me' : String(where), messageId)
  return { kind: 'revoke', ...where, messageId }
}

function contentOf(told: WebMessage): Content {
  const { body, _data: data } = told
  const type = webType(told.type)
  const caption = body === '' ? undefined : body
  if (data?.isViewOnce && !told.hasMedia && caption === undefined) return { type: 'unsupported' }
  if (told.hasMedia || isFile(type)) {
    // The worker fetches a file from wwebjs-api, by the message's long id.
    const media = { id: longId(told.id), mimeType: data?.mimetype, fileName: told.filename ?? data?.filename }
    return { type, text: type === 'document' ? (data?.caption ?? caption) : caption, media: known(media) }
  }
  if (type === 'location') return { type, location: locationOf(told.location) }
  if (type === 'contacts') return { type, contacts: sharedContacts(told.vCards) ?? sharedContacts([body]) }
  const pollName = data?.pollName ?? told.pollName
  const words = webText({ ...data, pollName, body, listTitle: data?.listResponse?.title })
  if (type === 'text' && words === undefined) return { type: 'unknown' }
  return { type, text: words, payloadId: told.selectedButtonId ?? data?.selectedId ?? told.selectedRowId }
}

function locationOf(place: WebMessage['location']): Content['location'] {
  if (place?.latitude === undefined || place.longitude === undefined) return undefined
  const { latitude, longitude, address, name, description } = place
  return known({ latitude, longitude, name: name ?? description, address })
}
