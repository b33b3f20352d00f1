/**
 * Conversations of any channel: their open messages and their history; append, typing, flush and drop.
 *
 *   GET    /conversations?limit=                 those with messages, soonest due first
 *   GET    /conversations/:id                    GET    /conversations?id=
 *   GET    /conversations/:id/history            GET    /conversations/history?id=
 *   GET    /conversations/:id/lives              GET    /conversations/lives?id=
 *   POST   /conversations/:id/messages           POST   /conversations/messages?id=
 *   POST   /conversations/:id/flush              POST   /conversations/flush?id=
 *   POST   /conversations/:id/typing             POST   /conversations/typing?id=
 *   DELETE /conversations/:id                    DELETE /conversations?id=
 *
 * Ids are URL-encoded (`shop/7900@c.us` is `shop%2F7900%40c.us`). The forms on the right are for proxies that refuse
 * `%2F`; without `?id=`, `/conversations/history` is the conversation with the id `history`.
 */
import type Router from '@koa/router'
import type { Context, Middleware } from 'koa'
import { z } from 'zod'
import type { AppendMessage, Batcher } from '../batcher.js'
import { livesOfConversation } from '../history/reading.js'
import { Refusal } from '../http/refusal.js'
import { shown } from '../http/shown.js'
import type { Metrics } from '../metrics/metrics.js'
import { LONGEST_ID } from '../providers/fields.js'
import { messageFrom, messagesIn } from '../providers/generic.js'
import type { AppendResult } from '../store/store.js'
import { limitOf } from './limit.js'
import { queryOf, type ReadBody } from './request-body.js'
import { livesWithoutTexts, stateWithoutTexts, stepWithoutTexts } from './texts.js'

interface Options {
  batcher: Batcher
  token: Middleware
  showTexts: boolean
  readBody: ReadBody
  metrics: Metrics | undefined
  afterAppend: (result: AppendResult) => void
}

type Handler = (ctx: Context, conversationId: string) => Promise<unknown>

/** An account, a group and a sender, each as long as an id may be. */
const LONGEST_CONVERSATION_ID = 3 * LONGEST_ID

const LONGEST_TYPING_MS = 3_600_000
const typingBody = z.object({ ms: z.int().min(1).max(LONGEST_TYPING_MS).optional() }).optional()

export function conversationRoutes(router: Router, options: Options): void {
  const { batcher, token, showTexts, readBody, metrics, afterAppend } = options

  const one = (handler: Handler) => async (ctx: Context & { params: Record<string, string> }) => {
    ctx.body = await handler(ctx, conversationIdOf(ctx))
  }

  const show: Handler = async (_ctx, id) => {
    const state = await batcher.conversation(id)
    return showTexts ? state : stateWithoutTexts(state)
  }
  const history: Handler = async (ctx, id) => {
    const steps = await batcher.history({ conversationId: id, limit: limitOf(ctx) })
    return { history: showTexts ? steps : steps.map(stepWithoutTexts) }
  }
  const lives: Handler = async (ctx, id) => {
    await batcher.open()
    const read = await livesOfConversation(batcher.store, id, limitOf(ctx))
    return showTexts ? read : livesWithoutTexts(read)
  }
  const append: Handler = async (ctx, id) => {
    const result = await batcher.append(id, messagesOf(await readBody(ctx)))
    afterAppend(result)
    const { listeners: _, ...body } = result
    metrics?.received('generic', { accepted: body.accepted, duplicates: body.duplicates, ignored: body.tooOld })
    return body
  }
  const typing: Handler = async (ctx, id) => {
    const extended = await batcher.typing(id, typingMs(await readBody(ctx)))
    return { extended: extended !== undefined, ...extended }
  }
  const flush: Handler = async (_ctx, id) => {
    const flushed = await batcher.flush(id)
    if (flushed === undefined)
      throw new Refusal(404, `conversation=${shown(id)} has no open batch: there is nothing to flush`)
    return flushed
  }
  const drop: Handler = async (_ctx, id) => ({ dropped: await batcher.drop(id) })

  router.get('/conversations', token, async ctx => {
    if (queryOf(ctx, 'id') !== undefined) return one(show)(ctx)
    ctx.body = { conversations: await batcher.conversations(limitOf(ctx)) }
  })
  router.delete('/conversations', token, one(drop))
  // Without `?id=` the last word of the path is a conversation's id.
  router.get('/conversations/history', token, (ctx, next) =>
    queryOf(ctx, 'id') === undefined ? next() : one(history)(ctx),
  )
  router.get('/conversations/lives', token, (ctx, next) =>
    queryOf(ctx, 'id') === undefined ? next() : one(lives)(ctx),
  )
  for (const [name, handler] of Object.entries({ messages: append, flush, typing })) {
    router.post(`/conversations/${name}`, token, one(handler))
    router.post(`/conversations/:id/${name}`, token, one(handler))
  }
  router.get('/conversations/:id', token, one(show))
  router.delete('/conversations/:id', token, one(drop))
  router.get('/conversations/:id/history', token, one(history))
  router.get('/conversations/:id/lives', token, one(lives))
}

/** @throws {Refusal} 400 if it is missing or too long */
function conversationIdOf(ctx: Context & { params: Record<string, string> }): string {
  const id = queryOf(ctx, 'id') ?? ctx.params['id'] ?? ''
  if (id === '') throw new Refusal(400, 'the conversation is missing: give its id in the path, URL-encoded, or as ?id=')
  if (id.length > LONGEST_CONVERSATION_ID)
    throw new Refusal(400, `the conversation's id has ${id.length} characters: use at most ${LONGEST_CONVERSATION_ID}`)
  return id
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
    const message = messageFrom(value)
    if (message !== undefined) return message
    throw new Refusal(
      400,
      `messages[${index}].messageId is missing: set an id that stays the same when the message is sent again`,
    )
  })
}

function typingMs(body: unknown): number | undefined {
  const parsed = typingBody.safeParse(body)
  if (!parsed.success)
    throw new Refusal(400, `ms is not a whole number from 1 to ${LONGEST_TYPING_MS}: correct it, or leave it out`)
  return parsed.data?.ms
}
