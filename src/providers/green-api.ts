/**
 * Green-API: one notification a POST, of one instance (the account).
 *
 * https://green-api.com/en/docs/api/receiving/notifications-format. `typeWebhook` says what happened, `typeMessage` of
 * which kind a message is. A non-200 pauses the instance's queue for a minute and re-sends the same notification.
 */
import { z } from 'zod'
import type { MessageType, NewMessage } from '../batch.js'
import { secret, setting } from '../config/setting.js'
import { chatIdFrom, isGroupId, noConversation } from './chat-id.js'
import { filledText, id, isRecord, known, lenient, lookUp, text, time } from './fields.js'
import { type Item, type Place, UnreadableBody } from './provider.js'
import { bearerFault } from './signature.js'
import { signedProvider } from './signed-provider.js'

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
  editedMessageData: lenient(z.object({ textMessage: text, text, caption: text, stanzaId: id })),
  deletedMessageData: stanza,
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
    const parsed = notification.safeParse(body)
    if (!parsed.success)
      throw new UnreadableBody('malformed', 'the body is no notification of Green-API: typeWebhook is missing')
    return [itemFrom(parsed.data, body)]
  },
  // Sent as `Authorization: Bearer <webhookUrlToken>`, or as Basic where the token is set as such.
  // https://green-api.com/en/docs/api/receiving/technology-webhook-endpoint
  signature: {
    secret: 'webhookToken',
    fault: bearerFault,
  },
})

function itemFrom({ typeWebhook, ...told }: Notification, raw: unknown): Item {
  const messageId = told.idMessage
  const ignored = (reason: string): Item => known({ kind: 'ignored' as const, reason, messageId })
  // Both ways the chat is the customer's. `outgoingAPIMessageReceived` is what the bot sent itself.
  const isOwn = typeWebhook === 'outgoingMessageReceived'
  if (!isOwn && typeWebhook !== 'incomingMessageReceived')
    return ignored(lookUp(EVENTS, typeWebhook) ?? `event:${typeWebhook.slice(0, 80)}`)
  const chatId = chatIdFrom(told.senderData?.chatId ?? told.senderData?.sender ?? '')
  if (chatId === undefined) return ignored('invalid:no_chat')
  const nobody = noConversation(chatId)
  if (nobody !== undefined) return ignored(nobody)
  const place = known({ account: told.instanceData?.idInstance, chatId, isGroup: isGroupId(chatId) })
  const data = told.messageData
  const typeMessage = data?.typeMessage
  if (typeMessage === 'reactionMessage') return ignored('reaction')
  const isCorrection = typeMessage === 'editedMessage' || typeMessage === 'deletedMessage'
  // Who corrects what they said from the business's phone answers nobody.
  if (isOwn && isCorrection) return ignored('from_me')
  if (isOwn) return known({ kind: 'own' as const, ...place, messageId })
  if (messageId === undefined) return ignored('invalid:no_id')
  if (data === undefined) return ignored('invalid:no_messageData')
  const sender = told.senderData?.sender
  if (isCorrection)
    return correction({ ...place, senderId: sender && chatIdFrom(sender) }, data) ?? ignored('invalid:no_original')
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
