/** A webhook as a Fastify plugin. Fastify is not loaded: the part of it that is used is named here. */
import type { Receive } from './fetch.js'
import { checkReceive, type NodeRequest, responseTo } from './node.js'

/** The part of a Fastify instance that is used. */
export interface FastifyScope {
  /** Of this plugin's scope. */
  removeAllContentTypeParsers(): void
  /** For this plugin's scope. */
  addContentTypeParser(
    type: string,
    parser: (request: FastifyRequest, payload: NodeRequest, done: (error: null) => void) => void,
  ): unknown
  /** Adds a route for all methods. */
  all(path: string, handler: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>): unknown
}

/** The part of Fastify's request that is used. */
export interface FastifyRequest {
  /** Node's request. */
  raw: NodeRequest
}

/** The part of Fastify's reply that is used. */
export interface FastifyReply {
  /** Sets the status. */
  code(status: number): FastifyReply
  /** Sets headers. */
  headers(values: Record<string, string>): FastifyReply
  /** Ends the response. */
  send(content: Buffer): unknown
}

/**
 * A plugin that answers every request at its prefix: `app.register(toFastify(receive), { prefix: '/webhook' })`.
 *
 * Fastify's body parsers are off within the plugin: a signature covers the bytes as they came.
 * @throws {TypeError} for what is no function
 */
export function toFastify(receive: Receive): (scope: FastifyScope) => Promise<void> {
  checkReceive('toFastify', receive)
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
