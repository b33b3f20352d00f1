/**
 * A webhook for node:http, `(req, res)`: Express, Nest and node:http take it as it is.
 *
 * A signature covers the bytes as they came. If a body parser has read them and kept none, nothing can be checked: that
 * is an error of the set-up, and the response says so, instead of a false 401.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { kindOf } from '../config/option-checks.js'
import { ErrorReplies, Refusal } from '../http/refusal.js'
import { encode, respond, responseOf } from '../http/respond.js'
import { silent } from '../logger.js'
import type { Receive } from './fetch.js'

/** What a body parser leaves of a body. */
export interface ParsedBody {
  /** The bytes: Nest's `rawBody: true`, Express's `verify` hook and Koa's parsers keep them here. */
  rawBody?: Buffer | string
  /** What was parsed, or with `express.raw()` the bytes. */
  body?: unknown
}

/** A request, before a body parser or after it. */
export interface NodeRequest extends IncomingMessage, ParsedBody {
  /** Express's: the path before a router has cut it. */
  originalUrl?: string
}

/** A handler for node:http, Express, Nest and the like. Without `next` an error of the set-up is answered with 500. */
export type NodeHandler = (req: NodeRequest, res: ServerResponse, next?: (error: unknown) => void) => Promise<void>

const BODY_IS_GONE =
  'the body was parsed before Lull got it: mount the webhook before the body parser, or keep the bytes as req.rawBody ' +
  '(Express: express.json({ verify: (req, _, bytes) => { req.rawBody = bytes } }); Nest: NestFactory.create(App, { rawBody: true }); ' +
  'Fastify: toFastify)'

/**
 * Adapts a webhook to node:http, Express, Nest and the like.
 * @returns a handler that answers every request, or calls `next` with an error of the set-up
 * @throws {TypeError} for what is no function
 */
export function toNode(receive: Receive): NodeHandler {
  checkReceive('toNode', receive)
  return async (req, res, next) => {
    try {
      const response = await responseTo(req, receive)
      const { status, headers } = response
      const content = Buffer.from(await response.arrayBuffer())
      respond(res, { status, headers: Object.fromEntries(headers), content })
    } catch (error) {
      if (next !== undefined) return next(error)
      const message = error instanceof Error ? error.message : String(error)
      respond(res, encode({ status: 500, body: { error: message } }))
    }
  }
}

/** @throws {TypeError} for what is no webhook: it would fail at each request */
export function checkReceive(taker: string, receive: unknown): void {
  if (typeof receive !== 'function')
    throw new TypeError(`${taker} got ${kindOf(receive)}: give ${taker}(webhook({ batcher, providers }))`)
}

/** The bytes that a body parser kept; `undefined`: none. */
export function keptBody({ rawBody, body }: ParsedBody): Buffer | string | undefined {
  return rawBody ?? (Buffer.isBuffer(body) ? body : undefined)
}

/** @throws {Error} with the remedy, if the body was read and not kept */
export async function responseTo(req: NodeRequest, receive: Receive): Promise<Response> {
  try {
    return await receive(requestFrom(req))
  } catch (error) {
    if (error instanceof Refusal) return responseOf(new ErrorReplies(silent).to(error))
    throw error
  }
}

function requestFrom(req: NodeRequest): Request {
  const { method = 'GET', headers, originalUrl, url = '/' } = req
  const headerPairs = Object.entries(headers).flatMap(([name, value]) =>
    // Pseudo-headers of HTTP/2, `:path` and the like, are not allowed in fetch.
    name.startsWith(':') ? [] : [value ?? []].flat().map((each): [string, string] => [name, each]),
  )
  const path = `http://localhost${originalUrl ?? url}`
  // The sender chose the target, which may be no path.
  const target = (originalUrl ?? url).startsWith('/') && URL.canParse(path) ? path : 'http://localhost/'
  if (method === 'GET' || method === 'HEAD') return new Request(target, { method, headers: headerPairs })
  const kept = keptBody(req)
  if (kept !== undefined) return new Request(target, { method, headers: headerPairs, body: kept })
  if (req.readableDidRead) throw new Error(BODY_IS_GONE)
  const init: RequestInit & { duplex: 'half' } = { method, headers: headerPairs, body: unreadBody(req), duplex: 'half' }
  return new Request(target, init)
}

/** Reads the request as it is read itself: a webhook that its headers refuse is not read. */
function unreadBody(req: NodeRequest): ReadableStream<Uint8Array> {
  const chunks: AsyncIterator<Buffer> = req.iterator({ destroyOnReturn: false })
  return new ReadableStream(
    {
      pull: async controller => {
        const { value, done } = await chunks.next()
        if (done) controller.close()
        else controller.enqueue(value)
      },
      // The sender reads the response when it has sent everything.
      cancel: async () => {
        await chunks.return?.()
        req.on('error', () => {}).resume()
      },
    },
    { highWaterMark: 0 },
  )
}
