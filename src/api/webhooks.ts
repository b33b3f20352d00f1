/**
 * The webhooks: `/webhook/whatsapp/batched` collects messages, `/webhook/whatsapp` hands each over alone. Both take a
 * provider's name behind them, and behind that the name of an event, which means nothing here: Evolution's
 * `webhookByEvents` appends it. GET on all of them is Meta's verification handshake.
 *
 * Nearly all requests are webhooks, so they come first in Koa's chain, without a router, and are answered by `http/`'s
 * writer.
 */
import type { IncomingMessage } from 'node:http'
import type { DefaultState, Middleware } from 'koa'
import { otherMethod } from '../http/methods.js'
import { readBytes } from '../http/read-bytes.js'
import type { Reply } from '../http/respond.js'
import type { Receiver } from '../webhook/receive.js'
import type { Matched, WriteReply } from './exchange.js'
import { decoded } from './unmatched.js'

/** What follows the address is `/batched`, a provider's name, and the name of an event. */
const WEBHOOK = /^\/webhook\/whatsapp(\/batched)?(?:\/([^/]+)(\/[^/]+)?)?\/?$/i
/** Addresses that somebody may have meant for a webhook. */
const LIKE_A_WEBHOOK = /^\/webhook/i

interface Route {
  /** Its name in the metrics. */
  pattern: string
  path: string
  query: string
  direct: boolean
  provider: string | undefined
}

export function webhookRoutes(receiver: Receiver, reply: WriteReply): Middleware<DefaultState, Matched> {
  return async (ctx, next) => {
    const target = ctx.req.url ?? ''
    const route = routeOf(target)
    if (!route && !LIKE_A_WEBHOOK.test(target)) return next()
    try {
      if (!route) return await next()
      ctx._matchedRoute = route.pattern
      reply(ctx, await handle(receiver, ctx.req, route))
    } catch (error) {
      receiver.noteRefusal(error, route?.provider)
      throw error
    }
  }
}

async function handle(receiver: Receiver, req: IncomingMessage, route: Route): Promise<Reply> {
  const { method = '', headers, url = '' } = req
  const provider = route.provider && decoded(route.provider)
  const header = (name: string) => first(headers[name])
  receiver.refuseWebPages(header, provider)
  if (method === 'POST')
    return receiver.deliver({
      body: lease => readBytes(req, lease),
      header,
      url,
      provider,
      direct: route.direct,
      route: route.pattern,
    })
  if (method === 'GET' || method === 'HEAD') {
    const fields = new URLSearchParams(route.query)
    return receiver.handshake(name => fields.get(name) ?? undefined, provider)
  }
  return otherMethod(method, route.path, ['GET', 'HEAD', 'POST'])
}

/** @param target of the request's first line: a path with a query, or a whole URL from a proxy */
function routeOf(target: string): Route | undefined {
  const url = target.startsWith('/') ? target : target.replace(/^https?:\/\/[^/]*/i, '')
  const end = url.indexOf('?')
  const path = end < 0 ? url : url.slice(0, end)
  const match = WEBHOOK.exec(path)
  if (!match) return undefined
  const [, batched = '', provider, event = ''] = match
  return {
    pattern: `/webhook/whatsapp${batched && '/batched'}${provider === undefined ? '' : '/:provider'}${event && '/:event'}`,
    path,
    query: end < 0 ? '' : url.slice(end + 1),
    direct: batched === '',
    provider,
  }
}

const first = (value: string | string[] | undefined) => (Array.isArray(value) ? value[0] : value)
