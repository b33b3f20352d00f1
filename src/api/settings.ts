/**
 * Rules that are stored by scope: those of all conversations (`*`), of an account, of a conversation.
 *
 *   GET    /settings                   all scopes
 *   GET    /settings/:scope            GET    /settings?scope=      its rules, and what holds for it in the end
 *   PUT    /settings/:scope            PUT    /settings?scope=      the body's rules instead of those it has
 *   DELETE /settings/:scope            DELETE /settings?scope=
 *
 * The last write wins. Scopes are URL-encoded, like the ids of conversations.
 */
import type Router from '@koa/router'
import type { Context, Middleware } from 'koa'
import type { Batcher } from '../batcher.js'
import { Refusal } from '../http/refusal.js'
import { queryOf, type ReadBody } from './request-body.js'

interface Options {
  batcher: Batcher
  token: Middleware
  readBody: ReadBody
}

type InRoute = Context & { params: Record<string, string> }

export function settingsRoutes(router: Router, { batcher: { settings }, token, readBody }: Options): void {
  const show = async (ctx: InRoute) => {
    ctx.body = await refused(settings.of(scopeOf(ctx)))
  }
  const replace = async (ctx: InRoute) => {
    const scope = scopeOf(ctx)
    ctx.body = await refused(settings.replace(scope, await readBody(ctx)))
  }
  const remove = async (ctx: InRoute) => {
    ctx.body = await refused(settings.replace(scopeOf(ctx), {}))
  }
  router.get('/settings', token, async ctx => {
    if (queryOf(ctx, 'scope') !== undefined) return show(ctx)
    ctx.body = { settings: await settings.all() }
  })
  router.put('/settings', token, replace)
  router.delete('/settings', token, remove)
  router.get('/settings/:scope', token, show)
  router.put('/settings/:scope', token, replace)
  router.delete('/settings/:scope', token, remove)
}

const scopeOf = (ctx: InRoute): string => queryOf(ctx, 'scope') ?? ctx.params['scope'] ?? ''

/** What cannot be stored is the client's to correct. @throws {Refusal} 400 */
async function refused<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work
  } catch (error) {
    throw error instanceof RangeError ? new Refusal(400, error.message) : error
  }
}
