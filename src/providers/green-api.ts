/**
 * Green-API: one notification a POST, of one instance (the account).
 *
 * https://green-api.com/en/docs/api/receiving/notifications-format. `typeWebhook` says what happened, `typeMessage`
 * says what kind a message is. Documented: the kinds and their fields, under notifications-format/incoming-message and
 * /selected-buttons; examples and text of those pages spell some names in two ways, and both are read. Inferred: a kind
 * that the docs do not name is read by the fields that it shares with others.
 *
 * A non-200 pauses the instance's queue for a minute and re-sends the same notification.
 */
import { z } from 'zod'
import type { MessageType, NewMessage } from '../batch.js'
import { secret, setting } from '../config/setting.js'
import {
  chatIdFrom,
  foreignIdFrom,
  isForeignGroup,
  isGroupId,
  isHiddenId,
  noConversation,
  samePersonIn,
} from './chat-id.js'
import { sharedContacts } from './contacts.js'
import { degrees, filledText, id, isRecord, known, lenient, list, lookUp, text, time } from './fields.js'
import { messageItem } from './message-item.js'
import { type Item, type Place, UnreadableBody } from './provider.js'
import { reader } from './reader.js'
import { bearerFault } from './signature.js'
import { signedProvider } from './signed-provider.js'

const stanza = lenient(z.object({ stanzaId: id }))
/** A pressed button, under the names that its docs, its examples and its servers have for it. */
const chosen = lenient(
  z.object({
    selectedButtonText: text,
    selectedDisplayText: text,
    buttonText: text,
    selectedButtonId: id,
    selectedId: id,
    buttonId: id,
    stanzaId: id,
  }),
)
/** A message with buttons, a list or a template; an invitation. */
const offered = lenient(
  z.object({
    contentText: filledText,
    body: filledText,
    text: filledText,
    titleText: filledText,
    header: filledText,
    title: filledText,
    caption: filledText,
    groupName: filledText,
  }),
)
const order = lenient(z.object({ message: filledText, orderTitle: filledText, orderId: id }))
const product = lenient(
  z.object({ title: filledText, body: filledText, description: filledText, productId: id, retailerId: id }),
)
const row = lenient(
  z.union([z.string().transform(selectedRowId => ({ selectedRowId })), z.object({ selectedRowId: id })]),
)

const messageData = z.object({
  typeMessage: lenient(z.string()),
  textMessageData: lenient(z.object({ textMessage: text })),
  extendedTextMessageData: lenient(z.object({ text, stanzaId: id })),
  quotedMessage: stanza,
  fileMessageData: lenient(
    z.object({ downloadUrl: filledText, caption: filledText, fileName: filledText, mimeType: filledText }),
  ),
  locationMessageData: lenient(
    z.object({ latitude: degrees, longitude: degrees, nameLocation: filledText, address: filledText }),
  ),
  contactMessageData: z.unknown().optional(),
  // Several contacts.
  messageData: lenient(z.object({ contacts: list })),
  buttonsResponseMessage: chosen,
  templateButtonReplyMessage: chosen,
  templateButtonsReplyMessage: chosen,
  interactiveButtonsResponse: chosen,
  interactiveResponseMessage: chosen,
  interactiveButtons: offered,
  interactiveButtonsReply: offered,
  interactiveButtonReply: offered,
  buttonsMessage: offered,
  listMessage: offered,
  templateMessage: offered,
  groupInviteMessageData: offered,
  pollMessageData: lenient(z.object({ name: filledText })),
  productMessage: product,
  productMessageData: product,
  orderMessage: order,
  orderMessageData: order,
  editedMessageData: lenient(z.object({ textMessage: text, text, caption: text, stanzaId: id })),
  deletedMessageData: stanza,
  listResponseMessage: lenient(z.object({ title: text, singleSelectReply: row, stanzaId: id })),
})

const notification = z.object({
  typeWebhook: z.string(),
  instanceData: lenient(z.object({ idInstance: id, typeInstance: lenient(z.string()) })),
  timestamp: time,
  idMessage: id,
  senderData: lenient(
    z.object({
      chatId: id,
      sender: id,
      // Beside a hidden id (`@lid`), with which newer instances name people: inferred from programs that read it.
      senderPhoneNumber: id,
      senderName: filledText,
      senderContactName: filledText,
    }),
  ),
  messageData: lenient(messageData),
})

const notificationFrom = reader(notification)

type Notification = z.infer<typeof notification>
type MessageData = z.infer<typeof messageData>
type Content = Pick<NewMessage, 'type' | 'text' | 'media' | 'location' | 'payloadId' | 'contacts'>

const EVENTS: Record<string, string> = { outgoingMessageStatus: 'status', outgoingAPIMessageReceived: 'from_me' }

/** Kinds that are about another message, or that no person wrote. */
const ABOUT: Record<string, string> = {
  reactionMessage: 'reaction',
  pollUpdateMessage: 'poll_vote',
  keepInChatMessage: 'keep_in_chat',
  pinInChatMessage: 'pin',
  albumMessage: 'album',
}

