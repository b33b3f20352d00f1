/**
 * A webhook in Node's own terms, `(req, res)`: Express, Nest, Fastify's raw handlers and node:http take it as it is.
 *
 * A signature is over the bytes as they came. Where a body parser has eaten them and kept none (`rawBody`), nothing can
 * be checked or read any more: that is an error of the set-up, and says so, rather than a 401.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Answers, Refusal } from '../http/answer.js'
import { readBytes } from '../http/read-bytes.js'
import { silent } from '../logger.js'
import { type Receive, responseOf } from './fetch.js'

/** As body parsers leave a request: Nest's `rawBody: true`, or Express's `verify` hook, keep its bytes. */
export interface NodeRequest extends IncomingMessage {
  rawBody?: Buffer | string
  originalUrl?: string
}

export type NodeHandler = (req: NodeRequest, res: ServerResponse, next?: (error: unknown) => void) => Promise<void>

const BODY_IS_GONE =
  'the body was parsed before Lull saw it: mount the webhook before the body parser, or keep the bytes as req.rawBody ' +
  '(Nest: NestFactory.create(App, { rawBody: true }); Express: express.json({ verify: (req, _, bytes) => { req.rawBody = bytes } }))'

/** @returns a handler that answers each request, or calls `next` with what is wrong with the set-up */
export function toNode(receive: Receive): NodeHandler {
  return async (req, res, next) => {
    try {
      await send(await responseTo(req, receive), res)
    } catch (error) {
      if (next !== undefined) return next(error)
      const message = error instanceof Error ? error.message : String(error)
      await send(responseOf({ status: 500, body: { error: message } }), res)
    }
  }
}

/** @throws {Error} with the remedy, where the body has been read and was not kept */
export async function responseTo(req: NodeRequest, receive: Receive): Promise<Response> {
  try {
    return await receive(await requestFrom(req))
  } catch (error) {
    if (error instanceof Refusal) return responseOf(new Answers(silent).to(error))
    throw error
  }
}

async function requestFrom(req: NodeRequest): Promise<Request> {
  const { method = 'GET', headers, rawBody, originalUrl, url = '/' } = req
  const headerPairs = Object.entries(headers).flatMap(([name, value]) =>
    // HTTP/2 has pseudo-headers, `:path` and the like, which are none to fetch.
    name.startsWith(':') ? [] : [value ?? []].flat().map((each): [string, string] => [name, each]),
  )
  const path = `http://localhost${originalUrl ?? url}`
  // What stands there is the sender's, and need not be a path.
  const target = (originalUrl ?? url).startsWith('/') && URL.canParse(path) ? path : 'http://localhost/'
  if (method === 'GET' || method === 'HEAD') return new Request(target, { method, headers: headerPairs })
  if (rawBody === undefined && req.readableDidRead) throw new Error(BODY_IS_GONE)
  const body = rawBody ?? (await readBytes(req))
  return new Request(target, { method, headers: headerPairs, body })
}

async function send(response: Response, res: ServerResponse): Promise<void> {
  res.statusCode = response.status
  response.headers.forEach((value, name) => {
    res.setHeader(name, value)
  })
  res.end(Buffer.from(await response.arrayBuffer()))
}
