/** What a request asks: its body as a value, and fields of its query. */
import type { Context } from 'koa'
import { parseBody } from '../http/body.js'
import { readBytes } from '../http/read-bytes.js'

/** The body as JSON or a form; an absent one as `undefined`. @throws {Refusal} as `parseBody` does */
export async function parsedBody(ctx: Context): Promise<unknown> {
  const bytes = await readBytes(ctx.req)
  return bytes.length === 0 ? undefined : parseBody(bytes, ctx.get('content-type'), ctx.get('content-encoding'))
}

/** The one value of a query's field; the first of several. */
export function queryOf(ctx: Context, name: string): string | undefined {
  const value = ctx.query[name]
  return Array.isArray(value) ? value[0] : value
}
