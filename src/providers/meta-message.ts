/**
 * One message of Meta's Cloud API, by its `type`:
 * https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages
 *
 * The sender's name is not in the message but in the change's `contacts`, which may be in another order.
 */
import { z } from 'zod'
import type { NewMessage } from '../batch.js'
import { personIdFrom, samePersonIn, withScope } from './chat-id.js'
import { sharedContacts } from './contacts.js'
import { degrees, filledText, flag, id, known, lenient, list, text, time } from './fields.js'
import { formIn } from './form-answer.js'
import { messageItem } from './message-item.js'
import type { Item, Place } from './provider.js'
import { reader } from './reader.js'

const mediumFrom = reader(
  z.object({ id, url: filledText, mime_type: filledText, filename: filledText, caption: filledText, voice: flag }),
)
const wordsFrom = reader(z.object({ body: text }))
const placeFrom = reader(z.object({ latitude: degrees, longitude: degrees, name: filledText, address: filledText }))
const buttonFrom = reader(z.object({ payload: id, text }))
const reply = lenient(z.object({ id, title: text }))
const product = lenient(z.object({ catalog_id: id, product_retailer_id: id }))
const answerFrom = reader(
  z.object({
    button_reply: reply,
    list_reply: reply,
    // A Flow: `body` is a fixed word ("Sent"), and `response_json` contains what was filled in.
    nfm_reply: lenient(z.object({ name: filledText, body: filledText, response_json: z.unknown().optional() })),
    call_permission_reply: lenient(z.object({ response: filledText })),
    // A product of the catalogue. Where its ids are is inferred: beside it, or as in a message of the business.
    product,
    action: product,
    body: lenient(z.object({ text: filledText })),
  }),
)
const orderFrom = reader(
  z.object({ text: filledText, catalog_id: id, product_items: lenient(z.array(z.record(z.string(), z.unknown()))) }),
)
const editFrom = reader(z.object({ original_message_id: id, message: lenient(z.record(z.string(), z.unknown())) }))
const revokeFrom = reader(z.object({ original_message_id: id }))

/** Only the field that a message's type names is parsed: a message has one of a dozen. */
const unread = z.unknown().optional()

const messageFrom = reader(
  z.object({
    id,
    from: id,
    from_user_id: id,
    from_parent_user_id: id,
    group_id: id,
    timestamp: time,
    type: text,
    // A forwarded message has a context without an id, and is not a reply.
    context: lenient(z.object({ id, referred_product: lenient(z.object({ product_retailer_id: id })) })),
    text: unread,
    image: unread,
    video: unread,
    audio: unread,
    document: unread,
    sticker: unread,
    location: unread,
    contacts: unread,
    button: unread,
    interactive: unread,
    errors: list,
    order: unread,
    edit: unread,
    revoke: unread,
    system: unread,
  }),
)

type MetaMessage = NonNullable<ReturnType<typeof messageFrom>>

const KINDS = ['text', 'image', 'video', 'audio', 'document', 'sticker', 'location', 'contacts', 'button'] as const
const MORE_KINDS = ['interactive', 'order', 'edit', 'revoke', 'system'] as const

/** A message without a type has that of its field. */
function typedFrom(value: unknown): MetaMessage | undefined {
  const message = messageFrom(value)
  if (message === undefined || message.type) return message
  return { ...message, type: [...KINDS, ...MORE_KINDS].find(kind => message[kind] !== undefined) }
}
type Content = Pick<NewMessage, 'type' | 'text' | 'media' | 'location' | 'payloadId' | 'form' | 'contacts'>

const contactFrom = reader(
  z.object({
    wa_id: id,
    user_id: id,
    parent_user_id: id,
    profile: lenient(z.object({ name: filledText, username: filledText })),
  }),
)

type Contact = NonNullable<ReturnType<typeof contactFrom>>

/** The senders of a change's messages, which may be in another order. */
export class Contacts {
  private readonly all: Contact[] = []
  private byId: Map<string, Contact> | undefined
  private readonly areOnePersons: boolean

  /** @param messages of the same change */
  constructor(contacts: unknown[], messages: unknown[]) {
    this.areOnePersons = contacts.length === 1 && haveOneSender(messages)
    for (const each of contacts) {
      const contact = contactFrom(each)
      if (contact) this.all.push(contact)
    }
  }

