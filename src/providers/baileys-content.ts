/**
 * A Baileys-shaped message (see `baileys-message.ts`) as Lull's own: its type, text, medium, place, and what was
 * pressed or filled in.
 */
import type { MessageType, NewMessage } from '../batch.js'
import type { Fields, Holding } from './baileys-message.js'
import { sharedContacts } from './contacts.js'
import { known, lookUp } from './fields.js'
import { answerIn } from './form-answer.js'

type Content = Pick<NewMessage, 'type' | 'text' | 'media' | 'location' | 'payloadId' | 'form' | 'contacts'>

const FILES: Record<string, MessageType> = {
  imageMessage: 'image',
  videoMessage: 'video',
  ptvMessage: 'video',
  audioMessage: 'audio',
  documentMessage: 'document',
  stickerMessage: 'sticker',
}

export function contentOf(holding: Holding): Content {
  const { kind, fields, words } = holding
  const file = lookUp(FILES, kind)
  if (file !== undefined) return fileContent(file, holding)
  switch (kind) {
    case 'conversation':
    case 'extendedTextMessage':
      return fields.text ? { type: 'text', text: fields.text } : { type: 'unknown' }
    case 'locationMessage':
    case 'liveLocationMessage':
      return { type: 'location', text: fields.caption, location: locationOf(fields) }
    case 'contactMessage':
      return { type: 'contacts', contacts: sharedContacts([fields]) }
    case 'contactsArrayMessage':
      return { type: 'contacts', contacts: sharedContacts(fields.contacts ?? []) }
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
      // Evolution's Cloud channel uses the second name.
      return { type: 'order', text: fields.message ?? fields.text }
    case 'productMessage':
      return productContent(fields)
    case 'eventMessage':
      return { type: 'unknown', text: fields.name ?? fields.description }
    case 'stickerPackMessage':
      return { type: 'unknown', text: fields.caption ?? fields.name }
    case 'groupInviteMessage':
      return { type: 'unknown', text: fields.caption ?? fields.groupName }
    case 'placeholderMessage':
    case 'unsupportedMessage':
      return { type: 'unsupported' }
    default:
      return { type: 'unknown', text: POLL.test(kind) ? fields.name : (words ?? anyWordsIn(fields)) }
  }
}

/** Each version of a poll has a kind of its own. */
const POLL = /^pollCreationMessage/

const anyWordsIn = ({ body, title, message, note }: Fields) => body ?? title ?? message ?? note

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
