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
import { LONGEST_HOLD_KEY } from '../holding.js'
import { Refusal } from '../http/refusal.js'
import { conversationIdOf, type WithParams } from './conversation-id.js'
import type { ReadBody } from './request-body.js'

interface Options {
  batcher: Batcher
  token: Middleware
  readBody: ReadBody
}

const LONGEST_TYPING_MS = 3_600_000
const typingMs = z.int().min(1).max(LONGEST_TYPING_MS).optional()
/** `ms` is the older name of `forMs`. A form has texts only. */
const typingBody = z
  .object({ forMs: typingMs, ms: typingMs, ended: z.literal([true, false, 'true', 'false']).optional() })
  .optional()
const keyBody = z.object({ key: z.string() })
const forBody = z.object({ forMs: z.number().optional() })

export function holdRoutes(router: Router, { batcher, token, readBody }: Options): void {
  const typing = async (ctx: WithParams) => {
    const id = conversationIdOf(ctx)
    const extended = await batcher.typing(id, worthOf(await readBody(ctx)))
    ctx.body = { extended: extended !== undefined, ...extended }
  }
  const hold = async (ctx: WithParams) => {
    const id = conversationIdOf(ctx)
    const body = await readBody(ctx)
    const key = keyOf(body)
    const { success, data } = forBody.safeParse(body)
    if (!success) throw new Refusal(400, 'forMs is not a number: correct it, or leave it out')
    ctx.body = await refused(batcher.hold(id, key, data.forMs))
  }
  const release = async (ctx: WithParams) => {
    const id = conversationIdOf(ctx)
    ctx.body = { released: await refused(batcher.release(id, keyOf(await readBody(ctx)))) }
  }
  for (const [name, handler] of Object.entries({ typing, hold, release })) {
    router.post(`/conversations/${name}`, token, handler)
    router.post(`/conversations/:id/${name}`, token, handler)
  }
}

/** How long the sign of typing is worth; `undefined`: the default. @throws {Refusal} 400 */
function worthOf(body: unknown): number | undefined {
  const parsed = typingBody.safeParse(body)
  if (parsed.success) {
    const { forMs, ms, ended } = parsed.data ?? {}
    return ended === true || ended === 'true' ? 0 : (forMs ?? ms)
  }
  const name = String(parsed.error.issues[0]?.path[0] ?? 'forMs')
  if (name === 'ended') throw new Refusal(400, 'ended is neither true nor false: correct it, or leave it out')
  throw new Refusal(400, `${name} is not a whole number from 1 to ${LONGEST_TYPING_MS}: correct it, or leave it out`)
}

/** @throws {Refusal} 400 */
function keyOf(body: unknown): string {
  const { success, data } = keyBody.safeParse(body)
  if (success) return data.key
  throw new Refusal(400, `key is missing, or no text: send {"key":"…"}, of at most ${LONGEST_HOLD_KEY} characters`)
}

/** What is out of its bounds is the client's to correct. @throws {Refusal} 400 */
async function refused<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work
  } catch (error) {
    throw error instanceof RangeError ? new Refusal(400, error.message) : error
  }
}
