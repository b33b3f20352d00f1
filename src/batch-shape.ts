/**
 * The handed-over batch as a zod shape, for receivers in any language: docs/batch.schema.json and the API's description
 * are generated from it. The compiler compares it with `Batch`.
 */
import { z } from 'zod'
import { type Batch, isReleaseReason, MESSAGE_TYPES, type Message, RELEASE_REASONS } from './batch.js'
import { shapeOf } from './shape-of.js'

const ms = (meaning: string) => z.int().describe(`${meaning}; milliseconds since 1970`)
const text = (meaning: string) => z.string().describe(meaning)

const reasons = Object.keys(RELEASE_REASONS).filter(isReleaseReason)
const reasonList = reasons.map(reason => `\`${reason}\`: ${RELEASE_REASONS[reason]}`).join('; ')

export const mediaShape = z.object({
  id: text("The provider's id of the file").optional(),
  url: text('Where the file is').optional(),
  mimeType: z.string().optional(),
  fileName: z.string().optional(),
  omitted: z
    .literal('too large')
    .optional()
    .describe('The webhook held the file itself, which is too large for a batch: fetch it by id or url'),
})

export const locationShape = z.object({
  latitude: z.number(),
  longitude: z.number(),
  name: z.string().optional(),
  address: z.string().optional(),
})

export const contactShape = z.object({
  name: z.string().optional(),
  phones: z.array(z.string()).optional().describe('As the card writes them'),
  emails: z.array(z.string()).optional(),
})

export const messageShape = shapeOf<Message>()(
  z.object({
    messageId: text("The provider's id. A repeated delivery has the same one, and is dropped"),
    type: z.enum(MESSAGE_TYPES),
    text: text("The text, or a file's caption").optional(),
    senderId: text('Who wrote it').optional(),
    senderName: z.string().optional(),
    sentAtMs: ms("Send time by the provider's clock; absent if the provider sends none").optional(),
    receivedAtMs: ms("Arrival by Redis's clock"),
    replyTo: text('The id of the message that this one replies to').optional(),
    payloadId: text('The id of a pressed button or a chosen list row').optional(),
    form: z
      .record(z.string(), z.unknown())
      .optional()
      .describe('What a person filled in, by field: an answer to a WhatsApp Flow. text has the same in lines'),
    media: mediaShape.optional(),
    location: locationShape.optional(),
    contacts: z.array(contactShape).optional().describe('Contacts that the sender shares'),
    meta: z.unknown().optional().describe('What the program that appended the message stored with it: any JSON'),
    raw: z.unknown().optional().describe("The provider's own body, with LULL_RAW=on"),
  }),
).meta({ id: 'Message', description: 'A message of a batch' })

export const batchShape = shapeOf<Batch>()(
  z.object({
    version: z.literal(1).describe('Of this format. Later versions of Lull may add fields to it: ignore unknown ones'),
    batchId: text('The same at every attempt to hand the batch over'),
    conversationId: text('`<chatId>`, or `<account>/<chatId>`'),
    chatId: z.string(),
    account: text('Which of your numbers or bots received the messages').optional(),
    isGroup: z.boolean(),
    provider: text('Whose webhook brought the messages'),
    messages: z.array(messageShape).describe('By send time, ties by arrival'),
    text: text('The texts and captions, joined by a line feed'),
    firstAtMs: ms("Arrival of the first message, by Redis's clock"),
    lastAtMs: ms("Arrival of the last message, by Redis's clock"),
    dueAtMs: ms("The due time, by Redis's clock"),
    releasedAtMs: ms("The release, by Redis's clock"),
    releasedBy: z.enum(reasons).describe(`Why the batch was released. ${reasonList}`),
    answering: z
      .literal('supersede')
      .optional()
      .describe("Newer messages may supersede it until it is committed, by its conversation's own rule"),
    provisional: z
      .literal(true)
      .optional()
      .describe('Handed over before its due time: newer messages may supersede it until it is committed'),
    supersedes: z
      .array(z.string())
      .optional()
      .describe('The ids of the batches whose messages this one took over, the first one first: the last 100'),
  }),
).meta({ id: 'Batch', description: 'A batch: the messages that one person sent in one go' })
