/**
 * The messages of a conversation: append, edit, revoke.
 *
 *   POST   /conversations/:id/messages               POST   /conversations/messages?id=
 *   PUT    /conversations/:id/messages/:messageId    PUT    /conversations/messages?id=&messageId=
 *   DELETE /conversations/:id/messages/:messageId    DELETE /conversations/messages?id=&messageId=
 *
 * `/conversations/messages/:messageId?id=` works, too.
 */
import type Router from '@koa/router'
import type { Context, Middleware, Next } from 'koa'
import { z } from 'zod'
import type { AppendMessage, AppendOptions, Batcher } from '../batcher.js'
import { shown } from '../check-arguments.js'
import { checkMessage } from '../check-message.js'
import { Refusal } from '../http/refusal.js'
import type { Metrics } from '../metrics/metrics.js'
import { isRecord, LONGEST_ID } from '../providers/fields.js'
import { messageFrom, messagesIn } from '../providers/generic.js'
import { checkReadable } from '../providers/misread.js'
import { overridesFrom, overridesShape } from '../settings/overrides.js'
import type { AppendResult, EditResult, RevokeResult } from '../store/store.js'
import { conversationIdOf, type WithParams } from './conversation-id.js'
import { parsed } from './parsed.js'
import { queryOf, type ReadBody } from './request-body.js'

interface Options {
  batcher: Batcher
  token: Middleware
  readBody: ReadBody
  metrics: Metrics | undefined
  afterAppend: (result: AppendResult) => void
}

const MOST_AUTHORS = 16

export const messageIdShape = z
  .string()
  .min(1, 'the message is missing: give its id in the path, URL-encoded, or as ?messageId=')
  .max(LONGEST_ID, {
    error: ({ input }) => `the message's id has ${String(input).length} characters: use at most ${LONGEST_ID}`,
  })
export const authorsShape = z.array(z.string().min(1).max(LONGEST_ID)).max(MOST_AUTHORS)
export const editBody = z.object({ text: z.string() })
/** Beside the messages. The rules themselves are checked by `overridesFrom`, which names what was probably meant. */
export const rulesBody = overridesShape.extend({ flush: z.boolean().optional() })

export function messageRoutes(router: Router, { batcher, token, readBody, metrics, afterAppend }: Options): void {
  const append = async (ctx: WithParams) => {
    const id = conversationIdOf(ctx)
    const body = await readBody(ctx)
    const messages = messagesOf(body)
    const result = await appendBy(batcher, id, messages, rulesIn(body))
    afterAppend(result)
    const { listeners: _, ...reply } = result
    const { accepted, duplicates, tooOld: ignored, paused } = reply
    metrics?.received('generic', { accepted, duplicates, ignored, ...(paused ? { paused } : {}) })
    ctx.body = reply
  }
  const edit = async (ctx: WithParams) => {
    const [id, messageId, authors] = [conversationIdOf(ctx), messageIdOf(ctx), authorsOf(ctx)]
    const { text } = parsed(editBody, await readBody(ctx), 'text is missing, or no text: send {"text":"…"}')
    replyCorrected(ctx, messageId, await batcher.edit(id, messageId, text, authors))
  }
  const revoke = async (ctx: WithParams) => {
    const [id, messageId, authors] = [conversationIdOf(ctx), messageIdOf(ctx), authorsOf(ctx)]
    replyCorrected(ctx, messageId, await batcher.revoke(id, messageId, authors))
  }

  router.post('/conversations/messages', token, append)
  router.post('/conversations/:id/messages', token, append)
  router.put('/conversations/messages', token, edit)
  // Without `?id=` and `?messageId=` the last word of the path is a conversation's id.
  router.delete('/conversations/messages', token, (ctx: WithParams, next: Next) =>
    ['id', 'messageId'].every(name => queryOf(ctx, name) === undefined) ? next() : revoke(ctx),
  )
  for (const path of ['/conversations/messages/:messageId', '/conversations/:id/messages/:messageId']) {
    router.put(path, token, edit)
    router.delete(path, token, revoke)
  }
}

