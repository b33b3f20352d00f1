/** Conversations as the API shows them. */
import { z } from 'zod'
import type { StoredMessage } from '../../../batch.js'
import { batchShape, messageShape } from '../../../batch-shape.js'
import type { PausedConversation } from '../../../pause.js'
import { shapeOf } from '../../../shape-of.js'
import type {
  AppendResult,
  ConversationState,
  ConversationSummary,
  DeadBatch,
  ForgetResult,
  PauseResult,
} from '../../../store/store.js'
import { atMs } from '../operation.js'

export const dueInMs = z.number().describe('Until the batch is due, in ms')
const keep = z.enum(['drop', 'collect']).describe('What becomes of messages that wait and that come')

export const appended = shapeOf<Omit<AppendResult, 'listeners'>>()(
  z.object({
    accepted: z.number(),
    duplicates: z.number().describe('Dropped: the conversation has seen their ids'),
    tooOld: z.number().describe('Dropped: sent longer ago than LULL_MAX_AGE_MS'),
    paused: z.number().optional().describe('Accepted while the conversation was paused'),
    batchId: z.string().optional(),
    dueInMs: dueInMs.optional(),
  }),
).meta({ id: 'Appended' })

const { receivedAtMs: _, ...messageFields } = messageShape.shape
const storedMessage = shapeOf<StoredMessage>()(
  z.object({
    ...messageFields,
    provider: z.string().optional(),
    isGroup: z.literal(true).optional(),
    traceparent: z.string().optional().describe('The span of its append, with OpenTelemetry'),
  }),
).meta({ id: 'WaitingMessage', description: 'With LULL_SHOW_TEXTS=off only its id, its type and its send time' })

export const conversation = shapeOf<ConversationState>()(
  z.object({
    conversationId: z.string(),
    nowMs: atMs('When this was read'),
    open: z
      .object({
        batchId: z.string(),
        count: z.number(),
        bytes: z.number().describe('Of its messages as JSON'),
        firstAtMs: atMs('Arrival of the first message'),
        lastAtMs: atMs('Arrival of the last message'),
        dueAtMs: atMs('When it is due'),
        dueInMs,
      })
      .optional()
      .describe('The batch that collects'),
    waiting: z.number().describe('Messages that no processor has claimed'),
    messages: z.array(z.object({ batchId: z.string(), receivedAtMs: atMs('Arrival'), message: storedMessage })),
    heldBy: z
      .object({ batchId: z.string(), state: z.enum(['claimed', 'answering']) })
      .optional()
      .describe('The batch whose end the next one waits for'),
    paused: z
      .object({ untilMs: atMs('The end of the pause'), inMs: z.number(), keep })
      .optional()
      .describe('A person has taken over'),
    holds: z
      .array(
        z.object({
          key: z.string(),
          inMs: z.number().describe('How long it holds the batch at most'),
          ofMessage: z.literal(true).optional().describe('The key is the id of a message that waits for its text'),
        }),
      )
      .optional(),
    typedAgoMs: z.number().optional().describe('Since the last sign of typing'),
    isTyping: z.literal(true).optional(),
    overdueForMs: z.number().optional().describe('How long the first batch could have been claimed already'),
  }),
).meta({ id: 'Conversation' })

const summary = shapeOf<ConversationSummary>()(
  z.object({
    conversationId: z.string(),
    state: z.enum(['open', 'held']),
    dueInMs: dueInMs.optional(),
    count: z.number().optional().describe('`open`: messages in its open batch'),
    batchId: z.string().optional().describe('`held`: the batch that holds it'),
  }),
).meta({ id: 'ConversationSummary' })

const pausedConversation = shapeOf<PausedConversation>()(
  z.object({ conversationId: z.string(), untilMs: atMs('The end of the pause'), inMs: z.number() }),
)

/** Of a Cluster, while one of its nodes is away. */
export const partitionsAway = z
  .number()
  .optional()
  .describe('How many partitions this leaves out, as their Redis node cannot be reached; absent if it has all')

export const conversations = z
  .object({
    conversations: z.array(summary).describe('Those with messages or an answer: soonest due first, then held ones'),
    paused: z.array(pausedConversation).describe('The first to go on first'),
    partitionsAway,
  })
  .meta({ id: 'Conversations' })

export const forgotten = shapeOf<ForgetResult>()(
  z.object({
    messages: z.number(),
    deadBatches: z.number(),
    historyEntries: z.number(),
    underWay: z.string().optional().describe('A batch that is being answered: its receiver still has it'),
  }),
).meta({ id: 'Forgotten' })

export const pauseReply = shapeOf<PauseResult>()(
  z.object({ untilMs: atMs('The end of the pause'), dropped: z.number().describe('Messages that waited') }),
)

export const deadBatch = shapeOf<
  Omit<DeadBatch, 'batch'> & { batch: Omit<DeadBatch['batch'], 'text'> & { text?: string } }
>()(
  z.object({
    batchId: z.string(),
    conversationId: z.string(),
    attempts: z.number(),
    error: z.string().describe("The last attempt's"),
    diedAtMs: atMs('When the last attempt failed'),
    batch: batchShape
      .partial({ text: true })
      .describe('As it was handed over. With LULL_SHOW_TEXTS=off without what people wrote'),
  }),
).meta({ id: 'DeadBatch' })
