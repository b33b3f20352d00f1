/**
 * Batches: the commit and the end of an answer (from a receiver of the `http` handover that replied 202), and the dead
 * batches.
 */
import type Router from '@koa/router'
import type { Context, Middleware } from 'koa'
import { z } from 'zod'
import type { Batcher } from '../batcher.js'
import { Refusal } from '../http/refusal.js'
import type { Reply } from '../http/respond.js'
import { shown } from '../http/shown.js'
import type { CommitResult } from '../store/store.js'
import type { CommitWaits } from './commit-waits.js'
import { limitOf } from './limit.js'
import { parsed, wholeInQuery } from './parsed.js'
import { partial } from './partial.js'
import { queryOf, type ReadBody } from './request-body.js'
import { deadWithoutTexts } from './texts.js'

/** JSON or a form; an empty body means `completed`. */
export const answeredBody = z.object({ outcome: z.enum(['completed', 'failed']).default('completed') }).optional()

const LONGEST_WAIT_MS = 60_000

export const waitMsShape = wholeInQuery(0, LONGEST_WAIT_MS).default(0)

interface Options {
  batcher: Batcher
  commits: CommitWaits
  token: Middleware
  showTexts: boolean
  readBody: ReadBody
}

export function batchRoutes(router: Router, { batcher, commits, token, showTexts, readBody }: Options): void {
  router.post('/batches/:batchId/commit', token, async ctx => {
    const batchId = ctx.params['batchId'] ?? ''
    const waitMs = waitMsOf(ctx)
    // There is no body to read, but an unread one would hide that the client closes the connection.
    ctx.req.resume()
    const result = await commits.commit({ batchId, waitMs, gone: goneSignal(ctx) })
    const { status, headers = {}, body } = commitReply(batchId, result)
    ctx.status = status
    ctx.set({ ...headers })
    ctx.body = body
  })

  router.post('/batches/:batchId/answered', token, async ctx => {
    const why = 'outcome is neither "completed" nor "failed": send one of them, or no body for "completed"'
    const body = parsed(answeredBody, await readBody(ctx), why)
    // A batch that no longer holds its conversation is no error: the answer may come twice, or after its timeout.
    ctx.body = await batcher.answered(ctx.params['batchId'] ?? '', body?.outcome)
  })

  router.get('/dead', token, async ctx => {
    const dead = await batcher.dead(limitOf(ctx))
    ctx.body = { dead: showTexts ? dead : dead.map(deadWithoutTexts), ...partial(batcher.store) }
  })

  router.post('/dead/:batchId/redrive', token, async ctx => {
    const batchId = ctx.params['batchId'] ?? ''
    const redriven = await batcher.redrive(batchId)
    if (redriven === undefined) throw noDead(batchId)
    ctx.body = { batchId, ...redriven }
  })

  router.delete('/dead/:batchId', token, async ctx => {
    const batchId = ctx.params['batchId'] ?? ''
    const discarded = await batcher.discardDead(batchId)
    if (discarded === 0) throw noDead(batchId)
    ctx.body = { discarded }
  })
}

const noDead = (batchId: string) => new Refusal(404, `no dead batch has the id ${shown(batchId)}: GET /dead lists them`)

/** @throws {Refusal} 410 for a batch that is not being answered: its answer must not be sent */
function commitReply(batchId: string, result: CommitResult): Reply {
  switch (result.state) {
    case 'go':
      return { status: 200, body: { go: true, ...(result.again ? { again: true } : {}) } }
    case 'wait': {
      const { waitMs } = result
      return { status: 425, headers: { 'Retry-After': String(Math.ceil(waitMs / 1000)) }, body: { waitMs } }
    }
    case 'superseded':
      return { status: 409, body: { superseded: result.by ?? null } }
    case 'answered':
      throw new Refusal(410, `batch ${shown(batchId)} has been answered: do not send another answer`)
    case 'unknown':
      throw new Refusal(410, `batch ${shown(batchId)} is not being answered (any more): do not send its answer`)
  }
}

/** @throws {Refusal} 400 unless it is a whole number from 0 to 60000 */
function waitMsOf(ctx: Context): number {
  const text = queryOf(ctx, 'waitMs')
  const why = `waitMs=${shown(text ?? '', 20)} is not a whole number from 0 to ${LONGEST_WAIT_MS}: correct it, or leave it out`
  return parsed(waitMsShape, text, why)
}

/** Aborted when the connection closes before the response has been sent. */
function goneSignal(ctx: Context): AbortSignal {
  const gone = new AbortController()
  ctx.res.once('close', () => gone.abort())
  return gone.signal
}
