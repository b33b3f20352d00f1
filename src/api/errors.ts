/**
 * The one place that answers errors, as JSON: `err.status` and `err.expose` decide what a client sees. Also what it is
 * told where nothing answers its path or its method, with what was probably meant.
 */
import type { Context, Middleware } from 'koa'
import { type Answers, Refusal } from '../http/answer.js'
import type { Logger } from '../logger.js'

export interface Answering {
  answers: Answers
  log: Logger
  /** Of every answer. */
  headers: Readonly<Record<string, string>>
}

export function errors({ answers, log, headers: ofAll }: Answering): Middleware {
  return async (ctx, next) => {
    const startMs = performance.now()
    ctx.set({ ...ofAll })
    try {
      decoded(ctx.path)
      await next()
      if (ctx.status >= 400 && !ctx.body) nothingHere(ctx)
    } catch (error) {
      const { status, headers, body } = answers.to(error)
      ctx.status = status
      if (headers !== undefined) ctx.set({ ...headers })
      ctx.body = body
    }
    log.debug(
      { method: ctx.method, path: ctx.path, status: ctx.status, ms: Math.round(performance.now() - startMs) },
      'request',
    )
  }
}

/**
 * The router takes a path that cannot be decoded as it is, and an id would be another one's.
 * @throws {Refusal} 400 then
 */
export function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    throw new Refusal(400, `the path has a % that encodes nothing: ${shown(path)}`)
  }
}

const MEANT: [pattern: RegExp, route: string][] = [
  [/hook|whats|meta|waha|green/i, 'POST /webhook/whatsapp/batched'],
  [/conversation|message|chat|flush|history|typing/i, 'GET /conversations'],
  [/dead|redrive/i, 'GET /dead'],
  [/page|dash|index|ui/i, 'GET /'],
  [/queue|board/i, 'GET /queues'],
  [/event|stream|live(?!z)|watch/i, 'GET /events'],
  [/batch|answer/i, 'POST /batches/:batchId/answered'],
  [/ready|health/i, 'GET /readyz'],
  [/live|ping/i, 'GET /livez'],
]

/** 404, 405 or 501, as the router left them. */
function nothingHere(ctx: Context): void {
  const { status, method } = ctx
  const allowed = ctx.response.get('Allow')
  const error =
    status === 404
      ? `nothing at ${shown(ctx.path)}: did you mean ${MEANT.find(([pattern]) => pattern.test(ctx.path))?.[1] ?? 'POST /webhook/whatsapp/batched'}?`
      : `${method} is not taken at ${shown(ctx.path)}: use ${allowed}`
  // Setting a body would make it 200 unless the status is set, too.
  ctx.status = status
  ctx.body = { error }
}

const shown = (path: string) => JSON.stringify(path.slice(0, 100))
