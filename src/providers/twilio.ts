/**
 * Twilio: one message a POST, as form data. https://www.twilio.com/docs/messaging/guides/webhook-request
 *
 * The account is the number that was written to. Own messages come back only as status callbacks, and only the bot can
 * write from a number at Twilio.
 */
import { z } from 'zod'
import type { MessageType, NewMessage } from '../batch.js'
import { publicUrl } from '../config/public-url.js'
import { secret, setting } from '../config/setting.js'
import { formFields } from '../http/form.js'
import { missingPackage } from '../optional-package.js'
import { chatIdFrom, samePersonIn, withScope } from './chat-id.js'
import { degrees, filledText, id, isRecord, known, lenient, lookUp, text } from './fields.js'
import { formIn } from './form-answer.js'
import { messageItem } from './message-item.js'
import { type Fault, type Item, type SignedRequest, UnreadableBody } from './provider.js'
import { reader } from './reader.js'
import { formFault, missing } from './signature.js'
import { signedProvider } from './signed-provider.js'

const form = z.object({
  MessageSid: id,
  SmsMessageSid: id,
  From: id,
  WaId: id,
  // Meta's business-scoped ids of the sender, if Twilio sends them.
  ExternalUserId: id,
  ParentExternalUserId: id,
  To: id,
  Body: text,
  ProfileName: filledText,
  MessageType: lenient(z.string()),
  MessageStatus: filledText,
  SmsStatus: filledText,
  EventType: filledText,
  NumMedia: lenient(z.coerce.number().int()),
  Latitude: degrees,
  Longitude: degrees,
  Label: filledText,
  Address: filledText,
  ButtonText: filledText,
  ButtonPayload: id,
  ListId: id,
  ListTitle: filledText,
  // What was filled in, in a form of WhatsApp's (`whatsapp/flows`) or of Twilio's (`twilio/flows`): inferred.
  InteractiveData: filledText,
  FlowData: filledText,
  OriginalRepliedMessageSid: id,
})

const formFrom = reader(form)

type Form = z.infer<typeof form>
type Content = Pick<NewMessage, 'type' | 'text' | 'media' | 'location' | 'payloadId' | 'form'>

const CHANNEL = /^whatsapp:/i
const MOST_MEDIA = 10

const FAMILIES: Record<string, MessageType> = { image: 'image', video: 'video', audio: 'audio' }
const VCARD = /^text\/(?:x-)?vcard/

const TYPES: Record<string, MessageType> = {
  text: 'text',
  image: 'image',
  video: 'video',
  audio: 'audio',
  document: 'document',
  sticker: 'sticker',
  location: 'location',
  contacts: 'contacts',
  contact: 'contacts',
  interactive: 'interactive',
  button: 'interactive',
  order: 'order',
  unsupported: 'unsupported',
}

export const twilio = signedProvider({
  name: 'twilio',
  title: 'Twilio',
  option: 'twilio',
  settings: z.object({
    authToken: setting('TWILIO_AUTH_TOKEN', 'The account’s auth token.', secret()),
    publicUrl,
  }),
  recognises: body =>
    isRecord(body) && typeof body['MessageSid'] === 'string' && typeof body['AccountSid'] === 'string',
  parse(body) {
    if (!isRecord(body) || !('MessageSid' in body || 'SmsMessageSid' in body))
      throw new UnreadableBody('malformed', 'the body is no webhook of Twilio: MessageSid is missing')
    return itemsOf(formFrom(body) ?? {}, body)
  },
  signature: {
    secret: 'authToken',
    needs: {
      option: 'publicUrl',
      because: 'Twilio signs the address it posts to',
      remedy: 'set it to how the outside sees the API, https://your.host say',
    },
    headerFault: formFault('X-Twilio-Signature', /^[A-Za-z0-9+/]{27}=$/),
    fault,
  },
})

function itemsOf(told: Form, body: Record<string, unknown>): Item[] {
  const messageId = told.MessageSid ?? told.SmsMessageSid
  const ignored = (reason: string): Item[] => [known({ kind: 'ignored' as const, reason, messageId })]
  // An event of Twilio's Conversations API, another product: `onMessageAdded`. A status has `DELIVERED` or `READ`.
  if (told.EventType?.startsWith('on')) return ignored('other_channel')
  const isStatus = told.SmsStatus !== undefined && told.SmsStatus !== 'received'
  if (told.EventType !== undefined || told.MessageStatus !== undefined || isStatus) return ignored('status')
  if (!CHANNEL.test(told.From ?? '')) return ignored('other_channel')
  if (told.MessageType === 'reaction') return ignored('reaction')
  if (messageId === undefined) return ignored('invalid:no_id')
  const chatId = userOf(told.From ?? '')
  if (chatId === undefined) return ignored('invalid:no_chat')
  const ids = [chatId, withScope(told.WaId), scoped(told.ExternalUserId), scoped(told.ParentExternalUserId)]
  const place = known({ account: told.To, chatId, isGroup: false, samePerson: samePersonIn(...ids) })
  const common = { senderId: chatId, senderName: told.ProfileName, replyTo: told.OriginalRepliedMessageSid }
  const [first, ...more] = mediaOf(told, body)
  const message = known({ messageId, ...common, ...contentOf(told, first) })
  return [
    messageItem(place, message, body, told.MessageType),
    ...more.map((media, i) => {
      const another = known({ messageId: `${messageId}/${i + 1}`, ...common, type: typeOf(media.mimeType), media })
      return messageItem(place, another, body, media.mimeType)
    }),
  ]
}

