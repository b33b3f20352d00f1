/** Reads the body and the query of a request. */
import type { Context } from 'koa'
import { checkBodyHeaders, parseBody } from '../http/body.js'
import { readBytes } from '../http/read-bytes.js'

/** JSON or a form; `undefined` without a body. @throws {Refusal} as `checkBodyHeaders`, `readBytes` and `parseBody` do */
export async function parsedBody(ctx: Context): Promise<unknown> {
  checkBodyHeaders(name => ctx.get(name))
  const bytes = await readBytes(ctx.req)
  return bytes.length === 0 ? undefined : parseBody(bytes, ctx.get('content-type'))
}

/** The value of a query's field; of several, the first. */
export function queryOf(ctx: Context, name: string): string | undefined {
  const value = ctx.query[name]
  return Array.isArray(value) ? value[0] : value
}
