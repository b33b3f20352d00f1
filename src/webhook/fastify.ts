/** A webhook as a Fastify plugin. Fastify is not loaded: the part of it that is used is named here. */
import type { Receive } from './fetch.js'
import { type NodeRequest, responseTo } from './node.js'

export interface FastifyScope {
  removeAllContentTypeParsers(): void
  addContentTypeParser(
    type: string,
    parser: (request: FastifyRequest, payload: NodeRequest, done: (error: null) => void) => void,
  ): unknown
  all(path: string, handler: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>): unknown
}

export interface FastifyRequest {
  raw: NodeRequest
}

export interface FastifyReply {
  code(status: number): FastifyReply
  headers(values: Record<string, string>): FastifyReply
  send(content: Buffer): unknown
}

/**
 * A plugin that answers every request at its prefix: `app.register(toFastify(receive), { prefix: '/webhook' })`.
 *
 * Fastify's body parsers are off within the plugin: a signature covers the bytes as they came.
 */
export function toFastify(receive: Receive): (scope: FastifyScope) => Promise<void> {
  return async scope => {
    scope.removeAllContentTypeParsers()
    // Lull reads the body itself, when it has checked the headers.
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null))
    scope.all('/', async ({ raw }, reply) => {
      const response = await responseTo(raw, receive)
      const content = Buffer.from(await response.arrayBuffer())
      return reply.code(response.status).headers(Object.fromEntries(response.headers)).send(content)
    })
  }
}
