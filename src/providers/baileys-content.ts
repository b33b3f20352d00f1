/**
 * What a message holds, in WhatsApp's own structure (`proto.Message`): one field, named after its kind, perhaps wrapped in
 * others. Baileys writes it (Evolution API, WAHA's NOWEB), and whatsmeow (WAHA's GOWS), which spells `id` and `url` in
 * capitals. Evolution's Cloud channel puts Meta's field names (`mime_type`, `filename`, `id`) into the same kinds.
 *
 * Sources: https://github.com/WhiskeySockets/Baileys WAProto/WAProto.proto; Baileys' normalizeMessageContent and
 * extractMessageContent for the wrappers; https://github.com/EvolutionAPI/evolution-api whatsapp.business.service.ts.
 */
import { z } from 'zod'
import type { MessageType, NewMessage } from '../batch.js'
import { degrees, filledText, flag, id, isRecord, known, lenient, lookUp, text } from './fields.js'
import { answerIn } from './form-answer.js'
import type { Item, Place } from './provider.js'

type Content = Pick<NewMessage, 'type' | 'text' | 'media' | 'location' | 'payloadId' | 'form'>

/** A message's kind and its fields. */
export interface Holding {
  kind: string
  fields: Fields
  /** The address that a program gave the file, in the clear. */
  mediaUrl?: string | undefined
  /** What a program made of a voice note's sound. */
  transcript?: string | undefined
  /** The id of the message it answers. */
  replyTo?: string | undefined
  /** Why it is no message of its own: it is about another one, or nobody's words. */
  about?: string
  /** The id of the message it is about. */
  original?: string | undefined
  /** What that message says now. */
  words?: string | undefined
}

const context = lenient(z.object({ stanzaId: id, stanzaID: id }))
const selectedRow = z.object({ selectedRowId: id, selectedRowID: id })
const named = lenient(z.object({ title: filledText, description: filledText, productId: id, productID: id }))

const fieldsShape = z.object({
  text,
  caption: filledText,
  contentText: filledText,
  hydratedContentText: filledText,
  description: filledText,
  // An order's note.
  message: filledText,
  url: filledText,
  URL: filledText,
  id,
  mimetype: filledText,
  mime_type: filledText,
  fileName: filledText,
  filename: filledText,
  title: filledText,
  ptt: flag,
  PTT: flag,
  voice: flag,
  degreesLatitude: degrees,
  degreesLongitude: degrees,
  name: filledText,
  address: filledText,
  selectedButtonId: id,
  selectedButtonID: id,
  selectedDisplayText: text,
  selectedId: id,
  selectedID: id,
  singleSelectReply: lenient(selectedRow),
  nativeFlowResponseMessage: lenient(z.object({ name: filledText, paramsJson: text, paramsJSON: text })),
  body: lenient(z.union([z.string(), z.object({ text }).transform(told => told.text)])),
  product: named,
  catalog: named,
  groupName: filledText,
  contextInfo: context,
})

type Fields = z.infer<typeof fieldsShape>

const keyShape = lenient(z.object({ id, ID: id }))
const protocol = z.object({
  key: keyShape,
  type: lenient(z.union([z.string(), z.number()])),
  editedMessage: lenient(z.record(z.string(), z.unknown())),
})

/** Around the message itself: a `FutureProofMessage`, or what the phone sent to itself. */
const WRAPPERS = [
  'ephemeralMessage',
  'viewOnceMessage',
  'viewOnceMessageV2',
  'viewOnceMessageV2Extension',
  'documentWithCaptionMessage',
  'deviceSentMessage',
  'editedMessage',
  'associatedChildMessage',
  'groupStatusMessage',
  'groupStatusMessageV2',
  'groupMentionedMessage',
  'lottieStickerMessage',
  'botInvokeMessage',
  'botTaskMessage',
  'botForwardedMessage',
  'pollCreationMessageV4',
  'pollCreationOptionImageMessage',
  'eventCoverImage',
  'questionMessage',
  'questionReplyMessage',
  'statusAddYours',
  'commentMessage',
]
const VIEW_ONCE = ['viewOnceMessage', 'viewOnceMessageV2', 'viewOnceMessageV2Extension']
/** Wrappers in wrappers are unwrapped this often; Baileys stops at 5. */
const DEEPEST = 8

/** Beside the message itself. */
const NO_KINDS = ['messageContextInfo', 'contextInfo', 'senderKeyDistributionMessage', 'base64', 'mediaUrl']

