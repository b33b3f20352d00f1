/**
 * What keeps a batch from its due time: signs of typing and holds.
 *
 *   POST /conversations/:id/typing     POST /conversations/typing?id=     {"forMs","ended"}
 *   POST /conversations/:id/hold       POST /conversations/hold?id=       {"key","forMs"}
 *   POST /conversations/:id/release    POST /conversations/release?id=    {"key"}
 */
import type Router from '@koa/router'
import type { Middleware } from 'koa'
import { z } from 'zod'
import type { Batcher } from '../batcher.js'
import { holdKeyShape, holdTimeShape, LONGEST_HOLD_KEY } from '../holding.js'
import { Refusal } from '../http/refusal.js'
import { conversationIdOf, type WithParams } from './conversation-id.js'
import { parsed } from './parsed.js'
import type { ReadBody } from './request-body.js'

interface Options {
  batcher: Batcher
  token: Middleware
  readBody: ReadBody
}

const LONGEST_TYPING_MS = 3_600_000
const typingMs = (name: string) => {
  const why = `${name} is not a whole number from 1 to ${LONGEST_TYPING_MS}: correct it, or leave it out`
  return z.int(why).min(1, why).max(LONGEST_TYPING_MS, why).optional()
}
const NOT_ENDED = 'ended is neither true nor false: correct it, or leave it out'
/** `ms` is the older name of `forMs`. A form has texts only. */
export const typingBody = z
  .object(
    {
      forMs: typingMs('forMs'),
      ms: typingMs('ms'),
      ended: z.literal([true, false, 'true', 'false'], NOT_ENDED).optional(),
    },
    'the body is no object: send {"forMs":5000}, or nothing',
  )
  .optional()
const NO_KEY = `key is missing: send {"key":"…"}, of at most ${LONGEST_HOLD_KEY} characters`
export const holdBody = z.object({ key: holdKeyShape, forMs: holdTimeShape.optional() }, NO_KEY)
export const releaseBody = z.object({ key: holdKeyShape }, NO_KEY)

export function holdRoutes(router: Router, { batcher, token, readBody }: Options): void {
  const typing = async (ctx: WithParams) => {
    const id = conversationIdOf(ctx)
    const extended = await batcher.typing(id, worthOf(await readBody(ctx)))
    ctx.body = { extended: extended !== undefined, ...extended }
  }
  const hold = async (ctx: WithParams) => {
    const id = conversationIdOf(ctx)
    const { key, forMs } = parsed(holdBody, await readBody(ctx))
    ctx.body = await refused(batcher.hold(id, key, forMs))
  }
  const release = async (ctx: WithParams) => {
    const id = conversationIdOf(ctx)
    const { key } = parsed(releaseBody, await readBody(ctx))
    ctx.body = { released: await batcher.release(id, key) }
  }
  for (const [name, handler] of Object.entries({ typing, hold, release })) {
    router.post(`/conversations/${name}`, token, handler)
    router.post(`/conversations/:id/${name}`, token, handler)
  }
}

/** How long the sign of typing is worth; `undefined`: the default. @throws {Refusal} 400 */
function worthOf(body: unknown): number | undefined {
  const { forMs, ms, ended } = parsed(typingBody, body) ?? {}
  return ended === true || ended === 'true' ? 0 : (forMs ?? ms)
}

/** A rule `holdMs` of 0 needs a `forMs`. @throws {Refusal} 400 */
async function refused<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work
  } catch (error) {
    throw error instanceof RangeError ? new Refusal(400, error.message) : error
  }
}