/** @throws {Refusal} 400 if a rule cannot be used together with those of the conversation */
async function appendBy(
  batcher: Batcher,
  conversationId: string,
  messages: AppendMessage[],
  rules: AppendOptions['rules'],
): Promise<AppendResult> {
  if (!rules) return batcher.append(conversationId, messages)
  try {
    return await batcher.append(conversationId, messages, { rules })
  } catch (error) {
    throw error instanceof RangeError ? new Refusal(400, error.message) : error
  }
}

/**
 * One or many messages of the generic shape, without a chat. Unlike in a webhook, one invalid message refuses all of
 * them: the caller can correct it.
 * @throws {Refusal} 400
 */
function messagesOf(body: unknown): AppendMessage[] {
  if (typeof body !== 'object' || body === null)
    throw new Refusal(400, 'the body is neither an object nor an array: send {"messageId","text"}')
  return messagesIn(body).map((value, index) => {
    checked(index, () => checkReadable(value))
    const message = messageFrom(value)
    if (message === undefined)
      throw new Refusal(
        400,
        `messages[${index}].messageId is missing: set an id that stays the same when the message is sent again`,
      )
    checked(index, () => checkMessage(message))
    return message
  })
}

/** @throws {Refusal} 400 if the check throws a `TypeError` */
function checked(index: number, check: () => void): void {
  try {
    check()
  } catch (error) {
    throw error instanceof TypeError ? new Refusal(400, `messages[${index}].${error.message}`) : error
  }
}

/** The rules beside the messages of a body. @throws {Refusal} 400 */
function rulesIn(body: unknown): AppendOptions['rules'] {
  const given = isRecord(body) ? body['rules'] : undefined
  if (given === undefined) return undefined
  if (!isRecord(given)) throw new Refusal(400, 'rules is not an object: send, for example, {"quietGapMs":6000}')
  const { flush: isFlushed, ...rules } = given
  const why = `flush=${shown(isFlushed)} is neither true nor false`
  const flush = parsed(rulesBody.shape.flush, isFlushed, why)
  try {
    return { ...overridesFrom(rules), ...(flush === undefined ? {} : { flush }) }
  } catch (error) {
    throw error instanceof RangeError ? new Refusal(400, error.message) : error
  }
}

/** @throws {Refusal} 400 if it is missing or too long */
const messageIdOf = (ctx: WithParams): string =>
  parsed(messageIdShape, queryOf(ctx, 'messageId') ?? ctx.params['messageId'] ?? '')

/** Ids of the person who corrects a message: `?author=`, once or more often. @throws {Refusal} 400 */
function authorsOf(ctx: Context): string[] {
  const why = `author is empty or too long, or there are more than ${MOST_AUTHORS}: send the sender's id`
  return parsed(authorsShape, [ctx.query['author'] ?? []].flat(), why)
}

/** What became of an edit or a revocation: `result` names it. The store may keep no message with that id. */
function replyCorrected(ctx: Context, messageId: string, result: EditResult | RevokeResult): void {
  const refusal = refusalOf(messageId, result)
  ctx.status = refusal?.status ?? 200
  ctx.body = refusal ? { error: refusal.message, result } : { result }
}

function refusalOf(messageId: string, result: EditResult | RevokeResult): Refusal | undefined {
  const message = `message ${shown(messageId)}`
  switch (result) {
    case 'tooLate':
      return new Refusal(
        409,
        `${message} no longer waits, or its batch has no room: append the correction as a new message`,
      )
    case 'unknown':
      return new Refusal(404, `${message} has not come to this conversation: check both ids`)
    case 'notAuthor':
      return new Refusal(403, `${message} was written by somebody else: author must be its sender`)
    default:
      return undefined
  }
}
