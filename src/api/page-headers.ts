/** The headers of everything that a browser shows. */
import type { Context } from 'koa'

/** @param policy the Content-Security-Policy */
export function setPageHeaders(ctx: Context, policy: string): void {
  ctx.set('Content-Security-Policy', policy)
  ctx.set('Referrer-Policy', 'no-referrer')
  ctx.set('Cross-Origin-Opener-Policy', 'same-origin')
}
