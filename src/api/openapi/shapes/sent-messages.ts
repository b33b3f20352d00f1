/** Messages as a client sends them: the fields that `providers/generic.ts` reads, and what they mean. */
import { z } from 'zod'
import { MESSAGE_TYPES } from '../../../batch.js'
import { genericItem, sentMessage } from '../../../providers/generic.js'
import { rulesBody } from '../../messages.js'

const fields = genericItem.shape

/** The fields without the other names that some of them have (`id`, `from`, `name`, `body`, `sentAtMs`). */
const messageFields = {
  messageId: z.nonoptional(fields.messageId).describe('Lull recognises a repeated delivery by it'),
  text: fields.text.describe('The text, or the caption of a file'),
  type: fields.type.meta({
    description: '`text` by default; another word than these counts as `unknown`',
    enum: [...MESSAGE_TYPES],
  }),
  senderId: fields.senderId.describe('Who wrote it, in a group'),
  senderName: fields.senderName,
  timestamp: fields.timestamp.describe('Send time: seconds, milliseconds or ISO 8601'),
  replyTo: fields.replyTo.describe('The id of the message that this one replies to'),
  payloadId: fields.payloadId.describe('The id of a pressed button or a chosen list row'),
  media: fields.media,
  location: fields.location,
  contacts: fields.contacts.describe('Contacts that the sender shares'),
}

const meta = sentMessage.shape.meta.describe('Any JSON, handed over with the message as it is')

export const newMessage = z.object({ ...messageFields, meta }).meta({
  id: 'NewMessage',
  description: 'A message of any channel. An optional field that has an unexpected value counts as absent',
})

/** A rule may also be the text that its environment variable would have. */
export const callRules = rulesBody.meta({
  id: 'CallRules',
  description:
    'Rules of this call, before all others. `flush`: these messages close their batch. docs/rules.md describes each',
})

const rules = callRules.optional()

export const appendBody = z.union([
  newMessage.extend({ rules }),
  z.array(newMessage),
  z.object({ messages: z.array(newMessage), rules }),
])

const webhookMessage = z
  .object({
    ...messageFields,
    chatId: z.nonoptional(fields.chatId).describe('Who writes'),
    account: fields.account.describe('Which of your numbers or bots received the message'),
    isGroup: fields.isGroup,
    fromMe: fields.fromMe.describe('Your side sent the message'),
    by: fields.by.describe('With `fromMe`: who sent it'),
  })
  .meta({ id: 'WebhookMessage', description: "A message of any channel: the provider `generic`'s" })

export const webhookBody = z.union([
  webhookMessage,
  z.array(webhookMessage),
  z.object({ messages: z.array(webhookMessage) }),
  z.looseObject({}).describe("A provider's own body"),
])
