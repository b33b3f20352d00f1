/** `/queues`: the board of the queue, behind the page's token. Without a queue it says why there is none. */
import type { Middleware } from 'koa'
import { Refusal } from '../http/refusal.js'
import { setPageHeaders } from './page-headers.js'
import { BOARD_PATH, type QueueWindow } from './queue-window.js'
import type { Access } from './token.js'

/** bull-board uses inline styles. */
const BOARD_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'self'; frame-ancestors 'none'"

/**
 * Serves `/queues` and everything under it.
 * @param queue or one line that says why there is none
 */
export function boardRoutes(queue: QueueWindow | string, access: Access): Middleware {
  return async (ctx, next) => {
    if (ctx.path !== BOARD_PATH && !ctx.path.startsWith(`${BOARD_PATH}/`)) return next()
    try {
      await access.check(ctx)
    } catch (error) {
      if (ctx.get('sec-fetch-mode') !== 'navigate') throw error
      // To the page, which asks for the token.
      ctx.redirect(ctx.path === BOARD_PATH ? './' : '../')
      return
    }
    if (typeof queue === 'string') throw new Refusal(404, queue)
    setPageHeaders(ctx, BOARD_POLICY)
    const board = await queue.board()
    await board(ctx, async () => {})
    // None of the board's routes or methods. As the board's own `next` this would fail: it turns every error into a
    // 500.
    if (ctx.status >= 400 && !ctx.body) await next()
  }
}