/** About another message, or nobody's words; the reason it is ignored for. */
const ABOUT: Record<string, string> = {
  reactionMessage: 'reaction',
  encReactionMessage: 'reaction',
  pollUpdateMessage: 'poll_vote',
  pollResultSnapshotMessage: 'poll_result',
  pollResultSnapshotMessageV3: 'poll_result',
  keepInChatMessage: 'keep_in_chat',
  pinInChatMessage: 'pin',
  encEventResponseMessage: 'event_response',
  eventResponseMessage: 'event_response',
  encCommentMessage: 'comment:encrypted',
  // The pictures of an album follow, each as a message.
  albumMessage: 'album',
  secretEncryptedMessage: 'edit:encrypted',
  call: 'call',
  bcallMessage: 'call',
  callLogMesssage: 'call',
  callLogMessage: 'call',
  scheduledCallCreationMessage: 'call',
  scheduledCallEditMessage: 'call',
  messageHistoryBundle: 'history',
  messageHistoryNotice: 'history',
  fastRatchetKeySenderKeyDistributionMessage: 'protocol',
  limitSharingMessage: 'protocol',
  stickerSyncRmrMessage: 'system',
  requestPhoneNumberMessage: 'system',
  statusNotificationMessage: 'system',
  statusMentionMessage: 'status_mention',
  groupStatusMentionMessage: 'status_mention',
  statusStickerInteractionMessage: 'reaction',
  systemMessage: 'system',
}

/** `proto.Message.ProtocolMessage.Type` */
const REVOKE = [0, 'REVOKE']

const FILES: Record<string, MessageType> = {
  imageMessage: 'image',
  videoMessage: 'video',
  ptvMessage: 'video',
  audioMessage: 'audio',
  documentMessage: 'document',
  stickerMessage: 'sticker',
}

/** What buttons and templates carry instead of their own text (Baileys' extractMessageContent). */
const HEADERS = ['imageMessage', 'documentMessage', 'videoMessage', 'locationMessage']
const TEMPLATES = ['hydratedFourRowTemplate', 'hydratedTemplate', 'fourRowTemplate', 'interactiveMessageTemplate']

/** The one field of a message that is its kind; `undefined` where there is none. */
export function holdingOf(message: unknown, depth = 0): Holding | undefined {
  if (!isRecord(message) || depth > DEEPEST) return undefined
  const holding = unwrapped(message, depth) ?? own(message, depth)
  if (holding === undefined) return undefined
  const { data: outer } = context.safeParse(message['contextInfo'])
  const { data: mediaUrl } = filledText.safeParse(message['mediaUrl'])
  const { data: transcript } = filledText.safeParse(message['speechToText'])
  return {
    ...holding,
    mediaUrl: holding.mediaUrl ?? mediaUrl,
    transcript: holding.transcript ?? transcript,
    replyTo: holding.replyTo ?? outer?.stanzaId ?? outer?.stanzaID,
  }
}

function unwrapped(message: Record<string, unknown>, depth: number): Holding | undefined {
  const wrapper = WRAPPERS.find(name => isRecord(message[name]))
  if (wrapper === undefined) return undefined
  const inner = message[wrapper]
  const holding = holdingOf(isRecord(inner) && 'message' in inner ? inner['message'] : inner, depth + 1)
  // Linked devices get an empty one for what may be seen once.
  return holding ?? (VIEW_ONCE.includes(wrapper) ? PLACEHOLDER : undefined)
}

function own(message: Record<string, unknown>, depth: number): Holding | undefined {
  if (isRecord(message['protocolMessage'])) return correctionOf(message['protocolMessage'], depth)
  const said = message['conversation']
  if (typeof said === 'string' && said !== '')
    return { kind: 'conversation', fields: { ...NOTHING, text: said }, words: said }
  const kind = Object.keys(message).find(name => !NO_KINDS.includes(name) && isRecord(message[name]))
  if (kind === undefined) return typeof said === 'string' ? { kind: 'conversation', fields: NOTHING } : undefined
  const carried = carriedBy(kind, message[kind], depth)
  if (carried !== undefined) return carried
  const about = lookUp(ABOUT, kind)
  const fields = fieldsShape.parse(message[kind])
  const { contextInfo } = fields
  const words = fields.text ?? fields.caption ?? fields.contentText ?? fields.hydratedContentText
  const replyTo = contextInfo?.stanzaId ?? contextInfo?.stanzaID
  return { kind, fields, words, replyTo, ...(about === undefined ? {} : { about }) }
}

/** The medium or place that buttons and templates stand below. */
function carriedBy(kind: string, value: unknown, depth: number): Holding | undefined {
  if (kind !== 'buttonsMessage' && kind !== 'templateMessage') return undefined
  if (!isRecord(value)) return undefined
  const template = kind === 'templateMessage' ? TEMPLATES.map(name => value[name]).find(isRecord) : undefined
  const inner = template ?? value
  const header = HEADERS.find(name => isRecord(inner[name]))
  if (header !== undefined) return holdingOf({ [header]: inner[header] }, depth + 1)
  return template && { kind, ...wordsIn(fieldsShape.parse(template)) }
}

const wordsIn = (fields: Fields) => ({ fields, words: fields.contentText ?? fields.hydratedContentText ?? fields.text })

