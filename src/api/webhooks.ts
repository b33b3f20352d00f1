/**
 * The webhooks: `/webhook/whatsapp/batched` collects, `/webhook/whatsapp` is the direct path, and behind either the
 * provider may be named. GET on all of them is Meta's verification handshake.
 *
 * Nearly all that an API is asked is one of these, so they are answered in Node's own terms, before Koa: its context, its
 * router and its middlewares cost a fifth of a webhook (docs/performance.md).
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Answer, Refusal } from '../http/answer.js'
import { readBytes } from '../http/read-bytes.js'
import type { Metrics } from '../metrics/metrics.js'
import type { Receiver } from '../webhook/receive.js'
import { type Answering, decoded } from './errors.js'

const WEBHOOK = /^\/webhook\/whatsapp(?<batched>\/batched)?(?:\/(?<provider>[^/]+))?\/?$/i
const ALLOWED = 'GET, HEAD, POST'

/** Answers a request that is a webhook's; false, and untouched, where it is none. */
export type AnswerWebhook = (req: IncomingMessage, res: ServerResponse) => boolean

export interface WebhookRoutesOptions extends Answering {
  receiver: Receiver
  metrics?: Metrics | undefined
}

interface Route {
  /** As the metrics name it. */
  pattern: string
  direct: boolean
  provider?: string
  query: string
}

export function webhookRoutes({ receiver, answers, log, metrics, headers }: WebhookRoutesOptions): AnswerWebhook {
  const take = async (req: IncomingMessage, { direct, provider, query }: Route): Promise<Answer> => {
    switch (req.method) {
      case 'POST': {
        const header = (name: string) => first(req.headers[name.toLowerCase()]) || undefined
        const body = await readBytes(req)
        return receiver.deliver({ body, header, url: req.url ?? '', provider: provider && decoded(provider), direct })
      }
      case 'GET':
      case 'HEAD': {
        const fields = new URLSearchParams(query)
        return receiver.handshake(name => fields.get(name) ?? undefined, provider && decoded(provider))
      }
      case 'OPTIONS':
        return { status: 200, headers: { Allow: ALLOWED }, body: '' }
      default:
        throw new Refusal(405, `${req.method} is not taken here: use ${ALLOWED}`, { Allow: ALLOWED })
    }
  }

  const answer = async (req: IncomingMessage, res: ServerResponse, route: Route): Promise<void> => {
    const startedAtMs = performance.now()
    const { status, headers: own, body } = await take(req, route).catch(error => answers.to(error))
    send(res, status, own ? { ...headers, ...own } : headers, body)
    const durationMs = performance.now() - startedAtMs
    const { method = '' } = req
    metrics?.requested({ route: route.pattern, method, code: status, durationMs })
    log.debug({ method, path: req.url?.split('?')[0], status, ms: Math.round(durationMs) }, 'request')
  }

  return (req, res) => {
    const route = routeOf(req.url ?? '')
    if (route)
      answer(req, res, route).catch(error => {
        log.debug({ err: error }, 'a webhook could not be answered')
        res.destroy()
      })
    return route !== undefined
  }
}

/** @param target as it stands in the request: a path with a query; a whole URL, from a proxy */
function routeOf(target: string): Route | undefined {
  const url = target.startsWith('/') ? target : target.replace(/^https?:\/\/[^/]*/i, '')
  const end = url.indexOf('?')
  const match = WEBHOOK.exec(end < 0 ? url : url.slice(0, end))
  if (!match) return undefined
  const { batched = '', provider } = match.groups ?? {}
  return {
    pattern: `/webhook/whatsapp${batched && '/batched'}${provider === undefined ? '' : '/:provider'}`,
    direct: batched === '',
    query: end < 0 ? '' : url.slice(end + 1),
    ...(provider === undefined ? {} : { provider }),
  }
}

const first = (value: string | string[] | undefined) => (Array.isArray(value) ? value[0] : value)

function send(res: ServerResponse, status: number, headers: Readonly<Record<string, string>>, body: unknown): void {
  const isText = typeof body === 'string'
  const text = isText ? body : JSON.stringify(body)
  res.writeHead(status, {
    ...headers,
    // A string is a handshake's challenge, which the sender chose: never anything but plain text.
    'Content-Type': isText ? 'text/plain; charset=utf-8' : 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(text),
  })
  res.end(text)
}
