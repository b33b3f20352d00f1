/** What waits, what was; flush, drop and forget. */
import { z } from 'zod'
import { conversationIdShape } from '../../conversation-id.js'
import { limitShape } from '../../limit.js'
import { error, type Operation, reply } from '../operation.js'
import { conversation, conversations, forgotten } from '../shapes/conversations.js'
import { history, lives, type step } from '../shapes/history.js'

const limit = limitShape.describe('The greatest length of each list')
const tag = 'Conversations'
const CONVERSATION_ID = 'shop/79990000012@c.us'
const BATCH_ID = 'bFw3Al6XHMjN0aiGG'

const OPEN: z.output<typeof conversation> = {
  conversationId: CONVERSATION_ID,
  nowMs: 1795904104265,
  waiting: 1,
  messages: [
    { batchId: BATCH_ID, receivedAtMs: 1795904104117, message: { messageId: 'm1', type: 'text', text: 'hi' } },
  ],
  open: {
    batchId: BATCH_ID,
    count: 1,
    bytes: 42,
    firstAtMs: 1795904104117,
    lastAtMs: 1795904104117,
    dueAtMs: 1795904107117,
    dueInMs: 2852,
  },
}

export const ANSWERED: z.output<typeof step> = {
  id: '1795904108795-0',
  atMs: 1795904108795,
  step: 'answered',
  conversationId: CONVERSATION_ID,
  batchId: BATCH_ID,
  detail: { outcome: 'completed' },
}

export const conversationOperations: Operation[] = [
  {
    id: 'listConversations',
    tag,
    method: 'get',
    path: '/conversations',
    summary: 'List conversations, or read one by `?id=`',
    description:
      'Without `id`: the conversations that have messages waiting or an answer running, and those that are paused. ' +
      'With `id` the same as `GET /conversations/{id}`, for proxies that refuse `%2F`.',
    query: { limit, id: conversationIdShape.optional().describe('Read this conversation instead') },
    replies: {
      200: reply(
        'The lists; with `id` the conversation',
        z.union([conversations, conversation]),
        {
          conversations: [
            { conversationId: '79990000011@c.us', state: 'open', dueInMs: 1282, count: 1 },
            { conversationId: CONVERSATION_ID, state: 'held', batchId: BATCH_ID },
          ],
          paused: [{ conversationId: '79990000013@c.us', untilMs: 1795911304089, inMs: 7199012 }],
        },
        OPEN,
      ),
    },
  },
  {
    id: 'readConversation',
    tag,
    method: 'get',
    path: '/conversations/{id}',
    summary: 'Read a conversation',
    description: 'A conversation that Lull knows nothing about has `"waiting":0`.',
    replies: { 200: reply('The conversation', conversation, OPEN) },
  },
  {
    id: 'dropMessages',
    tag,
    method: 'delete',
    path: '/conversations/{id}',
    inQuery: { ByQuery: '/conversations' },
    summary: 'Discard the messages that wait',
    description: 'A batch that is being answered is not affected, unless newer messages could supersede it.',
    replies: { 200: reply('How many', z.object({ dropped: z.number() }), { dropped: 1 }) },
  },
  {
    id: 'readHistory',
    tag,
    method: 'get',
    path: '/conversations/{id}/history',
    inQuery: { ByQuery: '/conversations/history' },
    summary: 'Read the recent steps of a conversation',
    description: 'Redis keeps about 10,000 steps of all conversations together.',
    query: { limit },
    replies: { 200: reply('The steps', history, { history: [ANSWERED] }) },
  },
  {
    id: 'readLives',
    tag,
    method: 'get',
    path: '/conversations/{id}/lives',
    inQuery: { ByQuery: '/conversations/lives' },
    summary: 'Read what became of the batches of a conversation, and its pauses',
    query: { limit },
    replies: {
      200: reply('The lives and the pauses', lives, {
        lives: [
          {
            batchId: BATCH_ID,
            conversationId: CONVERSATION_ID,
            state: 'answered',
            count: 1,
            messages: [{ messageId: 'm1', atMs: 1795904104117 }],
            firstAtMs: 1795904104117,
            lastAtMs: 1795904104117,
            dueAtMs: 1795904107117,
            claimed: { by: 'lull.processor.vm.15.3460d1', atMs: 1795904107119, reason: 'gap', lateMs: 2 },
            attempts: 1,
            handedOverAtMs: 1795904107121,
            endedAtMs: 1795904108795,
            outcome: 'completed',
            phases: [{ name: 'quietGap', fromMs: 1795904104117, toMs: 1795904107117 }],
            steps: [ANSWERED],
          },
        ],
        pauses: [],
        nowMs: 1795904109000,
      }),
    },
  },
  {
    id: 'flush',
    tag,
    method: 'post',
    path: '/conversations/{id}/flush',
    inQuery: { ByQuery: '/conversations/flush' },
    summary: 'Release the open batch now',
    replies: {
      200: reply('The batch is due', z.object({ batchId: z.string(), count: z.number() }), {
        batchId: BATCH_ID,
        count: 3,
      }),
      404: error('Nothing is open', `conversation="${CONVERSATION_ID}" has no open batch: there is nothing to flush`),
    },
  },
  {
    id: 'forget',
    tag,
    method: 'post',
    path: '/conversations/{id}/forget',
    inQuery: { ByQuery: '/conversations/forget' },
    summary: 'Erase everything that is stored about a conversation',
    description:
      'Messages, message ids, dead batches, history, its pause and its stored settings, also those of the other ids of ' +
      'its person. What was handed over is not erased.',
    replies: { 200: reply('What was erased', forgotten, { messages: 2, deadBatches: 0, historyEntries: 7 }) },
  },
]
