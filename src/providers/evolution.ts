/**
 * Evolution API: one event a POST, of one instance (the account).
 * https://doc.evolution-api.com/v2/en/configuration/webhooks
 *
 * What a message holds is WhatsApp's own structure, as the Baileys library has it (`baileys-message.ts`). What the bot
 * sends comes as `send.message`, and what a person wrote on the phone as an upsert of one's own.
 */
import { z } from 'zod'
import { secret, setting } from '../config/setting.js'
import { contentOf } from './baileys-content.js'
import { correctionItem, holdingOf, PLACEHOLDER } from './baileys-message.js'
import { isGroupId, noConversation, personIdFrom, samePersonIn } from './chat-id.js'
import { filledText, flag, id, isRecord, known, lenient, time } from './fields.js'
import { messageItem } from './message-item.js'
import { type Fault, type Item, type Place, type RequestHead, UnreadableBody } from './provider.js'
import { reader } from './reader.js'
import { bearerFault, bearerOf, tokenFault } from './signature.js'
import { signedProvider } from './signed-provider.js'
import { ownSender, stubReason } from './stanza.js'
import { presenceItem } from './typing.js'

const eventFrom = reader(z.object({ event: z.string(), instance: id, sender: id, data: z.unknown().optional() }))

const keyShape = z.object({
  remoteJid: id,
  // The same chat by its phone number. Versions of Baileys have different names for it.
  remoteJidAlt: id,
  senderPn: id,
  fromMe: flag,
  id,
  participant: id,
  participantAlt: id,
  participantPn: id,
  participantLid: id,
  // The original `remoteJid`, if Evolution has put the phone number into that field.
  previousRemoteJid: id,
  senderLid: id,
  isViewOnce: flag,
})

const upsertFrom = reader(
  z.object({
    key: lenient(keyShape),
    pushName: filledText,
    message: lenient(z.record(z.string(), z.unknown())),
    messageTimestamp: time,
    contextInfo: lenient(z.object({ stanzaId: id })),
    messageStubType: lenient(z.union([z.number(), z.string()])),
  }),
)

const update = keyShape.extend({ keyId: id, message: lenient(z.record(z.string(), z.unknown())) })

const presence = z.object({
  id,
  presences: lenient(z.record(z.string(), lenient(z.object({ lastKnownPresence: lenient(z.string()) })))),
})

type Key = z.infer<typeof keyShape>
interface Origin {
  account: string | undefined
  /** The instance's own number. */
  self: string | undefined
}

const LONGEST_REASON = 80
const NO_CHAT = 'invalid:no_chat'

export const evolution = signedProvider({
  name: 'evolution',
  title: 'Evolution API',
  option: 'evolution',
  settings: z.object({
    apiKey: setting(
      'EVOLUTION_API_KEY',
      'The word in the webhook’s header `apikey` or `Authorization: Bearer`, or its `jwt_key`.',
      secret(),
    ),
  }),
  recognises: body =>
    isRecord(body) && typeof body['event'] === 'string' && typeof body['instance'] === 'string' && 'data' in body,
  parse: body => [...itemsIn(body)],
  items: itemsIn,
  signature: {
    secret: 'apiKey',
    headerFault: keyFault,
  },
})

function* itemsIn(body: unknown): Generator<Item> {
  const event = eventFrom(body)
  if (event === undefined)
    throw new UnreadableBody('malformed', 'the body is no event of Evolution API: event is missing')
  const { event: name, instance: account, sender: self, data } = event
  const origin = { account, self }
  if (!Array.isArray(data)) {
    yield* itemsOf(nameOf(name), data, origin, body)
    return
  }
  // Each message with its own part of the body: the whole of it with each would be the square of it.
  const envelope = isRecord(body) ? body : {}
  for (const each of data) yield* itemsOf(nameOf(name), each, origin, { ...envelope, data: each })
}

/** Addresses by event and older versions write `MESSAGES_UPSERT` and `messages-upsert`. */
const nameOf = (event: string) => event.toLowerCase().replaceAll(/[_-]/g, '.')

