/**
 * What a message holds, in WhatsApp's own structure (`proto.Message`): one field, named after its kind, perhaps wrapped
 * in others. This file finds it and reads its fields; `baileys-content.ts` makes Lull's message of them.
 *
 * Three programs write the structure: Baileys (Evolution API, WAHA's NOWEB); whatsmeow (WAHA's GOWS), which spells `ID`
 * and `URL` in capitals, and puts a oneof under its Go name (`Response: { SelectedDisplayText }`); and Evolution's
 * Cloud channel, which puts Meta's field names (`mime_type`, `filename`, `id`) into the same kinds.
 *
 * Documented: the kinds and fields, https://github.com/WhiskeySockets/Baileys WAProto/WAProto.proto; the wrappers, its
 * normalizeMessageContent and extractMessageContent; Go's names, https://github.com/tulir/whatsmeow proto/waE2E and
 * https://github.com/devlikeapro/gows src/server/events.go (encoding/json); the Cloud channel,
 * https://github.com/EvolutionAPI/evolution-api whatsapp.business.service.ts. Inferred: that every field with a
 * `message` is a wrapper, also those that Baileys does not unwrap, and which kinds are about another message.
 */
import { z } from 'zod'
import { degrees, filledText, flag, id, isRecord, lenient, lookUp, text } from './fields.js'
import type { Item, Place } from './provider.js'
import { reader } from './reader.js'

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
  /** Why it is not a message of its own: it is about another message, or no person wrote it. */
  about?: string
  /** The id of the message it is about. */
  original?: string | undefined
  /** The new text of that message. */
  words?: string | undefined
}

const context = lenient(z.object({ stanzaId: id, stanzaID: id }))
const contextFrom = reader(context)
const textFrom = reader(filledText)
const selectedRow = z.object({ selectedRowId: id, selectedRowID: id })
const named = lenient(z.object({ title: filledText, description: filledText, productId: id, productID: id }))

const fieldsShape = z.object({
  text,
  caption: filledText,
  contentText: filledText,
  hydratedContentText: filledText,
  description: filledText,
  // The note of an order, and of a payment.
  message: filledText,
  note: filledText,
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
  displayName: filledText,
  vcard: filledText,
  contacts: lenient(z.array(z.unknown())),
  original_message_id: id,
  contextInfo: context,
})

export type Fields = z.infer<typeof fieldsShape>
const fieldsFrom = reader(fieldsShape)

const keyShape = lenient(z.object({ id, ID: id }))
const protocol = z.object({
  key: keyShape,
  type: lenient(z.union([z.string(), z.number()])),
  editedMessage: lenient(z.record(z.string(), z.unknown())),
})

const VIEW_ONCE = ['viewOnceMessage', 'viewOnceMessageV2', 'viewOnceMessageV2Extension']
/** Messages in messages are unwrapped this often; Baileys stops at 5. */
const DEEPEST = 8

/** Beside the message itself. */
const NO_KINDS = ['messageContextInfo', 'contextInfo', 'senderKeyDistributionMessage', 'base64', 'mediaUrl']

/** Kinds that are about another message, or that no person wrote, and the reason for which each is ignored. */
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
  // Meta's corrections, through Evolution's Cloud channel.
  editMessage: 'edit',
  revokeMessage: 'revoke',
  statusNotificationMessage: 'system',
  statusMentionMessage: 'status_mention',
  groupStatusMentionMessage: 'status_mention',
  statusStickerInteractionMessage: 'reaction',
  systemMessage: 'system',
}

/** `proto.Message.ProtocolMessage.Type` */
const REVOKE = [0, 'REVOKE']

/** What buttons and templates carry instead of their own text (Baileys' extractMessageContent). */
const HEADERS = ['imageMessage', 'documentMessage', 'videoMessage', 'locationMessage']
const TEMPLATES = ['hydratedFourRowTemplate', 'hydratedTemplate', 'fourRowTemplate', 'interactiveMessageTemplate']

/** The one field of a message that is its kind; `undefined` if there is none. */
export function holdingOf(message: unknown, depth = 0): Holding | undefined {
  if (!isRecord(message) || depth > DEEPEST) return undefined
  const holding = unwrapped(message, depth) ?? own(message, depth)
  if (holding === undefined) return undefined
  const outer = contextFrom(message['contextInfo'])
  const mediaUrl = textFrom(message['mediaUrl'])
  const transcript = textFrom(message['speechToText'])
  return {
    ...holding,
    mediaUrl: holding.mediaUrl ?? mediaUrl,
    transcript: holding.transcript ?? transcript,
    replyTo: holding.replyTo ?? outer?.stanzaId ?? outer?.stanzaID,
  }
}

/**
 * WhatsApp puts a message into others: into one that disappears, a spoiler, a part of an album, and new ones every year.
 * Each is a field that has the message itself as its `message` (`FutureProofMessage`, or what the phone sent to itself).
 */
