/** What moves a batch's due time, and what keeps the bot out: typing, holds, pauses, messages of the bot's own. */
import { z } from 'zod'
import { holdBody, releaseBody, typingBody } from '../../holds.js'
import { pauseBody } from '../../pauses.js'
import { sentBody } from '../../sent.js'
import { body, type Operation, reply } from '../operation.js'
import { dueInMs, pauseReply } from '../shapes/conversations.js'

const tag = 'Conversations'

const typing = typingBody.unwrap().shape
const typingRequest = z
  .object({
    forMs: typing.forMs.describe('How long the sign is worth. By default the quiet gap; with a typing gap 12 s'),
    ms: typing.ms.meta({ description: 'An older name of `forMs`', deprecated: true }),
    ended: typing.ended.describe('The person has stopped typing: counts only with a typing gap'),
  })
  .optional()

const hold = z.object({
  key: holdBody.shape.key.describe('What the batch waits for. One key holds once; a repeated call sets its time anew'),
  forMs: holdBody.shape.forMs.describe('How long at most. By default the rule `holdMs`: 20 s'),
})

const pause = z
  .strictObject({
    forMs: pauseBody.shape.forMs.describe('By default the rule `pauseMs` of the conversation: half an hour'),
    keep: pauseBody.shape.keep.describe(
      'What becomes of messages that wait and that come. By default the rule `paused`: `drop`',
    ),
  })
  .optional()

const sent = z.object({ messageId: sentBody.shape.messageId.describe('One id, or several') })

export const timingOperations: Operation[] = [
  {
    id: 'reportTyping',
    tag,
    method: 'post',
    path: '/conversations/{id}/typing',
    inQuery: { ByQuery: '/conversations/typing' },
    summary: 'Report that the person is typing, or has stopped',
    description: 'The open batch is due `forMs` from now at the earliest, and never later than the max wait allows.',
    body: body(typingRequest, { typing: { forMs: 5000 }, stopped: { ended: true } }),
    replies: {
      200: reply(
        '`extended` is false if no batch is open, or it is due already',
        z.object({ extended: z.boolean(), batchId: z.string().optional(), dueInMs: dueInMs.optional() }),
        { extended: true, batchId: 'bFw3Al6XHMjN0aiGG', dueInMs: 5000 },
      ),
    },
  },
  {
    id: 'hold',
    tag,
    method: 'post',
    path: '/conversations/{id}/hold',
    inQuery: { ByQuery: '/conversations/hold' },
    summary: 'Hold the open batch back while something is prepared that belongs to it',
    description:
      'If none is open, the next one waits. It is due when the hold is released or has ended, but never before its quiet ' +
      'gap, and never later than the max wait, or than `holdMaxMs` if that is longer.',
    body: body(hold, { key: { key: 'invoice-4711', forMs: 15_000 } }),
    replies: {
      200: reply('`dueInMs` is absent if no batch is open', z.object({ dueInMs: dueInMs.optional() }), {
        dueInMs: 15_000,
      }),
    },
  },
  {
    id: 'release',
    tag,
    method: 'post',
    path: '/conversations/{id}/release',
    inQuery: { ByQuery: '/conversations/release' },
    summary: 'End a hold',
    description: 'A message that holds its batch until its text comes is released by its id.',
    body: body(releaseBody, { key: { key: 'invoice-4711' } }),
    replies: {
      200: reply('Whether there was such a hold', z.object({ released: z.boolean() }), { released: true }),
    },
  },
  {
    id: 'pause',
    tag,
    method: 'post',
    path: '/conversations/{id}/pause',
    inQuery: { ByQuery: '/conversations/pause' },
    summary: 'A person takes over',
    description: 'Nothing of the conversation is handed over until the pause ends. A repeated call sets the end anew.',
    body: body(pause, { twoHours: { forMs: 7_200_000 } }),
    replies: { 200: reply('It is paused', pauseReply, { untilMs: 1795911304089, dropped: 1 }) },
  },
  {
    id: 'resume',
    tag,
    method: 'post',
    path: '/conversations/{id}/resume',
    inQuery: { ByQuery: '/conversations/resume' },
    summary: 'The bot is back',
    description: 'What was collected is due a quiet gap after its last message.',
    replies: { 200: reply('Whether it was paused', z.object({ resumed: z.boolean() }), { resumed: true }) },
  },
  {
    id: 'reportSent',
    tag,
    method: 'post',
    path: '/conversations/{id}/sent',
    inQuery: { ByQuery: '/conversations/sent' },
    summary: 'Report which messages the bot sent',
    description: "Their webhooks never count as a person's answer from the business's own phone.",
    body: body(sent, { several: { messageId: ['3EB0C767D097B7C60AE4', '3EB0C767D097B7C60AE5'] } }),
    replies: {
      200: reply(
        '`resumed`: one of them had paused the conversation, and that pause is over now',
        z.object({ sent: z.number(), resumed: z.boolean() }),
        { sent: 2, resumed: false },
      ),
    },
  },
]
