/** The bytes of a request's body, within the bound. */
import type { Context } from 'koa'
import getRawBody from 'raw-body'
import { z } from 'zod'
import { Refusal } from '../webhook/answer.js'
import { MAX_BODY_BYTES, parseBody, tooLarge } from '../webhook/body.js'

/** raw-body's errors say what happened in `type`. */
const readError = z.object({ type: z.string() })

/** @throws {Refusal} 413 over 3 MiB, 400 where the body breaks off */
export async function bytesOf(ctx: Context): Promise<Buffer> {
  const length = ctx.get('content-length') || null
  try {
    return await getRawBody(ctx.req, { limit: MAX_BODY_BYTES, length })
  } catch (error) {
    const { data } = readError.safeParse(error)
    if (data?.type === 'entity.too.large') throw tooLarge()
    if (data !== undefined) throw new Refusal(400, 'the body broke off')
    throw error
  }
}

/** The body as JSON or a form; an absent one as `undefined`. @throws {Refusal} as `parseBody` does */
export async function parsedBody(ctx: Context): Promise<unknown> {
  const bytes = await bytesOf(ctx)
  return bytes.length === 0 ? undefined : parseBody(bytes, ctx.get('content-type'), ctx.get('content-encoding'))
}

/** The one value of a query's field; the first of several. */
export function queryOf(ctx: Context, name: string): string | undefined {
  const value = ctx.query[name]
  return Array.isArray(value) ? value[0] : value
}
