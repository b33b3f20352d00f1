/**
 * The webhook as a function from a Request to a Response, for any server that speaks fetch: Hono, Next, Bun, Deno,
 * Cloudflare's kind. `toNode` and `toKoa` put it into Express, Nest, Koa and node:http.
 */

import { type Answer, Answers, Refusal } from '../http/answer.js'
import { MAX_BODY_BYTES, tooLarge } from '../http/body.js'
import { silent } from '../logger.js'
import { Receiver, type ReceiverOptions } from './receive.js'

export interface WebhookOptions extends Omit<ReceiverOptions, 'onAppended' | 'known'> {
  /** Whose webhooks come here; by default that is recognised by the body's shape. */
  provider?: string
  /** The direct path: each message is handed over alone and without a quiet gap. */
  direct?: boolean
}

/** Takes a webhook to its answer; never rejects. */
export type Receive = (request: Request) => Promise<Response>

/**
 * A webhook that appends what it receives: POST with a provider's body, GET for Meta's handshake. Answers 200 with
 * `{"accepted","duplicates","ignored"}` once the messages are stored, 503 with `Retry-After` where they cannot be now.
 *
 * @throws {TypeError} for options that do not go together
 */
export function webhook({ provider, direct, ...options }: WebhookOptions): Receive {
  const { log = silent } = options
  const receiver = new Receiver(options)
  const answers = new Answers(log)

  const answer = async (request: Request): Promise<Answer> => {
    if (request.method === 'GET') {
      const { searchParams } = new URL(request.url)
      return receiver.handshake(name => searchParams.get(name) ?? undefined, provider)
    }
    if (request.method !== 'POST') throw new Refusal(405, 'webhooks are POSTed here', { Allow: 'GET, POST' })
    const header = (name: string) => request.headers.get(name) ?? undefined
    return receiver.deliver({ body: await bytesOf(request), header, url: request.url, provider, direct })
  }

  return async request => responseOf(await answer(request).catch(error => answers.to(error)))
}

/** @throws {Refusal} 413 as soon as the bound is passed, 400 where the body breaks off or was read already */
async function bytesOf(request: Request): Promise<Buffer> {
  if (Number(request.headers.get('content-length')) > MAX_BODY_BYTES) throw tooLarge()
  if (request.bodyUsed)
    throw new Refusal(500, 'the body was read before Lull saw it: pass a request that nobody has read')
  const chunks: Uint8Array[] = []
  let length = 0
  const reader = request.body?.getReader()
  for (;;) {
    const chunk = await reader?.read().catch(() => {
      throw new Refusal(400, 'the body broke off')
    })
    if (chunk === undefined || chunk.done) return Buffer.concat(chunks, length)
    length += chunk.value.length
    if (length > MAX_BODY_BYTES) {
      // Whether the sender minds does not matter: it is told 413.
      await reader?.cancel().catch(() => {})
      throw tooLarge()
    }
    chunks.push(chunk.value)
  }
}

export function responseOf({ status, headers, body }: Answer): Response {
  const isText = typeof body === 'string'
  return new Response(isText ? body : JSON.stringify(body), {
    status,
    headers: {
      'Content-Type': isText ? 'text/plain; charset=utf-8' : 'application/json; charset=utf-8',
      'X-Content-Type-Options': 'nosniff',
      ...headers,
    },
  })
}
