/**
 * A person takes over a conversation, and the bot comes back.
 *
 *   POST /conversations/:id/pause      POST /conversations/pause?id=      {forMs?, keep?}, or no body
 *   POST /conversations/:id/resume     POST /conversations/resume?id=
 */
import type Router from '@koa/router'
import type { Middleware } from 'koa'
import { z } from 'zod'
import type { Batcher } from '../batcher.js'
import { Refusal } from '../http/refusal.js'
import { shown } from '../http/shown.js'
import { givenPause } from '../pause.js'
import { isRecord } from '../providers/fields.js'
import { overridesShape } from '../settings/overrides.js'
import { conversationIdOf, type WithParams } from './conversation-id.js'
import type { ReadBody } from './request-body.js'

interface Options {
  batcher: Batcher
  token: Middleware
  readBody: ReadBody
}

export function pauseRoutes(router: Router, { batcher, token, readBody }: Options): void {
  const pause = async (ctx: WithParams) => {
    const id = conversationIdOf(ctx)
    const { forMs, keep } = pauseIn(await readBody(ctx))
    ctx.body = await batcher.pause(id, forMs, { keep })
  }
  const resume = async (ctx: WithParams) => {
    ctx.body = { resumed: await batcher.resume(conversationIdOf(ctx)) }
  }
  for (const [name, handler] of Object.entries({ pause, resume })) {
    router.post(`/conversations/${name}`, token, handler)
    router.post(`/conversations/:id/${name}`, token, handler)
  }
}

/** `givenPause` checks the values, which may also be texts: those of a form. */
export const pauseBody = z.strictObject({ forMs: overridesShape.shape.pauseMs, keep: overridesShape.shape.paused })
const FIELDS: readonly string[] = pauseBody.keyof().options

/** @throws {Refusal} 400 */
function pauseIn(body: unknown = {}): ReturnType<typeof givenPause> {
  if (!isRecord(body)) throw new Refusal(400, 'the body is no object: send {"forMs":7200000}, or nothing')
  const unknown = Object.keys(body).find(name => !FIELDS.includes(name))
  if (unknown !== undefined)
    throw new Refusal(400, `a pause has no ${shown(unknown, 40)}: send forMs (milliseconds) and keep, or neither`)
  try {
    return givenPause(body)
  } catch (error) {
    throw error instanceof RangeError ? new Refusal(400, error.message) : error
  }
}