const scoped = (userId: string | undefined) => userId && `${userId}@bsuid`

/** People who hide their number have a business-scoped user id in its place. */
const userOf = (from: string) => chatIdFrom(withScope(from.replace(CHANNEL, '')) ?? '')

type Medium = NonNullable<NewMessage['media']>

function mediaOf({ NumMedia = 0 }: Form, body: Record<string, unknown>): Medium[] {
  return Array.from({ length: Math.min(Math.max(NumMedia, 0), MOST_MEDIA) }, (_, i) => ({
    url: filledText.parse(body[`MediaUrl${i}`]),
    mimeType: filledText.parse(body[`MediaContentType${i}`]),
  })).flatMap(media => (media.url === undefined ? [] : [known(media)]))
}

function contentOf(told: Form, media: Medium | undefined): Content {
  const { form, text: filledIn } = formIn(told.InteractiveData ?? told.FlowData)
  const words = told.ButtonText ?? told.ListTitle ?? filledIn ?? (told.Body === '' ? undefined : told.Body)
  const { Latitude: latitude, Longitude: longitude, Label: name, Address: address } = told
  const isPlace = latitude !== undefined && longitude !== undefined
  const type =
    lookUp(TYPES, told.MessageType) ??
    (media ? typeOf(media.mimeType) : isPlace ? 'location' : words ? 'text' : 'unknown')
  return {
    type,
    text: words,
    form,
    payloadId: told.ButtonPayload ?? told.ListId,
    media,
    location: isPlace ? known({ latitude, longitude, name, address }) : undefined,
  }
}

const typeOf = (mimeType: string | undefined): MessageType =>
  mimeType === undefined
    ? 'unknown'
    : VCARD.test(mimeType)
      ? 'contacts'
      : (lookUp(FAMILIES, mimeType.split('/')[0]) ?? 'document')

/**
 * https://www.twilio.com/docs/usage/security#validating-requests. Twilio signs the address that it was given, and the
 * form's fields; for JSON, a digest in that address. Twilio's own library checks it, because it knows how the address
 * may change on the way: it tries six forms of it. It sorts the fields, joins them and takes an HMAC for each form,
 * which is linear in the bytes of a form, and a form has bounds.
 */
async function fault(
  request: SignedRequest,
  token: string,
  { publicUrl = '' }: { publicUrl?: string | undefined },
): Promise<Fault | undefined> {
  const signature = request.header('x-twilio-signature')
  if (!signature) return missing('X-Twilio-Signature')
  const { validateRequest, validateRequestWithBody } = await checker()
  const text = request.body.toString('utf8')
  const addresses = addressesOf(request.url ?? '/', publicUrl)
  const isDigest = addresses.every(address => address.includes('bodySHA256='))
  const params = isDigest ? {} : fieldsOf(text)
  const isRight = addresses.some(address =>
    isDigest
      ? validateRequestWithBody(token, signature, address, text)
      : validateRequest(token, signature, address, params),
  )
  if (isRight) return undefined
  return { reason: 'mismatch', message: 'X-Twilio-Signature does not match the address and the body' }
}

/** The address under the public URL. A proxy in front may strip the path of the public URL, or not. */
function addressesOf(url: string, publicUrl: string): string[] {
  const path = url.replace(/^[a-z]+:\/\/[^/]*/i, '')
  const base = publicUrl.replace(/\/+$/, '')
  const origin = URL.canParse(base) ? new URL(base).origin : base
  return [...new Set([base + path, origin + path])]
}

/**
 * A field that comes twice is a list of its values.
 * @throws {Refusal} 413 for more fields or bytes than a form may have
 */
function fieldsOf(text: string): Record<string, string | string[]> {
  const fields = new Map<string, string[]>()
  for (const [name, value] of formFields(text)) {
    const values = fields.get(name)
    if (values === undefined) fields.set(name, [value])
    else values.push(value)
  }
  return Object.fromEntries(
    [...fields].map(([name, values]) => [name, values.length === 1 ? (values[0] ?? '') : values]),
  )
}

/** Only one file of Twilio's library is loaded: the rest of it, with its dependencies, is large. */
async function checker() {
  try {
    return await import('twilio/lib/webhooks/webhooks.js')
  } catch (error) {
    throw missingPackage(
      error,
      'TWILIO_AUTH_TOKEN is set, and the package twilio, which checks its signatures, is not installed: npm install twilio',
    )
  }
}
