/** A webhook as Koa middleware. Koa is not loaded: the part of its context that is used is named here. */
import type { Receive } from './fetch.js'
import { type NodeRequest, responseTo } from './node.js'

export interface KoaContext {
  req: NodeRequest
  /** koa-bodyparser and koa-body can keep the bytes on Koa's request. */
  request: { rawBody?: Buffer | string }
  status: number
  body: unknown
  set(name: string, value: string): void
}

/** @returns middleware that answers every request; it throws, with the remedy, if the body was read and not kept */
export function toKoa(receive: Receive): (ctx: KoaContext) => Promise<void> {
  return async ctx => {
    const { rawBody = ctx.req.rawBody } = ctx.request
    if (rawBody !== undefined) ctx.req.rawBody = rawBody
    const response = await responseTo(ctx.req, receive)
    ctx.status = response.status
    response.headers.forEach((value, name) => {
      ctx.set(name, value)
    })
    ctx.body = Buffer.from(await response.arrayBuffer())
  }
}
