/**
 * The webhook as a function from a Request to a Response, for every server that speaks fetch: Hono, Next, Bun, Deno and
 * the like. `toNode`, `toFastify` and `toKoa` adapt it to Express, Nest, Fastify, Koa and node:http.
 */
import { checkOptions, type NamesOf } from '../config/known-options.js'
import { aFunction, anObject, flag, logger, oneOf, text, wholeFrom, withMethods } from '../config/option-checks.js'
import type { BodyLease } from '../http/body-bounds.js'
import { otherMethod } from '../http/methods.js'
import { brokeOff } from '../http/read-bytes.js'
import { ErrorReplies, Refusal } from '../http/refusal.js'
import { type Reply, responseOf } from '../http/respond.js'
import { silent } from '../logger.js'
import type { WebhookOptions } from './options.js'
import { Receiver } from './receive.js'
import { GROUPS, ON_OWN_MESSAGE } from './steps.js'

const OPTIONS: NamesOf<WebhookOptions> = {
  batcher: withMethods(['append', 'typing'], 'give a Batcher'),
  provider: text,
  direct: flag,
  providers: anObject,
  groups: oneOf(GROUPS),
  onOwnMessage: oneOf(ON_OWN_MESSAGE),
  raw: flag,
  identify: aFunction,
  log: logger,
  observer: anObject,
  maxBodyBytes: wholeFrom(1, Number.MAX_SAFE_INTEGER),
  maxBodyBytesInFlight: wholeFrom(1, Number.MAX_SAFE_INTEGER),
  readyTimeoutMs: true,
}

const BODY_IS_GONE =
  'the body was read before Lull got the request: call Lull before anything reads it, or pass a request that has the ' +
  'bytes again, new Request(url, { method, headers, body })'

/** A webhook: from a request to its response. Never rejects: errors are responses, too. */
export type Receive = (request: Request) => Promise<Response>

/**
 * A webhook that appends the messages it receives: POST with a provider's body, GET for Meta's handshake. Responds 200
 * with `{"accepted","duplicates","ignored"}` when the messages are stored, 503 with `Retry-After` if they cannot be
 * stored now.
 *
 * A provider without a secret in `providers` is refused, unless `allowUnsigned` or its own `unsigned: true` names it.
 *
 * @throws {TypeError} for an unknown option or provider, for options that do not go together, and for a secret that is
 * given but empty
 * @throws {RangeError} for a value out of its bounds
 */
export function webhook(given: WebhookOptions): Receive {
  checkOptions('webhook()', given, OPTIONS)
  if (given.batcher === undefined) throw new TypeError('batcher is missing: give webhook() a Batcher')
  const { provider, direct, ...options } = given
  const { log = silent } = options
  const receiver = new Receiver(options)
  const errors = new ErrorReplies(log)

  const handle = async (request: Request): Promise<Reply> => {
    const { method, headers, url } = request
    const header = (name: string) => headers.get(name) ?? undefined
    receiver.refuseWebPages(header, provider)
    if (method === 'POST')
      return receiver.deliver({ body: lease => bytesOf(request, lease), header, url, provider, direct })
    const { pathname, searchParams } = new URL(url)
    if (method === 'GET' || method === 'HEAD')
      return receiver.handshake(name => searchParams.get(name) ?? undefined, provider)
    return otherMethod(method, pathname, ['GET', 'HEAD', 'POST'])
  }

  const refused = (error: unknown) => {
    receiver.noteRefusal(error, provider)
    return errors.to(error)
  }
  return async request => responseOf(await handle(request).catch(refused))
}

/** @throws {Refusal} 413 and 503 as soon as a bound is passed, 400 if the body breaks off, 500 if it was read before */
async function bytesOf(request: Request, lease: BodyLease): Promise<Buffer> {
  if (request.bodyUsed || request.body?.locked) throw new Refusal(500, BODY_IS_GONE)
  const chunks: Uint8Array[] = []
  const reader = request.body?.getReader()
  for (;;) {
    const chunk = await reader?.read().catch(() => {
      throw brokeOff()
    })
    if (chunk === undefined || chunk.done) return Buffer.concat(chunks)
    try {
      lease.take(chunk.value.length)
    } catch (error) {
      // The response is the same whether or not the sender can be stopped.
      await reader?.cancel().catch(() => {})
      throw error
    }
    chunks.push(chunk.value)
  }
}
