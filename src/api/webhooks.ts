/**
 * The webhooks: `/webhook/whatsapp/batched` collects, `/webhook/whatsapp` is the direct path, and behind either the
 * provider may be named. GET on all of them is Meta's verification handshake.
 */
import type Router from '@koa/router'
import type { Context } from 'koa'
import { readBytes } from '../webhook/read-bytes.js'
import type { Receiver } from '../webhook/receive.js'
import { queryOf } from './request-body.js'

const BATCHED = '/webhook/whatsapp/batched'
const DIRECT = '/webhook/whatsapp'

export function webhookRoutes(router: Router, receiver: Receiver): void {
  const handle = (direct: boolean) => async (ctx: Context & { params: Record<string, string> }) => {
    const provider = ctx.params['provider']
    const header = (name: string) => ctx.get(name) || undefined
    const { status, body } =
      ctx.method === 'POST'
        ? await receiver.deliver({ body: await readBytes(ctx.req), header, url: ctx.originalUrl, provider, direct })
        : receiver.handshake(name => queryOf(ctx, name), provider)
    ctx.status = status
    // A string is a handshake's challenge, which the sender chose: never anything but plain text.
    if (typeof body === 'string') ctx.type = 'text/plain; charset=utf-8'
    ctx.body = body
  }
  // The router takes the first path that fits: `batched` is no provider's name.
  router.register(BATCHED, ['GET', 'POST'], handle(false))
  router.register(`${BATCHED}/:provider`, ['GET', 'POST'], handle(false))
  router.register(DIRECT, ['GET', 'POST'], handle(true))
  router.register(`${DIRECT}/:provider`, ['GET', 'POST'], handle(true))
}
