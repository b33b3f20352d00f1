/**
 * The webhook as a function from a Request to a Response, for every server that speaks fetch: Hono, Next, Bun, Deno and the
 * like. `toNode` and `toKoa` adapt it to Express, Nest, Koa and node:http.
 */
import { MAX_BODY_BYTES, tooLarge } from '../http/body.js'
import { otherMethod } from '../http/methods.js'
import { ErrorReplies, Refusal } from '../http/refusal.js'
import { type Reply, responseOf } from '../http/respond.js'
import { silent } from '../logger.js'
import { Receiver, type ReceiverOptions } from './receive.js'

export interface WebhookOptions extends Omit<ReceiverOptions, 'onAppended' | 'rejections' | 'isLocal'> {
  /** Whose webhooks come here. Default: recognised by the body's shape. */
  provider?: string
  /** The direct path: each message is handed over alone and without a quiet gap. */
  direct?: boolean
}

/** Never rejects: errors are responses, too. */
export type Receive = (request: Request) => Promise<Response>

/**
 * A webhook that appends the messages it receives: POST with a provider's body, GET for Meta's handshake. Responds 200 with
 * `{"accepted","duplicates","ignored"}` when the messages are stored, 503 with `Retry-After` if they cannot be stored now.
 *
 * A provider without a secret in `providers` is refused, unless `allowUnsigned` or its own `unsigned: true` names it.
 *
 * @throws {TypeError} for options that do not go together, and for a secret that is given but empty
 */
export function webhook({ provider, direct, ...options }: WebhookOptions): Receive {
  const { log = silent } = options
  const receiver = new Receiver(options)
  const errors = new ErrorReplies(log)

  const handle = async (request: Request): Promise<Reply> => {
    const { method, headers, url } = request
    const header = (name: string) => headers.get(name) ?? undefined
    receiver.refuseWebPages(header, provider)
    if (method === 'POST') return receiver.deliver({ body: () => bytesOf(request), header, url, provider, direct })
    const { pathname, searchParams } = new URL(url)
    if (method === 'GET' || method === 'HEAD')
      return receiver.handshake(name => searchParams.get(name) ?? undefined, provider)
    return otherMethod(method, pathname, ['GET', 'HEAD', 'POST'])
  }

  return async request => responseOf(await handle(request).catch(error => errors.to(error)))
}

/** @throws {Refusal} 413 as soon as the bound is passed, 400 if the body breaks off, 500 if somebody has read it before */
async function bytesOf(request: Request): Promise<Buffer> {
  if (request.bodyUsed)
    throw new Refusal(500, 'the body was read before Lull got the request: pass a request that nobody has read')
  const chunks: Uint8Array[] = []
  let length = 0
  const reader = request.body?.getReader()
  for (;;) {
    const chunk = await reader?.read().catch(error => {
      // By `toNode`: the reason is known already.
      if (error instanceof Refusal) throw error
      throw new Refusal(400, 'the body broke off: send it again')
    })
    if (chunk === undefined || chunk.done) return Buffer.concat(chunks, length)
    length += chunk.value.length
    if (length > MAX_BODY_BYTES) {
      // The response is 413, whether or not the sender can be stopped.
      await reader?.cancel().catch(() => {})
      throw tooLarge()
    }
    chunks.push(chunk.value)
  }
}
