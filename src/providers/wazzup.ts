/**
 * Wazzup24: messages, statuses and more in one POST, each of a channel (the account).
 * https://wazzup24.com/help/api-documentation-en/webhooks/
 *
 * `isEcho` marks what was sent to the customer from elsewhere than this API: a person, in Wazzup's own chats or on the
 * phone. Documented: the fields, and that `chatType` names the messenger. Inferred: that any other `chatType` than
 * WhatsApp's own is another messenger's name, that those of groups end in `group`, and the types `voice` and `sticker`.
 */
import { z } from 'zod'
import type { MessageType, NewMessage } from '../batch.js'
import { secret, setting } from '../config/setting.js'
import { chatIdFrom } from './chat-id.js'
import { filledText, flag, id, isRecord, known, lenient, list, lookUp, text, time } from './fields.js'
import { messageItem } from './message-item.js'
import { type Item, UnreadableBody } from './provider.js'
import { reader } from './reader.js'
import { bearerFault } from './signature.js'
import { signedProvider } from './signed-provider.js'

const messageShape = z.object({
  messageId: id,
  channelId: id,
  chatType: lenient(z.string()),
  chatId: id,
  dateTime: time,
  type: lenient(z.string()),
  text,
  contentUri: filledText,
  isEcho: flag,
  isEdited: flag,
  isDeleted: flag,
  contact: lenient(z.object({ name: filledText, phone: id })),
  quotedMessage: lenient(z.object({ messageId: id })),
  quotedMessageId: id,
})

const body = z.object({ messages: list, statuses: list })
const withId = z.object({ messageId: id }).catch({ messageId: undefined })

const messageFrom = reader(messageShape)

type WazzupMessage = z.infer<typeof messageShape>
type Content = Pick<NewMessage, 'type' | 'text' | 'media' | 'location'>

/** Other things that Wazzup posts. */
const OTHERS = ['createContact', 'createDeal', 'channelsUpdates', 'templateStatus', 'test']

/** Groups of any messenger: `whatsgroup`, `telegroup`. That the names of others end alike is inferred. */
const GROUP = /group$/
const WHATSAPP_GROUP = 'whatsgroup'
const WHATSAPP = ['whatsapp', 'wapi', undefined]

const TYPES: Record<string, MessageType> = {
  text: 'text',
  image: 'image',
  audio: 'audio',
  video: 'video',
  document: 'document',
  voice: 'voice',
  sticker: 'sticker',
  vcard: 'contacts',
  geo: 'location',
  wapi_template: 'text',
  unsupported: 'unsupported',
}

export const wazzup = signedProvider({
  name: 'wazzup',
  title: 'Wazzup24',
  option: 'wazzup',
  settings: z.object({
    crmKey: setting('WAZZUP_CRM_KEY', 'The `crmKey` that Wazzup has of you.', secret()),
  }),
  recognises: value =>
    isRecord(value) &&
    ([value['messages'], value['statuses']].some(each => Array.isArray(each) && each.some(isOfChannel)) ||
      value['test'] === true),
  parse: value => [...itemsIn(value)],
  items: itemsIn,
  // Sent as soon as Wazzup knows the CRM's key.
  signature: {
    secret: 'crmKey',
    headerFault: bearerFault,
  },
})

function* itemsIn(value: unknown): Generator<Item> {
  if (!isRecord(value) || ![...OTHERS, 'messages', 'statuses'].some(name => name in value))
    throw new UnreadableBody('malformed', 'the body is no webhook of Wazzup: messages is missing')
  const { messages, statuses } = body.parse(value)
  const others = OTHERS.filter(name => name in value)
  for (const message of messages) yield itemFrom(message)
  for (const status of statuses) yield known({ kind: 'ignored' as const, reason: 'status', ...withId.parse(status) })
  for (const name of others) yield { kind: 'ignored', reason: `event:${name}` }
}

/** A status has no channel, only a time and a word. */
const isOfChannel = (value: unknown) =>
  isRecord(value) && ('channelId' in value || ('messageId' in value && 'status' in value && 'timestamp' in value))

function itemFrom(value: unknown): Item {
  const told = messageFrom(value)
  if (told === undefined) return { kind: 'ignored', reason: 'invalid:not_an_object' }
  const { messageId } = told
  const ignored = (reason: string): Item => known({ kind: 'ignored' as const, reason, messageId })
  const chatId = chatOf(told)
  if (chatId === undefined) return ignored('invalid:no_chat')
  const isGroup = GROUP.test(told.chatType ?? '')
  const place = known({ account: told.channelId, chatId, isGroup })
  const isCall = told.type === 'missing_call' || told.type === 'call'
  if (told.isEcho && (told.isEdited || told.isDeleted || isCall)) return ignored('from_me')
  if (told.isEcho) return known({ kind: 'own' as const, ...place, messageId, by: 'human' as const })
  if (messageId === undefined) return ignored('invalid:no_id')
  if (isCall) return ignored('call')
  const senderId = isGroup ? told.contact?.phone && personOf(told.contact.phone, told.chatType) : chatId
  const where = known({ ...place, senderId })
  if (told.isDeleted) return { kind: 'revoke', ...where, messageId }
  if (told.isEdited && told.text !== undefined) return { kind: 'edit', ...where, messageId, text: told.text }
  const message = known({
    messageId,
    ...contentOf(told),
    senderId,
    senderName: nameOf(told),
    sentAtMs: told.dateTime,
    replyTo: told.quotedMessage?.messageId ?? told.quotedMessageId,
  })
  return messageItem(place, message, value, told.type)
}

/** Ids of other messengers are numbers too, so the messenger's name is added to them. */
function chatOf({ chatId, chatType }: WazzupMessage): string | undefined {
  if (chatId === undefined) return undefined
  if (chatType === WHATSAPP_GROUP) return chatId.includes('@') ? chatIdFrom(chatId) : `${chatId}@g.us`
  return WHATSAPP.includes(chatType) ? chatIdFrom(chatId) : `${chatId}@${chatType}`
}

/** A phone number is WhatsApp's id of a person; to other messengers it is a number. */
const personOf = (phone: string, chatType: string | undefined) =>
  chatType === WHATSAPP_GROUP ? chatIdFrom(phone) : phone

/** Wazzup writes the number in the place of a missing name. */
function nameOf({ contact, chatId }: WazzupMessage): string | undefined {
  const digits = (value: string | undefined) => value?.replaceAll(/\D/g, '')
  const name = contact?.name
  return name !== undefined && (name === chatId || (digits(name) !== '' && digits(name) === digits(chatId)))
    ? undefined
    : name
}

function contentOf({ type, text: words, contentUri: url }: WazzupMessage): Content {
  const kind = lookUp(TYPES, type) ?? 'unknown'
  const caption = words === '' ? undefined : words
  if (url !== undefined) return { type: kind, text: caption, media: known({ url, fileName: fileNameIn(url) }) }
  return { type: kind, text: kind === 'text' ? words : caption, location: placeIn(type, words) }
}

const fileNameIn = (url: string) =>
  URL.canParse(url) ? (new URL(url).searchParams.get('filename') ?? undefined) : undefined

const COORDINATES = /(-?\d{1,3}(?:\.\d+)?)\s*,\s*(-?\d{1,3}(?:\.\d+)?)/

function placeIn(type: string | undefined, words = ''): Content['location'] {
  const [, latitude, longitude] = (type === 'geo' && COORDINATES.exec(words)) || []
  return latitude === undefined ? undefined : { latitude: Number(latitude), longitude: Number(longitude) }
}
