/**
 * Green-API: one notification a POST, of one instance (the account).
 *
 * https://green-api.com/en/docs/api/receiving/notifications-format. `typeWebhook` says what happened, `typeMessage` of
 * which kind a message is. A non-200 pauses the instance's queue for a minute and re-sends the same notification.
 */
import { z } from 'zod'
import type { MessageType, NewMessage } from '../batch.js'
import { chatIdFrom, isGroupId } from './chat-id.js'
import { filledText, id, isRecord, known, lenient, text, time } from './fields.js'
import { type Item, type Provider, UnreadableBody } from './provider.js'

const stanza = lenient(z.object({ stanzaId: id }))
const chosen = lenient(z.object({ selectedButtonText: text, selectedButtonId: id, stanzaId: id }))

const messageData = z.object({
  typeMessage: lenient(z.string()),
  textMessageData: lenient(z.object({ textMessage: text })),
  extendedTextMessageData: lenient(z.object({ text, stanzaId: id })),
  quotedMessage: stanza,
  fileMessageData: lenient(
    z.object({ downloadUrl: filledText, caption: filledText, fileName: filledText, mimeType: filledText }),
  ),
  locationMessageData: lenient(
    z.object({ latitude: z.number(), longitude: z.number(), nameLocation: filledText, address: filledText }),
  ),
  buttonsResponseMessage: chosen,
  templateButtonReplyMessage: chosen,
  listResponseMessage: lenient(z.object({ title: text, singleSelectReply: lenient(z.object({ selectedRowId: id })) })),
})

const notification = z.object({
  typeWebhook: z.string(),
  instanceData: lenient(z.object({ idInstance: id })),
  timestamp: time,
  idMessage: id,
  senderData: lenient(z.object({ chatId: id, sender: id, senderName: filledText, senderContactName: filledText })),
  messageData: lenient(messageData),
})

type Notification = z.infer<typeof notification>
type MessageData = z.infer<typeof messageData>
type Content = Pick<NewMessage, 'type' | 'text' | 'media' | 'location' | 'payloadId'>

const EVENTS: Record<string, string> = { outgoingMessageStatus: 'status', outgoingAPIMessageReceived: 'from_me' }

/** Kinds that are about another message. */
const NO_MESSAGES: Record<string, string> = {
  editedMessage: 'edit',
  deletedMessage: 'revoke',
  reactionMessage: 'reaction',
}

const FILES: Record<string, MessageType> = {
  imageMessage: 'image',
  videoMessage: 'video',
  audioMessage: 'audio',
  documentMessage: 'document',
  stickerMessage: 'sticker',
}

export const greenApi: Provider = {
  name: 'green-api',
  recognises: body => isRecord(body) && typeof body['typeWebhook'] === 'string',
  parse(body) {
    const parsed = notification.safeParse(body)
    if (!parsed.success)
      throw new UnreadableBody('malformed', 'the body is no notification of Green-API: typeWebhook is missing')
    return [itemFrom(parsed.data, body)]
  },
}

function itemFrom({ typeWebhook, ...told }: Notification, raw: unknown): Item {
  const messageId = told.idMessage
  const ignored = (reason: string): Item => known({ kind: 'ignored' as const, reason, messageId })
  // Both ways the chat is the customer's. `outgoingAPIMessageReceived` is what the bot sent itself.
  const isOwn = typeWebhook === 'outgoingMessageReceived'
  if (!isOwn && typeWebhook !== 'incomingMessageReceived')
    return ignored(lookUp(EVENTS, typeWebhook) ?? `event:${typeWebhook.slice(0, 80)}`)
  const chatId = chatIdFrom(told.senderData?.chatId ?? told.senderData?.sender ?? '')
  if (chatId === undefined) return ignored('invalid:no_chat')
  const place = known({ account: told.instanceData?.idInstance, chatId, isGroup: isGroupId(chatId) })
  if (isOwn) return known({ kind: 'own' as const, ...place, messageId })
  if (messageId === undefined) return ignored('invalid:no_id')
  const data = told.messageData
  if (data === undefined) return ignored('invalid:no_messageData')
  const aboutAnother = lookUp(NO_MESSAGES, data.typeMessage)
  if (aboutAnother !== undefined) return ignored(aboutAnother)
  const sender = told.senderData?.sender
  const message = known({
    messageId,
    ...contentOf(data),
    senderId: sender === undefined ? undefined : chatIdFrom(sender),
    senderName: told.senderData?.senderName ?? told.senderData?.senderContactName,
    sentAtMs: told.timestamp,
    replyTo: data.extendedTextMessageData?.stanzaId ?? data.quotedMessage?.stanzaId,
  })
  return { kind: 'message', ...place, message, raw }
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
      return { type: 'location', location: locationOf(data.locationMessageData) }
    case 'contactMessage':
    case 'contactsArrayMessage':
      return { type: 'contacts' }
    case 'buttonsResponseMessage':
    case 'templateButtonsReplyMessage':
      return buttonContent(data.buttonsResponseMessage ?? data.templateButtonReplyMessage)
    case 'listResponseMessage': {
      const { title, singleSelectReply } = data.listResponseMessage ?? {}
      return { type: 'interactive', text: title, payloadId: singleSelectReply?.selectedRowId }
    }
    default:
      return { type: 'unknown' }
  }
}

function fileContent(type: MessageType, file: MessageData['fileMessageData']): Content {
  const { downloadUrl: url, caption, fileName, mimeType } = file ?? {}
  return { type, text: caption, media: known({ url, mimeType, fileName }) }
}

function locationOf(place: MessageData['locationMessageData']): Content['location'] {
  if (place === undefined) return undefined
  const { nameLocation: name, ...rest } = place
  return known({ ...rest, name })
}

function buttonContent(button: MessageData['buttonsResponseMessage']): Content {
  return { type: 'interactive', text: button?.selectedButtonText, payloadId: button?.selectedButtonId }
}

/** Never what every object inherits: `constructor` is no kind of message. */
function lookUp<T>(table: Record<string, T>, name: string | undefined): T | undefined {
  return name !== undefined && Object.hasOwn(table, name) ? table[name] : undefined
}
