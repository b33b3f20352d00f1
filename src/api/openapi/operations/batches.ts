/** The commit and the end of an answer; dead batches. */
import { z } from 'zod'
import { shapeOf } from '../../../shape-of.js'
import type { AnsweredResult } from '../../../store/store.js'
import { answeredBody, waitMsShape } from '../../batches.js'
import { limitShape } from '../../limit.js'
import { body, error, type Operation, reply } from '../operation.js'
import { deadBatch, partitionsAway } from '../shapes/conversations.js'

const tag = 'Batches'
const NO_DEAD = error('No dead batch has this id', 'no dead batch has the id "b_gEhLOtwowoq_-vW": GET /dead lists them')

const answered = shapeOf<AnsweredResult>()(
  z.object({
    freed: z.boolean().describe('The batch held its conversation until now'),
    dueInMs: z.number().optional().describe("Until the conversation's next batch is due"),
    replyMs: z.number().optional().describe('Since the last message of a batch that was still being answered'),
  }),
)

const DEAD: z.output<typeof deadBatch> = {
  batchId: 'b_gEhLOtwowoq_-vW',
  conversationId: '79990000011@c.us',
  attempts: 5,
  error: 'http://127.0.0.1:4000/batches answered 500',
  diedAtMs: 1795904199012,
  batch: {
    version: 1,
    batchId: 'b_gEhLOtwowoq_-vW',
    conversationId: '79990000011@c.us',
    chatId: '79990000011@c.us',
    isGroup: false,
    provider: 'generic',
    messages: [{ messageId: 'm1', type: 'text', text: 'hi', receivedAtMs: 1795904197982 }],
    text: 'hi',
    firstAtMs: 1795904197982,
    lastAtMs: 1795904197982,
    dueAtMs: 1795904198982,
    releasedAtMs: 1795904198986,
    releasedBy: 'gap',
  },
}

export const batchOperations: Operation[] = [
  {
    id: 'commit',
    tag,
    method: 'post',
    path: '/batches/{batchId}/commit',
    summary: 'Ask whether the answer to a batch may be sent',
    description:
      'Ask before the first thing that cannot be taken back: a reply, a booking. Needed with LULL_ANSWERING=supersede, by ' +
      'receivers that answer 202. The wait ends when the connection closes, and nothing is committed then.',
    query: { waitMs: waitMsShape.describe('How long to wait for the due time, in ms') },
    replies: {
      200: reply(
        'Send it: nothing supersedes this batch any more. `again`: an earlier run of the work may have sent the answer',
        z.object({ go: z.literal(true), again: z.literal(true).optional() }),
        { go: true },
        { go: true, again: true },
      ),
      409: reply(
        'Send nothing: newer messages superseded the batch. `superseded` names the batch that has its messages, too; null: they were discarded',
        z.object({ superseded: z.string().nullable() }),
        { superseded: 'bJprJQW9Xm8yeTPu1' },
        { superseded: null },
      ),
      410: error(
        'Send nothing: the batch was answered, its answer timed out, or Lull does not know it',
        'batch "bFw3Al6XHMjN0aiGG" has been answered: do not send another answer',
      ),
      425: {
        ...reply('The person may still be writing: ask again in `waitMs`', z.object({ waitMs: z.number() }), {
          waitMs: 1469,
        }),
        headers: ['Retry-After'],
      },
    },
  },
  {
    id: 'reportAnswered',
    tag,
    method: 'post',
    path: '/batches/{batchId}/answered',
    summary: 'Report that the work on a batch has ended',
    description:
      'The next batch of its conversation may go. Needed with LULL_HANDOVER=http by receivers that answer 202.',
    body: body(answeredBody, { failed: { outcome: 'failed' } }),
    replies: {
      200: reply(
        '`freed` is false if the batch was answered before, or its time is over',
        answered,
        { freed: true, replyMs: 4317 },
        { freed: false },
      ),
    },
  },
  {
    id: 'listDead',
    tag,
    method: 'get',
    path: '/dead',
    summary: 'List the batches whose handover failed for good, newest first',
    query: { limit: limitShape },
    replies: {
      200: reply('The dead batches', z.object({ dead: z.array(deadBatch), partitionsAway }), { dead: [DEAD] }),
    },
  },
  {
    id: 'redrive',
    tag,
    method: 'post',
    path: '/dead/{batchId}/redrive',
    summary: 'Hand a dead batch over again, before the newer messages of its conversation',
    replies: {
      200: reply('It waits again', z.object({ batchId: z.string(), conversationId: z.string() }), {
        batchId: 'b_gEhLOtwowoq_-vW',
        conversationId: '79990000011@c.us',
      }),
      404: NO_DEAD,
    },
  },
  {
    id: 'discardDead',
    tag,
    method: 'delete',
    path: '/dead/{batchId}',
    summary: 'Erase a dead batch, with its messages',
    replies: { 200: reply('It is erased', z.object({ discarded: z.number() }), { discarded: 1 }), 404: NO_DEAD },
  },
]
