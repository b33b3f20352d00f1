/**
 * The outermost middleware: every request to this port passes through it, webhooks included. It turns errors into
 * replies, measures the request and logs it.
 */
import type { RouterContext } from '@koa/router'
import Koa, { type Context, type DefaultState, type Middleware } from 'koa'
import type { ErrorReplies } from '../http/refusal.js'
import { type Headers, type Reply, write } from '../http/respond.js'
import { type Logger, logsDebug } from '../logger.js'
import type { Metrics } from '../metrics/metrics.js'

export interface ExchangeOptions {
  errors: ErrorReplies
  reply: WriteReply
  log: Logger
  metrics?: Metrics | undefined
}

export type WriteReply = (ctx: Context, reply: Reply) => void

/** What @koa/router notes of the routes that it found. */
export type Matched = Pick<RouterContext, 'matched' | '_matchedRoute'>

/**
 * Writes a reply by `http/respond.ts` instead of by Koa, whose setters for status, headers and body cost another 4 to 8
 * % of a webhook's CPU (docs/performance.md).
 * @param headers of every reply
 */
export const replyWith =
  (headers: Headers): WriteReply =>
  (ctx, reply) => {
    ctx.respond = false
    write(ctx.res, reply, headers)
  }

export function exchange({ errors, reply, log, metrics }: ExchangeOptions): Middleware<DefaultState, Matched> {
  return async (ctx, next) => {
    const startedAtMs = performance.now()
    try {
      await next()
    } catch (error) {
      reply(ctx, errors.to(error))
    }
    const durationMs = performance.now() - startedAtMs
    const { method } = ctx
    const code = ctx.res.statusCode
    metrics?.requested({ route: patternOf(ctx), method, code, durationMs })
    if (logsDebug(log))
      log.debug({ method, path: ctx.req.url?.split('?')[0], status: code, ms: Math.round(durationMs) }, 'request')
  }
}

/** A Koa application without middleware. */
export function emptyApp(log: Logger): Koa {
  const app = new Koa()
  // `exchange` replies to errors; what is left are clients that went away before they had the response.
  app.on('error', (error: Error) => log.debug({ err: error }, 'a response could not be sent'))
  return app
}

/** Sets the headers of replies that Koa writes. */
export const setHeaders =
  (headers: Headers): Middleware =>
  (ctx, next) => {
    ctx.set({ ...headers })
    return next()
  }

/** The route's pattern, as @koa/router notes it; never the path, which may hold anything, a conversation's id too. */
const patternOf = ({ _matchedRoute }: Matched): string => (typeof _matchedRoute === 'string' ? _matchedRoute : 'none')
