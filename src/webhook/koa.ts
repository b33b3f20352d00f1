/** A webhook as Koa middleware. Koa is not loaded: the part of its context that is used is named here. */
import type { Receive } from './fetch.js'
import { checkReceive, keptBody, type NodeRequest, type ParsedBody, responseTo } from './node.js'

/** The part of Koa's context that is used. */
export interface KoaContext {
  /** Node's request. */
  req: NodeRequest
  /** Koa's body parsers leave what they have read on Koa's request. */
  request: ParsedBody
  /** Of the response. */
  status: number
  /** Of the response. */
  body: unknown
  /** Sets a header of the response. */
  set(name: string, value: string): void
}

/**
 * Adapts a webhook to Koa.
 * @returns middleware that answers every request; it throws, with the remedy, if the body was read and not kept
 * @throws {TypeError} for what is no function
 */
export function toKoa(receive: Receive): (ctx: KoaContext) => Promise<void> {
  checkReceive('toKoa', receive)
  return async ctx => {
    const kept = keptBody(ctx.request)
    if (kept !== undefined) ctx.req.rawBody = kept
    const response = await responseTo(ctx.req, receive)
    ctx.status = response.status
    response.headers.forEach((value, name) => {
      ctx.set(name, value)
    })
    ctx.body = Buffer.from(await response.arrayBuffer())
  }
}
