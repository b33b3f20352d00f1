/** Batches: the end of an answer (from a receiver of the `http` handover that replied 202), and the dead batches. */
import type Router from '@koa/router'
import type { Middleware } from 'koa'
import { z } from 'zod'
import type { Batcher } from '../batcher.js'
import { Refusal } from '../http/refusal.js'
import { shown } from '../http/shown.js'
import { limitOf } from './limit.js'
import type { ReadBody } from './request-body.js'
import { deadWithoutTexts } from './texts.js'

/** JSON or a form; an empty body means `completed`. */
const answeredBody = z.object({ outcome: z.enum(['completed', 'failed']).default('completed') }).optional()

interface Options {
  batcher: Batcher
  token: Middleware
  showTexts: boolean
  readBody: ReadBody
}

export function batchRoutes(router: Router, { batcher, token, showTexts, readBody }: Options): void {
  router.post('/batches/:batchId/answered', token, async ctx => {
    const parsed = answeredBody.safeParse(await readBody(ctx))
    if (!parsed.success)
      throw new Refusal(
        400,
        'outcome is neither "completed" nor "failed": send one of them, or no body for "completed"',
      )
    // A batch that no longer holds its conversation is no error: the answer may come twice, or after its timeout.
    ctx.body = await batcher.answered(ctx.params['batchId'] ?? '', parsed.data?.outcome)
  })

  router.get('/dead', token, async ctx => {
    const dead = await batcher.dead(limitOf(ctx))
    ctx.body = { dead: showTexts ? dead : dead.map(deadWithoutTexts) }
  })

  router.post('/dead/:batchId/redrive', token, async ctx => {
    const batchId = ctx.params['batchId'] ?? ''
    const redriven = await batcher.redrive(batchId)
    if (redriven === undefined)
      throw new Refusal(404, `no dead batch has the id ${shown(batchId)}: GET /dead lists them`)
    ctx.body = { batchId, ...redriven }
  })
}