  /**
   * The sender of a message. A single contact beside the messages of one sender counts even if its `wa_id` differs from
   * `from` (by a ninth digit, say). Beside those of several it is only one's of them.
   */
  of({ from, from_user_id, from_parent_user_id }: MetaMessage): Contact | undefined {
    if (this.areOnePersons) return this.all[0]
    this.byId ??= byIds(this.all)
    for (const key of [from, from_user_id, from_parent_user_id]) {
      const found = key === undefined ? undefined : this.byId.get(key)
      if (found) return found
    }
    return undefined
  }
}

const senderFrom = reader(z.object({ from: id, from_user_id: id }))

/** Nearly all webhooks have one message, which need not be read for that. */
const haveOneSender = (messages: unknown[]) => messages.length === 1 || new Set(messages.map(senderIn)).size === 1

function senderIn(message: unknown): string | undefined {
  const { from, from_user_id } = senderFrom(message) ?? {}
  return from ?? from_user_id
}

function byIds(contacts: Contact[]): Map<string, Contact> {
  const all = new Map<string, Contact>()
  for (const one of contacts)
    for (const key of [one.wa_id, one.user_id, one.parent_user_id]) if (key !== undefined) all.set(key, one)
  return all
}

const systemFrom = reader(
  z.object({
    wa_id: id,
    user_id: id,
    parent_user_id: id,
    previous_user_id: id,
    previous_parent_user_id: id,
  }),
)

export function itemFrom(value: unknown, account: string | undefined, contacts: Contacts): Item {
  const message = typedFrom(value)
  if (message === undefined) return { kind: 'ignored', reason: 'invalid:not_an_object' }
  const messageId = message.id
  if (messageId === undefined) return { kind: 'ignored', reason: 'invalid:no_id' }
  if (message.type === 'reaction') return { kind: 'ignored', reason: message.type, messageId }
  if (message.type === 'system')
    return changedIds(message, account) ?? { kind: 'ignored', reason: message.type, messageId }
  const told = contacts.of(message)
  const toldIds = [withScope(told?.wa_id), scoped(told?.user_id), scoped(told?.parent_user_id)]
  const ids = [...idsOf(message), ...toldIds]
  // The contact's ids are the sender's, if the message has none.
  const senderId = personIdFrom(...idsOf(message)) ?? personIdFrom(...toldIds)
  const chatId = message.group_id === undefined ? senderId : `${message.group_id}@g.us`
  if (chatId === undefined) return { kind: 'ignored', reason: 'invalid:no_chat', messageId }
  const where = known({
    account,
    chatId,
    isGroup: message.group_id !== undefined,
    samePerson: samePersonIn(...ids),
  })
  if (message.type === 'edit' || message.type === 'revoke')
    return (
      correction(message, { ...where, senderId }) ?? { kind: 'ignored', reason: `invalid:${message.type}`, messageId }
    )
  const read = known({
    messageId,
    ...contentOf(message),
    senderId,
    senderName: told?.profile?.name ?? told?.profile?.username,
    sentAtMs: message.timestamp,
    replyTo: message.context?.id,
  })
  // A question about a product of the catalogue: the product is named beside the text.
  const asked = message.context?.referred_product?.product_retailer_id
  return messageItem(where, asked === undefined ? read : { payloadId: asked, ...read }, value, message.type)
}

/**
 * A person's user id has changed (`user_changed_user_id`), perhaps with the number (`user_changed_number`):
 * https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/system. The old
 * number is left out: it may be given to somebody else.
 */
function changedIds(message: MetaMessage, account: string | undefined): Item | undefined {
  const { wa_id, user_id, parent_user_id, previous_user_id, previous_parent_user_id } = systemFrom(message.system) ?? {}
  const samePerson = samePersonIn(
    withScope(wa_id),
    ...[user_id, parent_user_id, previous_user_id, previous_parent_user_id].map(scoped),
  )
  const [chatId] = samePerson ?? []
  return chatId === undefined
    ? undefined
    : known({
        kind: 'person' as const,
        account,
        chatId,
        isGroup: false,
        samePerson,
        reason: 'system',
        messageId: message.id,
      })
}

