/** `LULL_OPS_PORT`: health and metrics of any role on a port of its own, without a token, for probes and scrapers. */
import type { RequestListener } from 'node:http'
import Router from '@koa/router'
import Koa from 'koa'
import { healthRoutes } from '../../api/health.js'
import { metricsRoute } from '../../api/metrics.js'
import { type Listening, listen } from '../../http/listen.js'
import type { RoleContext } from './role.js'

/**
 * @param readiness rejects with one line that says why the role can not do its work
 * @throws one line, where the port cannot be had
 */
export async function startOps(
  { config, log, lifecycle, metrics }: RoleContext,
  readiness: () => Promise<void>,
): Promise<void> {
  metrics.watchRedis(readiness)
  if (config.opsPort === undefined) return
  const router = new Router()
  healthRoutes(router, readiness)
  metricsRoute(router, metrics)
  const app = new Koa()
  app.on('error', (error: Error) => log.debug({ err: error }, 'a probe could not be answered'))
  app.use(router.routes())
  const server = await listenAt(app.callback(), config.api.host, config.opsPort)
  await lifecycle.add('the port for probes', timeoutMs => server.close(timeoutMs))
  log.info({ url: server.url }, `/livez and /readyz on ${server.url}, and /metrics`)
}

async function listenAt(handle: RequestListener, host: string, port: number): Promise<Listening> {
  try {
    return await listen(handle, { host, port })
  } catch (error) {
    // Its words are about the API's port.
    throw error instanceof Error ? new Error(error.message.replace(/\bPORT\b/g, 'LULL_OPS_PORT')) : error
  }
}
