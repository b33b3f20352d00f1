/**
 * One message of Meta's Cloud API, by its `type`:
 * https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages
 *
 * The sender's name stands beside the messages, in the change's `contacts`, whose order is its own.
 */
import { z } from 'zod'
import type { NewMessage } from '../batch.js'
import { chatIdFrom } from './chat-id.js'
import { filledText, flag, id, known, lenient, text, time } from './fields.js'
import type { Item, Place } from './provider.js'

const medium = lenient(
  z.object({ id, url: filledText, mime_type: filledText, filename: filledText, caption: filledText, voice: flag }),
)
const reply = lenient(z.object({ id, title: text }))

const idAlone = lenient(z.object({ id }))
const words = lenient(z.object({ body: text }))
const place = lenient(z.object({ latitude: z.number(), longitude: z.number(), name: filledText, address: filledText }))
const button = lenient(z.object({ payload: id, text }))
const interactive = lenient(z.object({ button_reply: reply, list_reply: reply, nfm_reply: words }))
const order = lenient(z.object({ text: filledText }))
const edit = lenient(z.object({ original_message_id: id, message: lenient(z.record(z.string(), z.unknown())) }))
const revoke = lenient(z.object({ original_message_id: id }))

/** What a message's type names is read when that is known: of a dozen kinds it holds one. */
const unread = z.unknown().optional()

const messageShape = z.object({
  id,
  from: id,
  from_user_id: id,
  group_id: id,
  timestamp: time,
  type: text,
  // A forwarded message has a context without an id: that is no reply.
  context: idAlone,
  text: unread,
  image: unread,
  video: unread,
  audio: unread,
  document: unread,
  sticker: unread,
  location: unread,
  button: unread,
  interactive: unread,
  order: unread,
  edit: unread,
  revoke: unread,
})

type MetaMessage = z.infer<typeof messageShape>
type Content = Pick<NewMessage, 'type' | 'text' | 'media' | 'location' | 'payloadId'>

const contact = z.object({ wa_id: id, user_id: id, profile: lenient(z.object({ name: filledText })) })

/** Names by phone number and by business-scoped user id. */
export type Names = ReadonlyMap<string, string>

export function contactsIn(contacts: unknown[]): Names {
  const names = new Map<string, string>()
  for (const each of contacts) {
    const parsed = contact.safeParse(each)
    const name = parsed.data?.profile?.name
    if (name === undefined) continue
    for (const key of [parsed.data?.wa_id, parsed.data?.user_id]) if (key !== undefined) names.set(key, name)
  }
  return names
}

/** Kinds that are about another message, or nobody's words. */
const NO_MESSAGES = ['system', 'reaction']

export function itemFrom(value: unknown, account: string | undefined, names: Names): Item {
  const parsed = messageShape.safeParse(value)
  if (!parsed.success) return { kind: 'ignored', reason: 'invalid:not_an_object' }
  const message = parsed.data
  const messageId = message.id
  if (messageId === undefined) return { kind: 'ignored', reason: 'invalid:no_id' }
  if (message.type !== undefined && NO_MESSAGES.includes(message.type))
    return { kind: 'ignored', reason: message.type, messageId }
  const senderId = senderOf(message)
  const chatId = message.group_id === undefined ? senderId : `${message.group_id}@g.us`
  if (chatId === undefined) return { kind: 'ignored', reason: 'invalid:no_chat', messageId }
  const where = known({ account, chatId, isGroup: message.group_id !== undefined })
  if (message.type === 'edit' || message.type === 'revoke')
    return (
      correction(message, { ...where, senderId }) ?? { kind: 'ignored', reason: `invalid:${message.type}`, messageId }
    )
  return known({
    kind: 'message' as const,
    ...where,
    message: known({
      messageId,
      ...contentOf(message),
      senderId,
      senderName: names.get(message.from ?? '') ?? names.get(message.from_user_id ?? ''),
      sentAtMs: message.timestamp,
      replyTo: message.context?.id,
    }),
    raw: value,
  })
}

/**
 * https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/edit and …/revoke:
 * only numbers that are in the Business app too send them.
 */
function correction(message: MetaMessage, where: Place & { senderId?: string }): Item | undefined {
  if (message.type === 'revoke') {
    const messageId = revoke.parse(message.revoke)?.original_message_id
    return messageId === undefined ? undefined : known({ kind: 'revoke' as const, ...where, messageId })
  }
  const { original_message_id: messageId, message: now } = edit.parse(message.edit) ?? {}
  const changed = messageShape.safeParse(now)
  const changedText = changed.success ? contentOf(changed.data).text : undefined
  if (messageId === undefined || changedText === undefined) return undefined
  return known({ kind: 'edit' as const, ...where, messageId, text: changedText })
}

/** Users who hide their number have a business-scoped user id only; the suffix is Lull's own. */
function senderOf({ from, from_user_id }: MetaMessage): string | undefined {
  if (from !== undefined) return chatIdFrom(from)
  return from_user_id === undefined ? undefined : `${from_user_id}@bsuid`
}

function contentOf(message: MetaMessage): Content {
  switch (message.type) {
    case 'text':
      return { type: 'text', text: words.parse(message.text)?.body }
    case 'image':
    case 'video':
    case 'document':
    case 'sticker':
      return mediumContent(message.type, medium.parse(message[message.type]))
    case 'audio': {
      const file = medium.parse(message.audio)
      return mediumContent(file?.voice ? 'voice' : 'audio', file)
    }
    case 'location': {
      const where = place.parse(message.location)
      return { type: 'location', location: where && known(where) }
    }
    case 'button': {
      const pressed = button.parse(message.button)
      return { type: 'interactive', text: pressed?.text, payloadId: pressed?.payload }
    }
    case 'interactive':
      return interactiveContent(interactive.parse(message.interactive))
    case 'order':
      return { type: 'order', text: order.parse(message.order)?.text }
    case 'contacts':
    case 'unsupported':
      return { type: message.type }
    default:
      return { type: 'unknown' }
  }
}

function mediumContent(type: NewMessage['type'], file: z.infer<typeof medium>): Content {
  const { id: mediaId, url, mime_type: mimeType, filename: fileName, caption } = file ?? {}
  return { type, text: caption, media: known({ id: mediaId, url, mimeType, fileName }) }
}

function interactiveContent(answer: z.infer<typeof interactive>): Content {
  const chosen = answer?.button_reply ?? answer?.list_reply
  return { type: 'interactive', text: chosen?.title ?? answer?.nfm_reply?.body, payloadId: chosen?.id }
}