/**
 * https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/edit and
 * …/revoke: only numbers that are in the Business app too send them.
 */
function correction(message: MetaMessage, where: Place & { senderId?: string }): Item | undefined {
  if (message.type === 'revoke') {
    const messageId = revokeFrom(message.revoke)?.original_message_id
    return messageId === undefined ? undefined : known({ kind: 'revoke' as const, ...where, messageId })
  }
  const { original_message_id: messageId, message: now } = editFrom(message.edit) ?? {}
  const changed = typedFrom(now)
  const changedText = changed && contentOf(changed).text
  if (messageId === undefined || changedText === undefined) return undefined
  return known({ kind: 'edit' as const, ...where, messageId, text: changedText })
}

const scoped = (userId: string | undefined) => userId && `${userId}@bsuid`

/** Users who hide their number have only user ids. */
function idsOf({ from, from_user_id, from_parent_user_id }: MetaMessage): (string | undefined)[] {
  return [withScope(from), scoped(from_user_id), scoped(from_parent_user_id)]
}

function contentOf(message: MetaMessage): Content {
  switch (message.type) {
    case 'text':
      return { type: 'text', text: wordsFrom(message.text)?.body }
    case 'image':
    case 'video':
    case 'document':
    case 'sticker':
      return mediumContent(message.type, mediumFrom(message[message.type]))
    case 'audio': {
      const file = mediumFrom(message.audio)
      return mediumContent(file?.voice ? 'voice' : 'audio', file)
    }
    case 'location': {
      const where = placeFrom(message.location)
      return { type: 'location', location: where && placeOf(where) }
    }
    case 'button': {
      const pressed = buttonFrom(message.button)
      return { type: 'interactive', text: pressed?.text, payloadId: pressed?.payload }
    }
    case 'interactive':
      return interactiveContent(answerFrom(message.interactive))
    case 'unknown':
      // The Cloud API's `unsupported` of before v13: recognised by its error.
      return { type: message.errors.length > 0 ? 'unsupported' : 'unknown' }
    case 'order': {
      const { text: note, ...basket } = orderFrom(message.order) ?? {}
      return known({ type: 'order' as const, text: note, form: basket.product_items && known(basket) })
    }
    case 'contacts':
      return { type: 'contacts', contacts: sharedContacts(list.parse(message.contacts)) }
    case 'unsupported':
      return { type: 'unsupported' }
    default:
      return { type: 'unknown' }
  }
}

function placeOf({
  latitude,
  longitude,
  name,
  address,
}: NonNullable<ReturnType<typeof placeFrom>>): Content['location'] {
  return latitude === undefined || longitude === undefined ? undefined : known({ latitude, longitude, name, address })
}

function mediumContent(type: NewMessage['type'], file: ReturnType<typeof mediumFrom>): Content {
  const { id: mediaId, url, mime_type: mimeType, filename: fileName, caption } = file ?? {}
  return { type, text: caption, media: known({ id: mediaId, url, mimeType, fileName }) }
}

function interactiveContent(answer: ReturnType<typeof answerFrom>): Content {
  const chosen = answer?.button_reply ?? answer?.list_reply
  if (chosen !== undefined) return { type: 'interactive', text: chosen.title, payloadId: chosen.id }
  const permission = answer?.call_permission_reply?.response
  if (permission !== undefined) return { type: 'interactive', text: permission, payloadId: permission }
  const reply = answer?.nfm_reply
  if (reply !== undefined) return formContent(reply)
  const words = answer?.body?.text
  const shown = [answer?.product, answer?.action].find(each => each?.product_retailer_id !== undefined)
  if (shown === undefined) return { type: 'unknown', text: words }
  return known({ type: 'order' as const, text: words, payloadId: shown.product_retailer_id, form: known(shown) })
}

/** The other forms than a Flow (`address_message`) say in words what was filled in. */
function formContent({
  name,
  body,
  response_json,
}: {
  name?: string
  body?: string
  response_json?: unknown
}): Content {
  const { form, text: lines } = formIn(response_json)
  const isFlow = name === undefined || name === 'flow'
  return known({ type: 'interactive' as const, text: isFlow ? (lines ?? body) : (body ?? lines), form })
}