const NOTHING = fieldsShape.parse({})

/** In the place of what linked devices may not see: it is to be seen once, on the phone. */
export const PLACEHOLDER: Holding = { kind: 'placeholderMessage', fields: NOTHING }

function correctionOf(value: unknown, depth: number): Holding {
  const { key, type, editedMessage } = protocol
    .catch({ key: undefined, type: undefined, editedMessage: undefined })
    .parse(value)
  const about = REVOKE.some(each => each === type) ? 'revoke' : editedMessage ? 'edit' : 'protocol'
  const words = holdingOf(editedMessage, depth + 1)?.words
  return { kind: 'protocolMessage', fields: NOTHING, about, original: key?.id ?? key?.ID, words }
}

/** An edit or a revocation of another message; `undefined` where it is neither, or does not say of which. */
export function correctionItem(
  { about, original, words }: Holding,
  where: Place & { senderId?: string },
): Item | undefined {
  if (original === undefined) return undefined
  if (about === 'revoke') return { kind: 'revoke', ...where, messageId: original }
  return about !== 'edit' || words === undefined
    ? undefined
    : { kind: 'edit', ...where, messageId: original, text: words }
}

export function contentOf(holding: Holding): Content {
  const { kind, fields, words } = holding
  const file = lookUp(FILES, kind)
  if (file !== undefined) return fileContent(file, holding)
  switch (kind) {
    case 'conversation':
    case 'extendedTextMessage':
      return { type: 'text', text: fields.text }
    case 'locationMessage':
    case 'liveLocationMessage':
      return { type: 'location', text: fields.caption, location: locationOf(fields) }
    case 'contactMessage':
    case 'contactsArrayMessage':
      return { type: 'contacts' }
    case 'buttonsResponseMessage':
    case 'templateButtonReplyMessage':
      return { type: 'interactive', text: fields.selectedDisplayText, payloadId: buttonOf(fields) }
    case 'listResponseMessage':
      return { type: 'interactive', text: fields.title ?? fields.description, payloadId: rowOf(fields) }
    case 'interactiveResponseMessage':
      return flowContent(fields)
    case 'buttonsMessage':
    case 'templateMessage':
    case 'listMessage':
    case 'interactiveMessage':
      return { type: 'interactive', text: words ?? fields.body ?? fields.description ?? fields.title }
    case 'orderMessage':
      return { type: 'order', text: fields.message }
    case 'productMessage':
      return productContent(fields)
    case 'pollCreationMessage':
    case 'pollCreationMessageV2':
    case 'pollCreationMessageV3':
    case 'pollCreationMessageV5':
    case 'eventMessage':
      return { type: 'unknown', text: fields.name }
    case 'groupInviteMessage':
      return { type: 'unknown', text: fields.caption ?? fields.groupName }
    case 'placeholderMessage':
    case 'unsupportedMessage':
      return { type: 'unsupported' }
    default:
      return { type: 'unknown', text: words ?? fields.body ?? fields.title ?? fields.message }
  }
}

const buttonOf = ({ selectedButtonId, selectedButtonID, selectedId, selectedID }: Fields) =>
  selectedButtonId ?? selectedButtonID ?? selectedId ?? selectedID

const rowOf = ({ singleSelectReply }: Fields) => singleSelectReply?.selectedRowId ?? singleSelectReply?.selectedRowID

/** A reply to a native flow: a button's id and text, or what was filled in. */
function flowContent({ body, nativeFlowResponseMessage: flow }: Fields): Content {
  const { payloadId, label, form, text: filledIn } = answerIn(flow?.paramsJson ?? flow?.paramsJSON)
  return known({ type: 'interactive' as const, text: filledIn ?? body ?? label, payloadId, form })
}

function productContent({ product, catalog, body }: Fields): Content {
  const { title, productId, productID } = product ?? catalog ?? {}
  return { type: 'order', text: body ?? title, payloadId: productId ?? productID }
}

/** WhatsApp stores files encrypted: the program that sent the webhook fetches them, by the message's id. */
function fileContent(type: MessageType, { fields, mediaUrl, transcript }: Holding): Content {
  const { fileName, filename, title, caption } = fields
  const name = fileName ?? filename ?? (type === 'document' ? title : undefined)
  const url = mediaUrl ?? fields.url ?? fields.URL
  const media = known({ id: fields.id, url, mimeType: fields.mimetype ?? fields.mime_type, fileName: name })
  const isVoice = type === 'audio' && (fields.ptt || fields.PTT || fields.voice)
  return { type: isVoice ? 'voice' : type, text: caption ?? transcript, media }
}

function locationOf({ degreesLatitude, degreesLongitude, name, address }: Fields): Content['location'] {
  if (degreesLatitude === undefined || degreesLongitude === undefined) return undefined
  return known({ latitude: degreesLatitude, longitude: degreesLongitude, name, address })
}