const FILES: Record<string, MessageType> = {
  imageMessage: 'image',
  videoMessage: 'video',
  audioMessage: 'audio',
  documentMessage: 'document',
  stickerMessage: 'sticker',
}

export const greenApi = signedProvider({
  name: 'green-api',
  title: 'Green-API',
  option: 'greenApi',
  settings: z.object({
    webhookToken: setting('GREEN_API_WEBHOOK_TOKEN', 'The instance’s `webhookUrlToken`.', secret()),
  }),
  recognises: body => isRecord(body) && typeof body['typeWebhook'] === 'string',
  parse(body) {
    const told = notificationFrom(body)
    if (told === undefined)
      throw new UnreadableBody('malformed', 'the body is no notification of Green-API: typeWebhook is missing')
    return [itemFrom(told, body)]
  },
  // Sent as `Authorization: Bearer <webhookUrlToken>`, or as Basic if the token is set that way.
  // https://green-api.com/en/docs/api/receiving/technology-webhook-endpoint
  signature: {
    secret: 'webhookToken',
    headerFault: bearerFault,
  },
})

/** Green-API serves Telegram (`telegram`) and MAX (`v3`) as well: https://green-api.com/en/telegram/docs/api/chat-id */
const isWhatsApp = (messenger: string | undefined) => messenger === undefined || messenger === 'whatsapp'

function itemFrom({ typeWebhook, ...told }: Notification, raw: unknown): Item {
  const messageId = told.idMessage
  const ignored = (reason: string): Item => known({ kind: 'ignored' as const, reason, messageId })
  // The chat is the customer's in both directions. `outgoingAPIMessageReceived` is a message that the bot sent.
  const isOwn = typeWebhook === 'outgoingMessageReceived'
  if (!isOwn && typeWebhook !== 'incomingMessageReceived')
    return ignored(lookUp(EVENTS, typeWebhook) ?? `event:${typeWebhook.slice(0, 80)}`)
  const idOf = isWhatsApp(told.instanceData?.typeInstance) ? chatIdFrom : foreignIdFrom
  const chatId = idOf(told.senderData?.chatId ?? told.senderData?.sender ?? '')
  if (chatId === undefined) return ignored('invalid:no_chat')
  const nobody = noConversation(chatId)
  if (nobody !== undefined) return ignored(nobody)
  const isGroup = isGroupId(chatId) || isForeignGroup(chatId)
  const sender = told.senderData?.sender === undefined ? undefined : idOf(told.senderData.sender)
  // The number is the sender's, which is the business's own in an own message.
  const person = isOwn ? undefined : isGroup ? sender : chatId
  const number = person !== undefined && isHiddenId(person) ? numberIn(told) : undefined
  const place = known({
    account: told.instanceData?.idInstance,
    chatId: isGroup ? chatId : (number ?? chatId),
    isGroup,
    samePerson: samePersonIn(number, person),
  })
  const data = told.messageData
  const typeMessage = data?.typeMessage
  const nobodys = lookUp(ABOUT, typeMessage)
  if (nobodys !== undefined) return ignored(isOwn ? 'from_me' : nobodys)
  const isCorrection = typeMessage === 'editedMessage' || typeMessage === 'deletedMessage'
  // Correcting an own message is not an answer to the person.
  if (isOwn && isCorrection) return ignored('from_me')
  if (isOwn) return known({ kind: 'own' as const, ...place, messageId, by: 'human' as const })
  if (messageId === undefined) return ignored('invalid:no_id')
  if (data === undefined) return ignored('invalid:no_messageData')
  const senderId = number ?? sender
  if (isCorrection) return correction(known({ ...place, senderId }), data) ?? ignored('invalid:no_original')
  const message = known({
    messageId,
    ...contentOf(data),
    senderId,
    senderName: told.senderData?.senderName ?? told.senderData?.senderContactName,
    sentAtMs: told.timestamp,
    replyTo:
      data.extendedTextMessageData?.stanzaId ??
      data.quotedMessage?.stanzaId ??
      pressedIn(data)?.stanzaId ??
      data.listResponseMessage?.stanzaId,
  })
  return messageItem(place, message, raw, typeMessage)
}

/** The number behind a hidden id. */
function numberIn({ senderData }: Pick<Notification, 'senderData'>): string | undefined {
  const found = chatIdFrom(senderData?.senderPhoneNumber ?? '')
  return found?.endsWith('@c.us') ? found : undefined
}

function correction(where: Place & { senderId?: string }, data: MessageData): Item | undefined {
  const original = (data.editedMessageData ?? data.deletedMessageData)?.stanzaId
  if (original === undefined) return undefined
  if (data.typeMessage === 'deletedMessage') return known({ kind: 'revoke' as const, ...where, messageId: original })
  const { textMessage, text: extended, caption } = data.editedMessageData ?? {}
  const edited = textMessage ?? extended ?? caption ?? data.extendedTextMessageData?.text
  return edited === undefined
    ? undefined
    : known({ kind: 'edit' as const, ...where, messageId: original, text: edited })
}

