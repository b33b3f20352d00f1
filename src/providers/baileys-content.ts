/**
 * What a message holds, in WhatsApp's own structure (`proto.Message`) as Baileys and what is built on it pass it on: one
 * field, named after its kind, perhaps wrapped in others.
 * https://github.com/WhiskeySockets/Baileys/blob/master/WAProto/WAProto.proto
 */
import { z } from 'zod'
import type { MessageType, NewMessage } from '../batch.js'
import { filledText, flag, id, isRecord, known, lenient, lookUp, number, text } from './fields.js'

type Content = Pick<NewMessage, 'type' | 'text' | 'media' | 'location' | 'payloadId'>

/** A message's kind and its fields. */
export interface Holding {
  kind: string
  fields: Fields
  /** The address that a program gave the file, in the clear. */
  mediaUrl?: string | undefined
  /** Set where it is about another message, or nobody's words. */
  about?: string
  /** The id of the message it is about. */
  original?: string | undefined
  /** What that message says now. */
  words?: string | undefined
}

const context = lenient(z.object({ stanzaId: id }))

const fieldsShape = z.object({
  text,
  caption: filledText,
  url: filledText,
  mimetype: filledText,
  fileName: filledText,
  title: filledText,
  ptt: flag,
  degreesLatitude: number,
  degreesLongitude: number,
  name: filledText,
  address: filledText,
  selectedButtonId: id,
  selectedDisplayText: text,
  selectedId: id,
  singleSelectReply: lenient(z.object({ selectedRowId: id })),
  body: lenient(z.object({ text })),
  message: lenient(z.record(z.string(), z.unknown())),
  contextInfo: context,
})

type Fields = z.infer<typeof fieldsShape>

const protocol = z.object({
  key: lenient(z.object({ id })),
  type: lenient(z.union([z.string(), z.number()])),
  editedMessage: lenient(z.record(z.string(), z.unknown())),
})

/** Around the message itself. */
const WRAPPERS = [
  'ephemeralMessage',
  'viewOnceMessage',
  'viewOnceMessageV2',
  'viewOnceMessageV2Extension',
  'documentWithCaptionMessage',
  'deviceSentMessage',
  'editedMessage',
]
const DEEPEST = 5

/** Beside the message itself. */
const NO_KINDS = ['messageContextInfo', 'senderKeyDistributionMessage', 'base64', 'mediaUrl', 'speechToText']

/** About another message, or nobody's words. */
const ABOUT: Record<string, string> = {
  reactionMessage: 'reaction',
  encReactionMessage: 'reaction',
  pollUpdateMessage: 'poll_vote',
  keepInChatMessage: 'keep_in_chat',
  pinInChatMessage: 'pin',
  // The pictures of an album follow, each as a message.
  albumMessage: 'album',
  secretEncryptedMessage: 'edit:encrypted',
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

/** The one field of a message that is its kind; `undefined` where there is none. */
export function holdingOf(message: unknown, depth = 0): Holding | undefined {
  if (!isRecord(message) || depth > DEEPEST) return undefined
  const wrapper = WRAPPERS.find(name => isRecord(message[name]))
  if (wrapper !== undefined) return holdingOf(innerOf(message[wrapper]), depth + 1)
  if (isRecord(message['protocolMessage'])) return correctionOf(message['protocolMessage'], depth)
  if (typeof message['conversation'] === 'string')
    return {
      kind: 'conversation',
      fields: { ...NOTHING, text: message['conversation'] },
      words: message['conversation'],
    }
  const kind = Object.keys(message).find(name => !NO_KINDS.includes(name) && isRecord(message[name]))
  if (kind === undefined) return undefined
  const about = lookUp(ABOUT, kind)
  const fields = fieldsShape.parse(message[kind])
  const { data: mediaUrl } = filledText.safeParse(message['mediaUrl'])
  return { kind, fields, mediaUrl, words: fields.text ?? fields.caption, ...(about === undefined ? {} : { about }) }
}

const NOTHING = fieldsShape.parse({})

const innerOf = (wrapper: unknown) => (isRecord(wrapper) && 'message' in wrapper ? wrapper['message'] : wrapper)

function correctionOf(value: unknown, depth: number): Holding {
  const { key, type, editedMessage } = protocol
    .catch({ key: undefined, type: undefined, editedMessage: undefined })
    .parse(value)
  const about = REVOKE.some(each => each === type) ? 'revoke' : editedMessage ? 'edit' : 'protocol'
  const words = holdingOf(editedMessage, depth + 1)?.words
  return { kind: 'protocolMessage', fields: NOTHING, about, original: key?.id, words }
}

export const replyIn = ({ fields }: Holding) => fields.contextInfo?.stanzaId

export function contentOf({ kind, fields, mediaUrl }: Holding): Content {
  const file = lookUp(FILES, kind)
  if (file !== undefined) return fileContent(file, fields, mediaUrl)
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
      return { type: 'interactive', text: fields.selectedDisplayText, payloadId: fields.selectedButtonId }
    case 'templateButtonReplyMessage':
      return { type: 'interactive', text: fields.selectedDisplayText, payloadId: fields.selectedId }
    case 'listResponseMessage':
      return { type: 'interactive', text: fields.title, payloadId: fields.singleSelectReply?.selectedRowId }
    case 'interactiveResponseMessage':
      return { type: 'interactive', text: fields.body?.text }
    case 'orderMessage':
      return { type: 'order' }
    default:
      return { type: 'unknown', text: fields.text ?? fields.caption }
  }
}

/** Files at WhatsApp are encrypted: the program that sent the webhook fetches them, by the message's id. */
function fileContent(type: MessageType, fields: Fields, mediaUrl: string | undefined): Content {
  const { mimetype: mimeType, fileName, title, caption, ptt } = fields
  const name = fileName ?? (type === 'document' ? title : undefined)
  const media = known({ url: mediaUrl ?? fields.url, mimeType, fileName: name })
  return { type: type === 'audio' && ptt ? 'voice' : type, text: caption, media }
}

function locationOf({ degreesLatitude, degreesLongitude, name, address }: Fields): Content['location'] {
  if (degreesLatitude === undefined || degreesLongitude === undefined) return undefined
  return known({ latitude: degreesLatitude, longitude: degreesLongitude, name, address })
}
