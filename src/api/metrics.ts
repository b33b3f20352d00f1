/** `/metrics`, in Prometheus's text format, and the measuring of requests. */
import type Router from '@koa/router'
import type { Middleware } from 'koa'
import type { Metrics } from '../metrics/metrics.js'

/** @param token whoever may read them; on a port for scrapers, nobody is asked */
export function metricsRoute(router: Router, metrics: Metrics, ...token: Middleware[]): void {
  router.get('/metrics', ...token, async ctx => {
    const { type, text } = await metrics.text()
    ctx.type = type
    ctx.body = text
  })
}

/** By the route's pattern: a path could hold anything, a conversation too. */
export function measured(metrics: Metrics): Middleware {
  return async (ctx, next) => {
    const startedAtMs = performance.now()
    await next()
    const pattern: unknown = Reflect.get(ctx, '_matchedRoute')
    const route = typeof pattern === 'string' ? pattern : 'none'
    metrics.requested({ route, method: ctx.method, code: ctx.status, durationMs: performance.now() - startedAtMs })
  }
}
