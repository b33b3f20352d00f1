/**
 * Requests that no route handles: a path that cannot be decoded, a method that is not allowed, a path that is not
 * there.
 */
import type { Context, DefaultState, Middleware } from 'koa'
import { otherMethod } from '../http/methods.js'
import { Refusal } from '../http/refusal.js'
import { shown } from '../http/shown.js'
import type { Matched, WriteReply } from './exchange.js'

/**
 * The router passes an id that it cannot decode on as it is, and that id could be another conversation's. A target that
 * is no address at all (`http://[`) fails in everything that asks for its path.
 * @throws {Refusal} 400
 */
export const checkPath: Middleware = (ctx, next) => {
  decoded(pathOf(ctx))
  return next()
}

/** @throws {Refusal} 400 */
function pathOf(ctx: Context): string {
  const path = parsedPath(ctx)
  if (path) return path
  throw new Refusal(400, `${shown(ctx.req.url ?? '')} is no address: send a path, such as /livez`)
}

/** Koa types the path as a text, but it is `null` for some targets (`//#`), and throws for others. */
function parsedPath(ctx: Context): string | null {
  try {
    return ctx.path
  } catch {
    return null
  }
}

/** @throws {Refusal} 400 */
export function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    throw new Refusal(400, `path ${shown(path)} has a % that encodes nothing: write % as %25`)
  }
}

/** After the router: its routes match this path, but none of them handles this method. @throws {Refusal} 405 */
export const otherMethods =
  (reply: WriteReply): Middleware<DefaultState, Matched> =>
  async (ctx, next) => {
    const allowed = (ctx.matched ?? []).flatMap(({ methods }) => methods)
    // A route with this method may have passed the request on: it has no such resource.
    if (allowed.length === 0 || allowed.includes(ctx.method)) await next()
    else reply(ctx, otherMethod(ctx.method, ctx.path, allowed))
  }

/** The last middleware. @param meant the route that the client probably wants @throws {Refusal} 404 */
export const nothingHere =
  (meant: (path: string) => string): Middleware =>
  ({ path }) => {
    throw new Refusal(404, `nothing at ${shown(path)}: did you mean ${meant(path)}?`)
  }

const MEANT: [pattern: RegExp, route: string][] = [
  [/hook|whats|meta|waha|green/i, 'POST /webhook/whatsapp/batched'],
  [/openapi|swagger|redoc/i, 'GET /openapi.json'],
  [/conversation|message|chat|flush|history|typing|pause|resume|forget|sent/i, 'GET /conversations'],
  [/setting|rule|scope/i, 'GET /settings'],
  [/dead|redrive/i, 'GET /dead'],
  [/page|dash|index|ui/i, 'GET /'],
  [/queue|board/i, 'GET /queues'],
  [/event|stream|live(?!z)|watch/i, 'GET /events'],
  [/commit/i, 'POST /batches/:batchId/commit'],
  [/batch|answer/i, 'POST /batches/:batchId/answered'],
  [/ready|health/i, 'GET /readyz'],
  [/live|ping/i, 'GET /livez'],
]

export const meantInApi = (path: string): string =>
  MEANT.find(([pattern]) => pattern.test(path))?.[1] ?? 'POST /webhook/whatsapp/batched'
