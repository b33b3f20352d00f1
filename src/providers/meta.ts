/**
 * Meta's Cloud API: up to 1000 updates a POST, in entries (a business account each) of changes.
 *
 * https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks. Only what people write, in
 * changes of the field `messages`, becomes messages (`meta-message.ts`); what the business wrote on its phone comes as
 * `smb_message_echoes`.
 */
import { z } from 'zod'
import { anySecret, secret, setting } from '../config/setting.js'
import { chatIdFrom, withScope } from './chat-id.js'
import { id, isRecord, known, lenient, list, text } from './fields.js'
import { Contacts, itemFrom } from './meta-message.js'
import { type Item, UnreadableBody } from './provider.js'
import { reader } from './reader.js'
import { formFault, hmacFault } from './signature.js'
import { signedProvider } from './signed-provider.js'

const OBJECT = 'whatsapp_business_account'

const envelopeFrom = reader(z.object({ object: z.string(), entry: z.array(z.unknown()) }))
const entryFrom = reader(z.object({ changes: list }))
const changeFrom = reader(
  z.object({
    field: z.string(),
    value: z.object({
      metadata: lenient(z.object({ phone_number_id: id })),
      contacts: list,
      messages: list,
      statuses: list,
      errors: list,
      message_echoes: list,
    }),
  }),
)

const idIn = reader(z.object({ id }))
const echoFrom = reader(z.object({ id, to: id, to_user_id: id, type: text }))

/** Kinds of own messages that are not an answer to a person. */
const NO_ANSWERS = ['edit', 'revoke', 'reaction']

export const meta = signedProvider({
  name: 'meta',
  title: 'Meta Cloud API',
  option: 'meta',
  settings: z.object({
    appSecret: setting('WHATSAPP_APP_SECRET', 'Meta’s app secret, with which it signs each webhook.', secret()),
    verifyToken: setting(
      'WHATSAPP_VERIFY_TOKEN',
      'The words that Meta repeats in its GET when it verifies the address.',
      anySecret(),
    ),
  }),
  recognises: body => isRecord(body) && typeof body['object'] === 'string' && Array.isArray(body['entry']),
  parse: body => [...itemsIn(body)],
  items: itemsIn,
  // https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/create-webhook-endpoint
  signature: {
    secret: 'appSecret',
    headerFault: formFault('X-Hub-Signature-256', /^sha256=[0-9a-f]{64}$/),
    fault: hmacFault('X-Hub-Signature-256', 'sha256', 'sha256='),
  },
})

function* itemsIn(body: unknown): Generator<Item> {
  const envelope = envelopeFrom(body)
  if (envelope === undefined)
    throw new UnreadableBody('malformed', 'the body is no webhook of Meta: object or entry is missing')
  if (envelope.object !== OBJECT)
    throw new UnreadableBody(
      'unsupported_object',
      `object=${JSON.stringify(envelope.object.slice(0, 80))} is not "${OBJECT}": subscribe this address to that object only`,
    )
  for (const each of envelope.entry) {
    const entry = entryFrom(each)
    if (isRecord(each) && Array.isArray(each['standby'])) yield* standbyItems(each['standby'])
    else if (entry === undefined) yield invalid('no_changes')
    else for (const change of entry.changes) yield* itemsOfChange(change)
  }
}

function* itemsOfChange(each: unknown): Generator<Item> {
  const change = changeFrom(each)
  if (change === undefined) {
    yield invalid('no_value')
    return
  }
  const { field, value } = change
  // Another app has control of these chats, so this bot does not answer there.
  if (field === 'standby') {
    yield* standbyItems(value.messages)
    return
  }
  if (field !== 'messages' && field !== 'smb_message_echoes') {
    yield { kind: 'ignored', reason: `other_field:${field.slice(0, 80)}` }
    return
  }
  const { metadata, contacts, messages, statuses, errors, message_echoes } = value
  const account = metadata?.phone_number_id
  const senders = new Contacts(contacts, messages)
  for (const message of messages) yield itemFrom(message, account, senders)
  for (const message of message_echoes) yield echoItem(message, account)
  yield* statusItems(statuses)
  if (errors.length > 0) yield { kind: 'ignored', reason: 'errors' }
  else if (messages.length + message_echoes.length + statuses.length === 0) yield { kind: 'ignored', reason: 'empty' }
}

function standbyItems(messages: unknown[]): Item[] {
  if (messages.length === 0) return [{ kind: 'ignored', reason: 'standby' }]
  return messages.map(message => known({ kind: 'ignored' as const, reason: 'standby', messageId: idIn(message)?.id }))
}

/** One item for each message, since Meta sends `sent`, `delivered` and `read` of one message together. */
function statusItems(statuses: unknown[]): Item[] {
  const ids = new Set(statuses.map(status => idIn(status)?.id))
  return [...ids].map(messageId => known({ kind: 'ignored' as const, reason: 'status', messageId }))
}

function echoItem(message: unknown, account: string | undefined): Item {
  const { id: messageId, to, to_user_id, type } = echoFrom(message) ?? {}
  const chatId = to === undefined ? to_user_id && `${to_user_id}@bsuid` : chatIdFrom(withScope(to) ?? to)
  if (chatId === undefined || NO_ANSWERS.includes(type ?? ''))
    return known({ kind: 'ignored' as const, reason: 'from_me', messageId })
  return known({ kind: 'own' as const, account, chatId, isGroup: false, messageId, by: 'human' as const })
}

const invalid = (what: string): Item => ({ kind: 'ignored', reason: `invalid:${what}` })