function itemsOf(name: string, data: unknown, origin: Origin, raw: unknown): Item[] {
  switch (name) {
    case 'messages.upsert':
    case 'send.message':
      return [itemFrom(name, data, origin, raw)]
    case 'messages.edited':
      return [edited(data, origin)]
    case 'messages.update':
      return [updated(data, origin)]
    case 'messages.delete':
      return [deleted(data, origin)]
    case 'presence.update':
      return presenceItems(data, origin)
    default:
      return [{ kind: 'ignored', reason: `event:${name.slice(0, LONGEST_REASON)}` }]
  }
}

function itemFrom(name: string, data: unknown, origin: Origin, raw: unknown): Item {
  const { key, message: body, ...told } = upsertFrom(data) ?? {}
  if (key === undefined) return { kind: 'ignored', reason: 'invalid:no_key' }
  const messageId = key.id
  const ignored = (reason: string): Item => known({ kind: 'ignored' as const, reason, messageId })
  const where = placeOf(key, origin)
  if (typeof where === 'string') return ignored(where)
  const { senderId, ...place } = where
  if (name === 'send.message') return known({ kind: 'own' as const, ...place, messageId, by: 'bot' as const })
  const holding = holdingOf(body) ?? (key.isViewOnce ? PLACEHOLDER : undefined)
  // A reaction, a call or a correction is no answer.
  if (key.fromMe && (holding?.about !== undefined || stubReason(told.messageStubType) !== undefined))
    return ignored('from_me')
  if (key.fromMe) return known({ kind: 'own' as const, ...place, messageId, ...ownSender(messageId) })
  if (holding?.about !== undefined) return correctionItem(holding, where) ?? ignored(holding.about)
  if (messageId === undefined) return ignored('invalid:no_id')
  if (holding === undefined) return ignored(stubReason(told.messageStubType) ?? 'invalid:no_message')
  const message = known({
    messageId,
    ...contentOf(holding),
    senderId,
    senderName: told.pushName,
    sentAtMs: told.messageTimestamp,
    replyTo: holding.replyTo ?? told.contextInfo?.stanzaId,
  })
  return messageItem(place, message, raw, holding.kind)
}

type Where = Place & { senderId?: string }

/** Or why it belongs to no conversation. */
function placeOf(key: Key, { account }: Origin): Where | string {
  const chatId = isGroupId(key.remoteJid ?? '') ? key.remoteJid : personIdFrom(...chatIdsIn(key))
  if (chatId === undefined) return NO_CHAT
  const nobody = noConversation(chatId)
  if (nobody !== undefined) return nobody
  const isGroup = isGroupId(chatId)
  const person = isGroup ? [key.participant, key.participantAlt, key.participantPn, key.participantLid] : chatIdsIn(key)
  const senderId = isGroup ? personIdFrom(...person) : chatId
  return known({ account, chatId, isGroup, samePerson: samePersonIn(...person), senderId })
}

/** `remoteJidAlt` is the chat's, also of an own message; `senderPn` and `senderLid` are the sender's. */
const chatIdsIn = ({ remoteJid, remoteJidAlt, previousRemoteJid, senderPn, senderLid, fromMe }: Key) => [
  remoteJid,
  remoteJidAlt,
  previousRemoteJid,
  ...(fromMe ? [] : [senderPn, senderLid]),
]

/**
 * `data` is what the person's phone sent to WhatsApp, so its key may be from the person's side: `fromMe`, and the chat is
 * our own number or hidden id. Then the body does not show who wrote, and the message is found by its id.
 */
