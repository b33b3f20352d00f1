/** Reads the body and the query of a request. */
import type { Context } from 'koa'
import { checkBodyHeaders, parseBody } from '../http/body.js'
import type { BodyBounds } from '../http/body-bounds.js'
import { readBytes } from '../http/read-bytes.js'

/**
 * JSON or a form; `undefined` without a body.
 * @throws {Refusal} as `checkBodyHeaders`, `readBytes` and `parseBody` do
 */
export type ReadBody = (ctx: Context) => Promise<unknown>

/** @param bodies counts the bytes until the response is sent or the connection is gone */
export function bodyReader(bodies: BodyBounds): ReadBody {
  return async ctx => {
    checkBodyHeaders(name => ctx.get(name), bodies.maxBytes)
    const lease = bodies.lease()
    ctx.res.once('close', lease.release)
    const bytes = await readBytes(ctx.req, lease)
    return bytes.length === 0 ? undefined : parseBody(bytes, ctx.get('content-type'))
  }
}

/** The value of a query's field; of several, the first. */
export function queryOf(ctx: Context, name: string): string | undefined {
  const value = ctx.query[name]
  return Array.isArray(value) ? value[0] : value
}
