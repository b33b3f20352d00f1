/** `/metrics`, in Prometheus's text format. */
import type Router from '@koa/router'
import type { Middleware } from 'koa'
import type { Metrics } from '../metrics/metrics.js'

/** @param token the check of the token; on the port for probes there is none */
export function metricsRoute(router: Router, metrics: Metrics, ...token: Middleware[]): void {
  router.get('/metrics', ...token, async ctx => {
    const { type, text } = await metrics.text()
    ctx.type = type
    ctx.body = text
  })
}