function contentOf(data: MessageData): Content {
  const file = lookUp(FILES, data.typeMessage)
  if (file !== undefined) return fileContent(file, data.fileMessageData)
  switch (data.typeMessage) {
    case 'textMessage':
      return { type: 'text', text: data.textMessageData?.textMessage }
    case 'extendedTextMessage':
    case 'quotedMessage':
      return { type: 'text', text: data.extendedTextMessageData?.text ?? data.textMessageData?.textMessage }
    case 'locationMessage':
    case 'liveLocationMessage':
      return { type: 'location', location: locationOf(data.locationMessageData) }
    case 'contactMessage':
    case 'contactsArrayMessage':
      return { type: 'contacts', contacts: sharedContacts(data.messageData?.contacts ?? [data.contactMessageData]) }
    case 'buttonsResponseMessage':
    case 'templateButtonReplyMessage':
    case 'templateButtonsReplyMessage':
    case 'interactiveButtonsResponse':
    case 'interactiveResponseMessage':
      return buttonContent(pressedIn(data))
    case 'interactiveButtons':
    case 'interactiveButtonsReply':
    case 'interactiveButtonReply':
    case 'buttonsMessage':
    case 'listMessage':
    case 'templateMessage':
      return offeredContent(data)
    case 'groupInviteMessage':
      return { type: 'unknown', text: data.groupInviteMessageData?.caption ?? data.groupInviteMessageData?.groupName }
    case 'pollMessage':
      return { type: 'unknown', text: data.pollMessageData?.name }
    case 'productMessage': {
      const { title, body, productId, retailerId } = data.productMessage ?? data.productMessageData ?? {}
      return { type: 'order', text: body ?? title, payloadId: productId ?? retailerId }
    }
    case 'orderMessage': {
      const { message: note, orderTitle } = data.orderMessage ?? data.orderMessageData ?? {}
      return { type: 'order', text: note ?? orderTitle }
    }
    case 'listResponseMessage':
      return listContent(data.listResponseMessage)
    default:
      return unknownContent(data)
  }
}

/** A message with buttons; or an answer to one, under a name that is the message's in the docs. */
function offeredContent(data: MessageData): Content {
  const pressed = pressedIn(data)
  return pressed === undefined ? { type: 'interactive', text: offeredIn(data) } : buttonContent(pressed)
}

/** A kind that the docs do not name yet: it is read by the fields of the other kinds. */
function unknownContent(data: MessageData): Content {
  const pressed = pressedIn(data)
  if (pressed !== undefined) return buttonContent(pressed)
  if (data.listResponseMessage !== undefined) return listContent(data.listResponseMessage)
  const words = data.extendedTextMessageData?.text ?? data.textMessageData?.textMessage ?? offeredIn(data)
  const file = data.fileMessageData
  return file === undefined ? { type: 'unknown', text: words } : fileContent(familyOf(file.mimeType), file)
}

function familyOf(mimeType = ''): MessageType {
  const [family] = mimeType.split('/')
  return family === 'image' || family === 'video' || family === 'audio' ? family : 'unknown'
}

function fileContent(type: MessageType, file: MessageData['fileMessageData']): Content {
  const { downloadUrl: url, caption, fileName, mimeType } = file ?? {}
  return { type, text: caption, media: known({ url, mimeType, fileName }) }
}

function locationOf(place: MessageData['locationMessageData']): Content['location'] {
  if (place?.latitude === undefined || place.longitude === undefined) return undefined
  const { latitude, longitude, nameLocation: name, address } = place
  return known({ latitude, longitude, name, address })
}

/** Documents and servers name the field in different ways, whatever `typeMessage` says. */
const pressedIn = (data: MessageData) =>
  data.buttonsResponseMessage ??
  data.templateButtonReplyMessage ??
  data.templateButtonsReplyMessage ??
  data.interactiveButtonsResponse ??
  data.interactiveResponseMessage

function offeredIn(data: MessageData): string | undefined {
  const told =
    data.interactiveButtons ??
    data.interactiveButtonsReply ??
    data.interactiveButtonReply ??
    data.buttonsMessage ??
    data.listMessage ??
    data.templateMessage
  return told?.contentText ?? told?.body ?? told?.text ?? told?.titleText ?? told?.header ?? told?.title
}

const listContent = (chosen: MessageData['listResponseMessage']): Content => ({
  type: 'interactive',
  text: chosen?.title,
  payloadId: chosen?.singleSelectReply?.selectedRowId,
})

function buttonContent(button: ReturnType<typeof pressedIn>): Content {
  return {
    type: 'interactive',
    text: button?.selectedButtonText ?? button?.selectedDisplayText ?? button?.buttonText,
    payloadId: button?.selectedButtonId ?? button?.selectedId ?? button?.buttonId,
  }
}