function unwrapped(message: Record<string, unknown>, depth: number): Holding | undefined {
  for (const [name, value] of Object.entries(message)) {
    if (!isRecord(value) || lookUp(ABOUT, name) !== undefined) continue
    const holding = holdingOf(value['message'], depth + 1)
    if (holding !== undefined) return holding
    // Linked devices get an empty one in place of a view-once medium.
    if (VIEW_ONCE.includes(name)) return PLACEHOLDER
  }
  return undefined
}

function own(message: Record<string, unknown>, depth: number): Holding | undefined {
  if (isRecord(message['protocolMessage'])) return correctionOf(message['protocolMessage'], depth)
  const said = message['conversation']
  if (typeof said === 'string' && said !== '')
    return { kind: 'conversation', fields: { ...NOTHING, text: said }, words: said }
  const kind = kindOf(message)
  if (kind === undefined) return typeof said === 'string' ? { kind: 'conversation', fields: NOTHING } : undefined
  const value = withoutOneofs(message[kind])
  const carried = carriedBy(kind, value, depth)
  if (carried !== undefined) return carried
  const about = lookUp(ABOUT, kind)
  const fields = fieldsFrom(value) ?? NOTHING
  const { contextInfo } = fields
  const words =
    fields.text ?? fields.caption ?? fields.contentText ?? fields.hydratedContentText ?? noteIn(value, depth)
  const replyTo = contextInfo?.stanzaId ?? contextInfo?.stanzaID
  if (about === undefined) return { kind, fields, words, replyTo }
  return { kind, fields, words: words ?? cloudWordsIn(value), replyTo, about, original: fields.original_message_id }
}

/** As Baileys' getContentType does: names that end in `Message` come before others (`call`). */
function kindOf(message: Record<string, unknown>): string | undefined {
  const kinds = Object.keys(message).filter(name => !NO_KINDS.includes(name) && isRecord(message[name]))
  return kinds.find(name => name.includes('Message')) ?? kinds[0]
}

/** The oneofs of messages that people send, by their names in Go. */
const ONEOFS = ['Response', 'InteractiveResponseMessage', 'InteractiveMessage', 'Format', 'Header']

/** The same fields, with those of Go's oneofs added under their names in the proto. */
function withoutOneofs(value: unknown): unknown {
  if (!isRecord(value)) return value
  const chosen = ONEOFS.flatMap(name => (isRecord(value[name]) ? Object.entries(value[name]) : []))
  return { ...Object.fromEntries(chosen.map(([name, field]) => [lowerFirst(name), field])), ...value }
}

const lowerFirst = (name: string) => name.charAt(0).toLowerCase() + name.slice(1)

/** The message that a payment comes with. */
const noteIn = (value: unknown, depth: number) =>
  isRecord(value) ? holdingOf(value['noteMessage'], depth + 1)?.words : undefined

/** The text or the caption of a message in Meta's structure, `{ type: 'text', text: { body } }`. */
function cloudWordsIn(value: unknown): string | undefined {
  const message = isRecord(value) && isRecord(value['message']) ? value['message'] : {}
  const { body, caption } = fieldsFrom(message[String(message['type'])]) ?? NOTHING
  return body ?? caption
}

/** The medium or place above the buttons or the template. */
function carriedBy(kind: string, value: unknown, depth: number): Holding | undefined {
  if (kind !== 'buttonsMessage' && kind !== 'templateMessage') return undefined
  if (!isRecord(value)) return undefined
  const template = kind === 'templateMessage' ? TEMPLATES.map(name => value[name]).find(isRecord) : undefined
  const inner = template ?? value
  const header = HEADERS.find(name => isRecord(inner[name]))
  if (header !== undefined) return holdingOf({ [header]: inner[header] }, depth + 1)
  return template && { kind, ...wordsIn(fieldsFrom(template) ?? NOTHING) }
}

const wordsIn = (fields: Fields) => ({ fields, words: fields.contentText ?? fields.hydratedContentText ?? fields.text })

const NOTHING: Fields = {}

/** The placeholder for a view-once medium, which only the phone may show. */
export const PLACEHOLDER: Holding = { kind: 'placeholderMessage', fields: NOTHING }

function correctionOf(value: unknown, depth: number): Holding {
  const { key, type, editedMessage } = protocol
    .catch({ key: undefined, type: undefined, editedMessage: undefined })
    .parse(value)
  const about = REVOKE.some(each => each === type) ? 'revoke' : editedMessage ? 'edit' : 'protocol'
  const words = holdingOf(editedMessage, depth + 1)?.words
  return { kind: 'protocolMessage', fields: NOTHING, about, original: key?.id ?? key?.ID, words }
}

/** An edit or a revocation of another message; `undefined` if it is neither, or does not name the message. */
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
