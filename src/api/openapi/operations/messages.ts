/** Append, edit, revoke. */
import { z } from 'zod'
import type { EditResult, RevokeResult } from '../../../store/store.js'
import { authorsShape, editBody } from '../../messages.js'
import { body, errorShape, type Operation, reply } from '../operation.js'
import { appended } from '../shapes/conversations.js'
import { appendBody } from '../shapes/sent-messages.js'

const tag = 'Messages'
const inQuery = {
  ByQuery: '/conversations/messages',
  ByConversationQuery: '/conversations/messages/{messageId}',
}
const query = {
  author: authorsShape
    .optional()
    .describe('Ids of the person who corrects the message: one of them must be its `senderId`. Once for each id'),
}

const refused = <Result extends Exclude<EditResult | RevokeResult, 'edited' | 'revoked' | 'remembered'>>(
  description: string,
  result: Result,
  error: string,
) =>
  reply(
    description,
    errorShape.extend({ result: z.literal(result) }),
    z.object({ error: z.string(), result: z.literal(result) }).parse({ error, result }),
  )

const refusals = {
  403: refused(
    'None of the authors is the `senderId` of the message',
    'notAuthor',
    'message "m2" was written by somebody else: author must be its sender',
  ),
  404: refused('No such message has come', 'unknown', 'message "m2" has not come to this conversation: check both ids'),
  409: refused(
    'The message is claimed already, is not among the last 100 that wait, or its sealed batch has no room for the text',
    'tooLate',
    'message "m2" no longer waits, or its batch has no room: append the correction as a new message',
  ),
}

export const messageOperations: Operation[] = [
  {
    id: 'appendMessages',
    tag,
    method: 'post',
    path: '/conversations/{id}/messages',
    inQuery: { ByQuery: '/conversations/messages' },
    summary: 'Add messages',
    description: 'If one message has no `messageId`, or a rule cannot be used, none is stored.',
    body: body(appendBody, {
      one: { messageId: 'm1', text: 'hi' },
      several: [
        { messageId: 'm1', text: 'hi' },
        { messageId: 'm2', text: 'a slow cake' },
      ],
      withRules: { messages: [{ messageId: 'm4', text: 'for Sunday' }], rules: { quietGapMs: 6000 } },
    }),
    replies: {
      200: reply('The messages are stored', appended, {
        accepted: 2,
        duplicates: 0,
        tooOld: 0,
        batchId: 'bFw3Al6XHMjN0aiGG',
        dueInMs: 3000,
      }),
    },
  },
  {
    id: 'editMessage',
    tag,
    method: 'put',
    path: '/conversations/{id}/messages/{messageId}',
    inQuery,
    summary: 'Replace the text of a message that no processor has claimed',
    description: 'Its batch is due when it was.',
    query,
    body: body(editBody, { text: { text: 'a plain cake' } }),
    replies: {
      200: reply('The text is replaced', z.object({ result: z.literal('edited') }), { result: 'edited' }),
      ...refusals,
    },
  },
  {
    id: 'revokeMessage',
    tag,
    method: 'delete',
    path: '/conversations/{id}/messages/{messageId}',
    inQuery,
    summary: 'Remove a message that no processor has claimed',
    query,
    replies: {
      200: reply(
        '`remembered`: the message has not come yet, and is dropped when it comes. Without `author` only',
        z.object({ result: z.enum(['revoked', 'remembered']) }),
        { result: 'revoked' },
      ),
      ...refusals,
    },
  },
]
