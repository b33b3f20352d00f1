/** Writes replies: the one place that decides the content type and the text of a body, for node:http, fetch and Koa. */
import type { ServerResponse } from 'node:http'

export type Headers = Readonly<Record<string, string>>

export interface Reply {
  status: number
  headers?: Headers
  /** A string is sent as plain text, everything else as JSON. */
  body: unknown
}

/** A reply as it goes over the wire, but for the length of its content. */
export interface Encoded {
  status: number
  headers: Headers
  content: string | Buffer
}

/**
 * The client chose the string (a handshake's challenge), so its type is plain text and browsers must not guess another.
 */
const typeOf = (body: unknown) =>
  typeof body === 'string' ? 'text/plain; charset=utf-8' : 'application/json; charset=utf-8'
const contentOf = (body: unknown) => (typeof body === 'string' ? body : JSON.stringify(body))

export const encode = ({ status, headers, body }: Reply): Encoded => ({
  status,
  headers: { 'Content-Type': typeOf(body), 'X-Content-Type-Options': 'nosniff', ...headers },
  content: contentOf(body),
})

/**
 * As `respond(res, encode(reply))`, with all headers in one object: joining several costs a microsecond, a hundredth of
 * a webhook.
 * @param common headers of every reply; those of the reply itself win
 */
export function write(res: ServerResponse, { status, headers, body }: Reply, common: Headers): void {
  const content = contentOf(body)
  const head = {
    'Content-Type': typeOf(body),
    'Content-Length': Buffer.byteLength(content),
    'X-Content-Type-Options': 'nosniff',
    ...common,
  }
  res.writeHead(status, headers ? { ...head, ...headers } : head)
  res.end(content)
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