function edited(data: unknown, origin: Origin): Item {
  const holding = holdingOf({ protocolMessage: data })
  const { data: told } = z.object({ key: lenient(keyShape) }).safeParse(data)
  const ignored = (reason: string): Item => known({ kind: 'ignored' as const, reason, messageId: told?.key?.id })
  if (told?.key === undefined) return ignored('invalid:no_key')
  const where = placeOf(told.key, origin)
  if (typeof where === 'string' && where !== NO_CHAT) return ignored(where)
  if (typeof where === 'string' || isTheirSide(told.key, where, origin))
    return unplaced(holding, origin) ?? ignored(holding?.about ?? 'edit:no_chat')
  // The person's phone wrote the key. In a group it could name somebody else as the author, so its author is not used.
  const { senderId: _, samePerson: __, ...place } = where
  return (holding && correctionItem(holding, where.isGroup ? place : where)) ?? ignored(holding?.about ?? 'edit')
}

const isTheirSide = ({ fromMe }: Key, { chatId, isGroup }: Where, { self }: Origin) =>
  (fromMe === true && !isGroup) || chatId === personIdFrom(self)

/** The message that is edited or revoked, without the chat. */
function unplaced(holding: ReturnType<typeof holdingOf>, { account }: Origin): Item | undefined {
  const correction = holding && correctionItem(holding, { chatId: '', isGroup: false })
  if (correction?.kind !== 'edit' && correction?.kind !== 'revoke') return undefined
  const text = correction.kind === 'edit' ? { text: correction.text } : {}
  return known({ kind: 'unplaced' as const, account, messageId: correction.messageId, ...text })
}

function updated(data: unknown, origin: Origin): Item {
  const { data: told } = update.safeParse(data)
  const messageId = told?.keyId ?? told?.id
  const holding = holdingOf(told?.message)
  const where = told === undefined ? 'status' : placeOf(told, origin)
  if (holding?.words === undefined || messageId === undefined || told?.fromMe || typeof where === 'string')
    return known({ kind: 'ignored' as const, reason: 'status', messageId })
  return { kind: 'edit', ...where, messageId: holding.original ?? messageId, text: holding.words }
}

/** `data` is the key of the deleted message, or contains it. */
function deleted(data: unknown, origin: Origin): Item {
  const { data: outer } = z.object({ key: lenient(keyShape) }).safeParse(data)
  const key = outer?.key ?? keyShape.safeParse(data).data
  const messageId = key?.id
  const where = key === undefined ? 'invalid:no_key' : placeOf(key, origin)
  if (typeof where === 'string' || messageId === undefined || key?.fromMe)
    return known({ kind: 'ignored' as const, reason: typeof where === 'string' ? where : 'from_me', messageId })
  return { kind: 'revoke', ...where, messageId }
}

function presenceItems(data: unknown, { account }: Origin): Item[] {
  const parsed = presence.safeParse(data)
  const chatId = personIdFrom(parsed.data?.id)
  const place = { account, chatId, isGroup: isGroupId(chatId ?? '') }
  return Object.entries(parsed.data?.presences ?? {}).map(([who, said]) =>
    presenceItem({ ...place, senderId: personIdFrom(who) }, said?.lastKnownPresence),
  )
}

/**
 * The webhook's own headers: `apikey` or `Authorization` with the key, or `jwt_key`, from which Evolution makes a token
 * that is signed with it and lasts ten minutes.
 */
async function keyFault(request: RequestHead, secret: string): Promise<Fault | undefined> {
  if (request.header('apikey')) return tokenFault('apikey')(request, secret)
  const token = bearerOf(request)
  if (token === undefined)
    return { reason: 'missing', message: 'neither apikey nor Authorization is among the headers' }
  if (!token.includes('.')) return bearerFault(request, secret)
  const { default: jsonwebtoken } = await import('jsonwebtoken')
  try {
    jsonwebtoken.verify(token, secret, { algorithms: ['HS256'], clockTolerance: CLOCKS_DIFFER_S })
    return undefined
  } catch (error) {
    // A key may hold a dot, and be sent as it is.
    if (bearerFault(request, secret) === undefined) return undefined
    const why = error instanceof Error ? error.message : String(error)
    return { reason: 'mismatch', message: `the token in Authorization is not valid (${why.slice(0, LONGEST_REASON)})` }
  }
}

const CLOCKS_DIFFER_S = 60
