/** `LULL_OPS_PORT`: health and metrics of any role on a port of its own, without a token, for probes and scrapers. */
import type { RequestListener } from 'node:http'
import Router from '@koa/router'
import { emptyApp, exchange, replyWith } from '../../api/exchange.js'
import { healthRoutes } from '../../api/health.js'
import { metricsRoute } from '../../api/metrics.js'
import { checkPath, nothingHere, otherMethods } from '../../api/unmatched.js'
import { type Listening, listen } from '../../http/listen.js'
import { ErrorReplies } from '../../http/refusal.js'
import type { Logger } from '../../logger.js'
import type { Metrics } from '../../metrics/metrics.js'
import type { RoleContext } from './role.js'

/**
 * Before the role itself, which may have to wait for its Redis.
 * @throws one line that names the setting, if the port cannot be opened
 */
export async function startOps({ config, log, lifecycle, metrics, readiness }: RoleContext): Promise<void> {
  metrics.watchRedis(readiness.check)
  if (config.opsPort === undefined) return
  const server = await listenAt(opsApp(log, metrics, readiness.check), config.api.host, config.opsPort)
  await lifecycle.add('the port for probes', timeoutMs => server.close(timeoutMs))
  log.info({ url: server.url }, `/livez, /readyz and /metrics are served on ${server.url}`)
}

/** The three routes, without listening. Their requests are not measured. */
export function opsApp(log: Logger, metrics: Metrics, readiness: () => Promise<void>): RequestListener {
  const router = new Router()
  healthRoutes(router, readiness)
  metricsRoute(router, metrics)
  const reply = replyWith({})
  const app = emptyApp(log)
  app.use(exchange({ errors: new ErrorReplies(log), reply, log }))
  app.use(checkPath)
  app.use(router.routes())
  app.use(otherMethods(reply))
  app.use(nothingHere(() => 'GET /livez, GET /readyz or GET /metrics'))
  return app.callback()
}

async function listenAt(handle: RequestListener, host: string, port: number): Promise<Listening> {
  try {
    return await listen(handle, { host, port })
  } catch (error) {
    // The error names the API's setting.
    throw error instanceof Error ? new Error(error.message.replace(/\bPORT\b/g, 'LULL_OPS_PORT')) : error
  }
}
