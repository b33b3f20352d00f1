/**
 * Conversations of any channel: their open messages and their history; flush, drop and forget. `messages.ts` has the
 * routes for their messages, `holds.ts` those for what keeps a batch from its due time, `pauses.ts` those for a person
 * who takes over.
 *
 *   GET    /conversations?limit=                 those with messages, soonest due first; and those that are paused
 *   GET    /conversations/:id                    GET    /conversations?id=
 *   GET    /conversations/:id/history            GET    /conversations/history?id=
 *   GET    /conversations/:id/lives              GET    /conversations/lives?id=
 *   POST   /conversations/:id/flush              POST   /conversations/flush?id=
 *   POST   /conversations/:id/forget             POST   /conversations/forget?id=
 *   DELETE /conversations/:id                    DELETE /conversations?id=     discards what waits
 *
 * Ids are URL-encoded (`shop/7900@c.us` is `shop%2F7900%40c.us`). The forms on the right are for proxies that refuse
 * `%2F`; without `?id=`, `/conversations/history` is the conversation with the id `history`.
 */
import type Router from '@koa/router'
import type { Context, Middleware } from 'koa'
import type { Batcher } from '../batcher.js'
import { livesOfConversation } from '../history/reading.js'
import { Refusal } from '../http/refusal.js'
import { shown } from '../http/shown.js'
import { conversationIdOf } from './conversation-id.js'
import { limitOf } from './limit.js'
import { partial } from './partial.js'
import { queryOf } from './request-body.js'
import { livesWithoutTexts, stateWithoutTexts, stepWithoutTexts } from './texts.js'

interface Options {
  batcher: Batcher
  token: Middleware
  showTexts: boolean
}

type Handler = (ctx: Context, conversationId: string) => Promise<unknown>

export function conversationRoutes(router: Router, options: Options): void {
  const { batcher, token, showTexts } = options

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
  const flush: Handler = async (_ctx, id) => {
    const flushed = await batcher.flush(id)
    if (flushed === undefined)
      throw new Refusal(404, `conversation=${shown(id)} has no open batch: there is nothing to flush`)
    return flushed
  }
  const drop: Handler = async (_ctx, id) => ({ dropped: await batcher.drop(id) })
  const forget: Handler = (_ctx, id) => batcher.forget(id)

  router.get('/conversations', token, async ctx => {
    if (queryOf(ctx, 'id') !== undefined) return one(show)(ctx)
    const limit = limitOf(ctx)
    const [conversations, paused] = await Promise.all([batcher.conversations(limit), batcher.paused(limit)])
    ctx.body = { conversations, paused, ...partial(batcher.store) }
  })
  router.delete('/conversations', token, one(drop))
  // Without `?id=` the last word of the path is a conversation's id.
  router.get('/conversations/history', token, (ctx, next) =>
    queryOf(ctx, 'id') === undefined ? next() : one(history)(ctx),
  )
  router.get('/conversations/lives', token, (ctx, next) =>
    queryOf(ctx, 'id') === undefined ? next() : one(lives)(ctx),
  )
  for (const [name, handler] of Object.entries({ flush, forget })) {
    router.post(`/conversations/${name}`, token, one(handler))
    router.post(`/conversations/:id/${name}`, token, one(handler))
  }
  router.get('/conversations/:id', token, one(show))
  router.delete('/conversations/:id', token, one(drop))
  router.get('/conversations/:id/history', token, one(history))
  router.get('/conversations/:id/lives', token, one(lives))
}
