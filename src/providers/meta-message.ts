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

const messageShape = z.object({
  id,
  from: id,
  from_user_id: id,
  group_id: id,
  timestamp: time,
  type: lenient(z.string()),
  // A forwarded message has a context without an id: that is no reply.
  context: lenient(z.object({ id })),
  text: lenient(z.object({ body: text })),
  image: medium,
  video: medium,
  audio: medium,
  document: medium,
  sticker: medium,
  location: lenient(z.object({ latitude: z.number(), longitude: z.number(), name: filledText, address: filledText })),
  button: lenient(z.object({ payload: id, text })),
  interactive: lenient(
    z.object({ button_reply: reply, list_reply: reply, nfm_reply: lenient(z.object({ body: text })) }),
  ),
  order: lenient(z.object({ text: filledText })),
  edit: lenient(z.object({ original_message_id: id, message: lenient(z.record(z.string(), z.unknown())) })),
  revoke: lenient(z.object({ original_message_id: id })),
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
  const place = known({ account, chatId, isGroup: message.group_id !== undefined })
  if (message.type === 'edit' || message.type === 'revoke')
    return (
      correction(message, { ...place, senderId }) ?? { kind: 'ignored', reason: `invalid:${message.type}`, messageId }
    )
  return known({
    kind: 'message' as const,
    ...place,
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
function correction({ type, edit, revoke }: MetaMessage, where: Place & { senderId?: string }): Item | undefined {
  const original = (type === 'edit' ? edit : revoke)?.original_message_id
  if (original === undefined) return undefined
  if (type === 'revoke') return known({ kind: 'revoke' as const, ...where, messageId: original })
  const changed = messageShape.safeParse(edit?.message)
  const words = changed.success ? contentOf(changed.data).text : undefined
  return words === undefined ? undefined : known({ kind: 'edit' as const, ...where, messageId: original, text: words })
}

/** Users who hide their number have a business-scoped user id only; the suffix is Lull's own. */
function senderOf({ from, from_user_id }: MetaMessage): string | undefined {
  if (from !== undefined) return chatIdFrom(from)
  return from_user_id === undefined ? undefined : `${from_user_id}@bsuid`
}

function contentOf(message: MetaMessage): Content {
  switch (message.type) {
    case 'text':
      return { type: 'text', text: message.text?.body }
    case 'image':
    case 'video':
    case 'document':
    case 'sticker':
      return mediumContent(message.type, message[message.type])
    case 'audio':
      return mediumContent(message.audio?.voice ? 'voice' : 'audio', message.audio)
    case 'location':
      return { type: 'location', location: message.location && known(message.location) }
    case 'button':
      return { type: 'interactive', text: message.button?.text, payloadId: message.button?.payload }
    case 'interactive':
      return interactiveContent(message.interactive)
    case 'order':
      return { type: 'order', text: message.order?.text }
    case 'contacts':
    case 'unsupported':
      return { type: message.type }
    default:
      return { type: 'unknown' }
  }
}

function mediumContent(type: NewMessage['type'], file: MetaMessage['image']): Content {
  const { id: mediaId, url, mime_type: mimeType, filename: fileName, caption } = file ?? {}
  return { type, text: caption, media: known({ id: mediaId, url, mimeType, fileName }) }
}

function interactiveContent(answer: MetaMessage['interactive']): Content {
  const chosen = answer?.button_reply ?? answer?.list_reply
  return { type: 'interactive', text: chosen?.title ?? answer?.nfm_reply?.body, payloadId: chosen?.id }
}
