/** A webhook as Koa middleware. Koa is not loaded: the part of its context that is used is named here. */
import type { Receive } from './fetch.js'
import { keptBody, type NodeRequest, type ParsedBody, responseTo } from './node.js'

export interface KoaContext {
  req: NodeRequest
  /** Koa's body parsers leave what they have read on Koa's request. */
  request: ParsedBody
  status: number
  body: unknown
  set(name: string, value: string): void
}

/** @returns middleware that answers every request; it throws, with the remedy, if the body was read and not kept */
export function toKoa(receive: Receive): (ctx: KoaContext) => Promise<void> {
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
