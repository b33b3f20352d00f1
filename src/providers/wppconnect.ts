/**
 * WPPConnect server: one event a POST, `{ event, session, … }`, of one session (the account), with the event's own
 * fields beside those two. https://wppconnect.io/docs/tutorial/basics/receiving-messages
 *
 * It signs nothing. An own message may be the bot's echo as well as a person's: see `stanza.ts`.
 */
import { z } from 'zod'
import type { NewMessage } from '../batch.js'
import { isGroupId, noConversation, personIdFrom, samePersonIn } from './chat-id.js'
import { sharedContacts } from './contacts.js'
import { degrees, filledText, flag, id, isRecord, known, lenient, list, lookUp, text, time } from './fields.js'
import { messageItem } from './message-item.js'
import { type Item, type Place, type Provider, UnreadableBody } from './provider.js'
import { reader } from './reader.js'
import { chatOfStanza, isOwnStanza, ownSender, stanzaOf } from './stanza.js'
import { presenceItem } from './typing.js'
import { isFile, webIgnored, webText, webType } from './web-kinds.js'

/** Ids are texts, or objects that hold them. */
const serialized = lenient(
  z.union([z.string().min(1), z.object({ _serialized: id, id }).transform(told => told._serialized ?? told.id)]),
)

const fieldsShape = z.object({
  event: z.string(),
  session: id,
  id: serialized,
  from: serialized,
  to: serialized,
  chatId: serialized,
  author: serialized,
  fromMe: flag,
  type: lenient(z.string()),
  body: text,
  content: text,
  caption: text,
  t: time,
  timestamp: time,
  notifyName: filledText,
  sender: lenient(z.object({ id: serialized, pushname: filledText, name: filledText, phoneNumber: serialized })),
  mimetype: filledText,
  filename: filledText,
  lat: degrees,
  lng: degrees,
  loc: filledText,
  quotedStanzaID: id,
  quotedMsgId: serialized,
  selectedButtonId: id,
  selectedId: id,
  pollName: filledText,
  eventName: filledText,
  comment: filledText,
  inviteGrpName: filledText,
  orderTitle: filledText,
  vcardList: list,
  isViewOnce: flag,
  listResponse: lenient(z.object({ title: filledText, singleSelectReply: lenient(z.object({ selectedRowId: id })) })),
  // A presence; a revocation; an edit.
  state: lenient(z.string()),
  participants: lenient(
    z.array(z.object({ id: serialized, state: lenient(z.string()) }).catch({ id: undefined, state: undefined })),
  ),
  refId: serialized,
  msg: lenient(z.object({ body: text, caption: text, id: serialized })),
  newBody: text,
})

const fieldsFrom = reader(fieldsShape)

type Fields = z.infer<typeof fieldsShape>
type Content = Pick<NewMessage, 'type' | 'text' | 'media' | 'location' | 'payloadId' | 'contacts'>
type Where = Place & { senderId?: string }

const MESSAGES = ['onmessage', 'onanymessage', 'onselfmessage', 'unreadmessages']
const EVENTS: Record<string, string> = { onack: 'status', onreactionmessage: 'reaction', incomingcall: 'call' }
export const wppconnect = {
  name: 'wppconnect',
  title: 'WPPConnect server',
  recognises: (body: unknown) =>
    isRecord(body) &&
    typeof body['event'] === 'string' &&
    typeof body['session'] === 'string' &&
    !('payload' in body || 'data' in body),
  parse(body: unknown): Item[] {
    const told = fieldsFrom(body)
    if (told === undefined)
      throw new UnreadableBody('malformed', 'the body is no event of WPPConnect: event is missing')
    const event = told.event.toLowerCase()
    if (MESSAGES.includes(event)) return [itemFrom(told, body)]
    if (event === 'onpresencechanged') return presenceItems(told)
    if (event === 'onrevokedmessage') return [correction(told, stanzaOf(told.refId ?? told.id))]
    if (event === 'onmessageedit') return [correction(told, stanzaOf(told.msg?.id ?? told.id), wordsOf(told))]
    const reason = lookUp(EVENTS, event) ?? `event:${event.slice(0, 80)}`
    return [known({ kind: 'ignored' as const, reason, messageId: stanzaOf(told.id) })]
  },
} as const satisfies Provider

const wordsOf = ({ msg, newBody, body, caption }: Fields) => newBody ?? msg?.caption ?? msg?.body ?? caption ?? body

const isOwn = ({ fromMe, id: long }: Fields) => fromMe ?? isOwnStanza(long)

