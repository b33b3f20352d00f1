/**
 * The payload of WAHA's message events: the envelope's fields and the engine's own data beside them, and how both
 * become a message. `waha.ts` says which of it is documented.
 */
import { z } from 'zod'
import type { NewMessage } from '../batch.js'
import { contentOf } from './baileys-content.js'
import { type Holding, holdingOf, PLACEHOLDER } from './baileys-message.js'
import { sharedContacts } from './contacts.js'
import { degrees, filledText, flag, id, known, lenient, list, text, time } from './fields.js'
import { reader } from './reader.js'
import { isFile, webType } from './web-kinds.js'

const webKey = lenient(z.object({ id, _serialized: id, fromMe: flag }))
export const anything = z.unknown().optional()

/** The data of the engine: whatsapp-web.js, Baileys (NOWEB) or whatsmeow (GOWS). */
export const engineData = z.object({
  notifyName: filledText,
  pushName: filledText,
  // WEBJS
  type: text,
  subtype: text,
  // The words of a text, or a picture of a file.
  body: text,
  caption: filledText,
  pollName: filledText,
  eventName: filledText,
  comment: filledText,
  inviteGrpName: filledText,
  orderTitle: filledText,
  protocolMessageKey: webKey,
  selectedButtonId: id,
  selectedId: id,
  selectedRowId: id,
  listResponse: lenient(z.object({ title: filledText, singleSelectReply: lenient(z.object({ selectedRowId: id })) })),
  isViewOnce: flag,
  // NOWEB
  key: lenient(
    z.object({
      remoteJidAlt: id,
      senderPn: id,
      senderLid: id,
      participantAlt: id,
      participantPn: id,
      participantLid: id,
      isViewOnce: flag,
    }),
  ),
  message: anything,
  messageStubType: lenient(z.union([z.number(), z.string()])),
  // GOWS
  Message: anything,
  IsViewOnce: flag,
  IsUnavailable: flag,
  Info: lenient(
    z.object({
      PushName: filledText,
      Sender: id,
      SenderAlt: id,
      RecipientAlt: id,
      MediaType: text,
      Type: text,
    }),
  ),
})

const payloadShape = z.object({
  id,
  timestamp: time,
  from: id,
  to: id,
  fromMe: flag,
  source: lenient(z.string()),
  participant: id,
  body: text,
  hasMedia: flag,
  media: lenient(z.object({ url: filledText, mimetype: filledText, filename: filledText })),
  vCards: list,
  location: lenient(
    z.object({
      latitude: degrees,
      longitude: degrees,
      title: filledText,
      name: filledText,
      description: filledText,
      live: flag,
      address: filledText,
    }),
  ),
  replyTo: lenient(z.object({ id })),
  _data: lenient(engineData),
  // The message that an edit or a revocation is about.
  editedMessageId: id,
  revokedMessageId: id,
})

export type Payload = z.infer<typeof payloadShape>

export const payloadFrom = reader(payloadShape)

export type EngineData = z.infer<typeof engineData>
type Content = Partial<NewMessage>

/** A message in WhatsApp's own structure, if the engine has it. */
export const heldBy = (data: EngineData | undefined) => holdingOf(data?.message) ?? holdingOf(data?.Message)

/** Linked devices do not get a view-once medium: they get a flag, or in WEBJS a message that stays encrypted. */
const isSeenOnce = (data: EngineData | undefined) =>
  data?.isViewOnce ||
  data?.IsViewOnce ||
  data?.IsUnavailable ||
  data?.key?.isViewOnce ||
  (data?.type === 'ciphertext' && /view_?once/.test(data.subtype ?? ''))

export const placeholderIn = ({ hasMedia, body, _data: data }: Payload) =>
  isSeenOnce(data) && !hasMedia && !body ? PLACEHOLDER : undefined

/** The content by the engine's data, with the envelope's media and place; without them, by the envelope alone. */
export function contentFrom(payload: Payload, holding: Holding | undefined): Content {
  const { vCards, _data: data } = payload
  const caption = captionOf(payload)
  const told = holding ? contentOf(holding) : webContent(data)
  const location = placeIn(payload) ?? told?.location
  if (payload.hasMedia || isFile(told?.type)) return mediumContent(payload, { ...told, text: told?.text ?? caption })
  if (location !== undefined)
    return { ...told, type: 'location', text: told?.text ?? captionOfPlace(payload), location }
  // The body of a contact is its vCard.
  if (told?.type === 'contacts' || vCards.length > 0)
    return { type: 'contacts', contacts: sharedContacts(vCards) ?? told?.contacts ?? sharedContacts([payload.body]) }
  if (told?.type === 'text' && !(told.text ?? caption)?.trim()) return { type: 'unknown' }
  if (told !== undefined && told.type !== 'unknown') return { ...told, text: told.text ?? caption }
  return caption === undefined ? { type: 'unknown', text: told?.text } : { type: told?.type ?? 'text', text: caption }
}

/** The envelope's text, or the one in WEBJS's data. */
function captionOf({ body, _data: data }: Payload): string | undefined {
  if (body) return body
  const words = webType(data?.type) === 'text' ? data?.body : data?.caption
  return words || (data?.pollName ?? data?.eventName ?? data?.comment ?? data?.inviteGrpName ?? data?.orderTitle)
}

function webContent(data: EngineData | undefined): Content | undefined {
  if (data?.type === undefined) return undefined
  const { selectedButtonId, selectedId, selectedRowId, listResponse: chosen } = data
  const payloadId = selectedButtonId ?? selectedId ?? selectedRowId ?? chosen?.singleSelectReply?.selectedRowId
  return known({ type: webType(data.type), text: chosen?.title, payloadId })
}

/** A medium keeps the long id: a worker needs it to make WAHA download a file that it has not. */
function mediumContent({ id: long, media, _data: data }: Payload, told: Content): Content {
  const { url, mimetype: mimeType = told.media?.mimeType, filename: fileName = told.media?.fileName } = media ?? {}
  const type = isFile(told.type) ? told.type : (typeOfWord(data?.Info?.MediaType) ?? mediaType(mimeType))
  return { ...told, type, media: known({ id: long, url, mimeType, fileName }) }
}

function placeIn({ location }: Payload): Content['location'] {
  if (location?.latitude === undefined || location.longitude === undefined) return undefined
  const { latitude, longitude, name, title, description, address, live } = location
  return known({ latitude, longitude, name: name ?? title ?? (live ? undefined : description), address })
}

/** The description of a live location is the person's caption, that of any other location the place's name. */
const captionOfPlace = ({ location }: Payload) => (location?.live ? location.description : undefined)

/** whatsmeow's `MediaType`. */
function typeOfWord(word: string | undefined): NewMessage['type'] {
  const type = webType(word)
  return isFile(type) ? type : undefined
}

/** Media that WAHA did not download have no type at all. */
function mediaType(mimeType: string | undefined): NewMessage['type'] {
  if (mimeType === undefined) return 'unknown'
  const [family] = mimeType.split('/')
  return family === 'image' || family === 'video' || family === 'audio' ? family : 'document'
}
