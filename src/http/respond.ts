/** Writes replies: the one place that decides the content type and the text of a body, for node:http, fetch and Koa. */
import type { ServerResponse } from 'node:http'

export interface Reply {
  status: number
  headers?: Readonly<Record<string, string>>
  /** A string is sent as plain text, everything else as JSON. */
  body: unknown
}

/** A reply as it goes over the wire. */
export interface Encoded {
  status: number
  headers: Readonly<Record<string, string>>
  content: string | Buffer
}

const TEXT = 'text/plain; charset=utf-8'
const JSON_TYPE = 'application/json; charset=utf-8'

/** @param headers of every reply; those of the reply itself win */
export function encode(reply: Reply, headers?: Reply['headers']): Encoded {
  const { status, body } = reply
  // The client chose the string (a handshake's challenge), so its type is plain text and browsers must not guess
  // another.
  const isText = typeof body === 'string'
  const own = { 'Content-Type': isText ? TEXT : JSON_TYPE, 'X-Content-Type-Options': 'nosniff' }
  return {
    status,
    headers: { ...own, ...headers, ...reply.headers },
    content: isText ? body : JSON.stringify(body),
  }
}

/** Node sends no body where the request was a HEAD. */
export function respond(res: ServerResponse, { status, headers, content }: Encoded): void {
  res.writeHead(status, { ...headers, 'Content-Length': Buffer.byteLength(content) })
  res.end(content)
}

export function responseOf(reply: Reply): Response {
  const { status, headers, content } = encode(reply)
  return new Response(content, { status, headers })
}