/** Or why it belongs to no conversation. */
function placeOf(told: Fields): Where | string {
  const chat = chatOfStanza(told.id) ?? told.chatId ?? (isOwn(told) ? told.to : told.from)
  const others = isOwn(told) ? [] : [told.from, told.sender?.id, told.sender?.phoneNumber]
  const chatId = isGroupId(chat ?? told.from ?? '') ? (chat ?? told.from) : personIdFrom(chat, ...others)
  if (chatId === undefined) return 'invalid:no_chat'
  const nobody = noConversation(chatId)
  if (nobody !== undefined) return nobody
  const isGroup = isGroupId(chatId)
  const senderId = isGroup ? personIdFrom(told.author, told.sender?.id, told.sender?.phoneNumber) : chatId
  const samePerson = isGroup
    ? samePersonIn(told.author, told.sender?.id, told.sender?.phoneNumber)
    : samePersonIn(chat, ...others)
  return known({ account: told.session, chatId, isGroup, samePerson, senderId })
}

function itemFrom(told: Fields, raw: unknown): Item {
  const messageId = stanzaOf(told.id)
  const ignored = (reason: string): Item => known({ kind: 'ignored' as const, reason, messageId })
  const where = placeOf(told)
  if (typeof where === 'string') return ignored(where)
  const { senderId, ...place } = where
  const nobodys = webIgnored(told.type)
  if (nobodys !== undefined) return ignored(isOwn(told) ? 'from_me' : nobodys)
  if (isOwn(told)) return known({ kind: 'own' as const, ...place, messageId, ...ownSender(messageId) })
  if (messageId === undefined) return ignored('invalid:no_id')
  const message = known({
    messageId,
    ...contentOf(told),
    senderId,
    senderName: told.notifyName ?? told.sender?.pushname ?? told.sender?.name,
    sentAtMs: told.timestamp ?? told.t,
    replyTo: told.quotedStanzaID ?? stanzaOf(told.quotedMsgId),
  })
  return messageItem(place, message, raw, told.type)
}

function correction(told: Fields, messageId: string | undefined, words?: string): Item {
  const isEdit = told.event.toLowerCase() === 'onmessageedit'
  const ignored = (reason: string): Item => known({ kind: 'ignored' as const, reason, messageId })
  const where = placeOf({ ...told, id: told.refId ?? told.id })
  if (typeof where === 'string') return ignored(where)
  if (isOwn(told) || isOwnStanza(told.refId)) return ignored('from_me')
  if (messageId === undefined) return ignored('invalid:no_id')
  if (!isEdit) return { kind: 'revoke', ...where, messageId }
  return words === undefined ? ignored('invalid:edit') : { kind: 'edit', ...where, messageId, text: words }
}

function presenceItems({ session: account, id: chat, state, participants = [] }: Fields): Item[] {
  const chatId = personIdFrom(chat)
  const place = { account, chatId, isGroup: isGroupId(chatId ?? '') }
  const signs = participants.length > 0 ? participants : [{ id: chat, state }]
  return signs.map(({ id: who, state: said = state }) => presenceItem({ ...place, senderId: personIdFrom(who) }, said))
}

/** The body of a file is a small picture of it. */
function contentOf(told: Fields): Content {
  const type = webType(told.type)
  if (told.isViewOnce && told.mimetype === undefined) return { type: 'unsupported' }
  if (isFile(type)) {
    // The worker fetches a file from WPPConnect, by the message's long id.
    const media = known({ id: told.id, mimeType: told.mimetype, fileName: told.filename })
    return { type, text: told.caption === '' ? undefined : told.caption, media }
  }
  if (type === 'location') {
    const { lat: latitude, lng: longitude } = told
    // As whatsapp-web.js reads it: the address is on a line of its own.
    const [name, address] = told.loc?.split('\n') ?? []
    const location =
      latitude === undefined || longitude === undefined ? undefined : known({ latitude, longitude, name, address })
    return { type, location }
  }
  if (type === 'contacts') return { type, contacts: sharedContacts(told.vcardList) ?? sharedContacts([told.body]) }
  const { listResponse: chosen, selectedButtonId, selectedId } = told
  const payloadId = selectedButtonId ?? selectedId ?? chosen?.singleSelectReply?.selectedRowId
  const words = webText({ ...told, body: told.body ?? told.content, listTitle: chosen?.title })
  return { type: type === 'text' && words === undefined ? 'unknown' : type, text: words, payloadId }
}
