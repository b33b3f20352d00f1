/** The API as a process: messages in, and what people ask about conversations. */
import { createApp } from '../../api/app.js'
import { Batcher } from '../../batcher.js'
import { listen } from '../../http/listen.js'
import { makeKnown } from '../../presence/announce.js'
import { processName } from '../../process-name.js'
import { Processor } from '../../processor/processor.js'
import { dashboardFor } from './dashboard.js'
import { checkExposure } from './exposure.js'
import { type ApiContext, logStart } from './role.js'

/**
 * Resolves when it listens.
 * @throws one line that names what is wrong and the remedy
 */
export async function startApi(context: ApiContext): Promise<{ batcher: Batcher; url: string }> {
  const { config, log, lifecycle, metrics, store, readiness } = context
  checkExposure(config)
  const { redis, prefix, rules, batching } = config
  const batcher = new Batcher({
    ...(store ? { store } : { redis, prefix, ...rules, name: processName('api') }),
    batching,
    log,
    observer: metrics,
  })
  await lifecycle.add('the API’s store', () => batcher.close())
  const identity = await batcher.open()
  const presence = batcher.store.processes ? await makeKnown(context, 'api', batcher.store.processes) : undefined
  metrics.runs('api')
  const onUnheard = await directPath(context, batcher)
  const dashboard = await dashboardFor(context, batcher)
  const app = createApp({
    dashboard,
    batcher,
    log,
    providers: config.providers,
    groups: config.groups,
    onOwnMessage: config.onOwnMessage,
    raw: config.raw,
    metrics,
    onReceived: (provider, counts) => metrics.received(provider, counts),
    onRejected: (provider, reason) => {
      metrics.rejected(provider, reason)
      presence?.refused(provider, reason)
    },
    showTexts: config.api.showTexts,
    ...(presence ? { mark: presence.mark } : {}),
    ...(config.api.publicUrl === undefined ? {} : { publicUrl: config.api.publicUrl }),
    ...(config.api.token === undefined ? {} : { apiToken: config.api.token }),
    ...(readiness ? { readiness } : {}),
    ...(onUnheard ? { onUnheard } : {}),
  })
  const server = await listen(app, config.api)
  await lifecycle.add('the API', timeoutMs => server.close(timeoutMs))
  // Readers would hold up the server's stop.
  await lifecycle.add('the readers of /events', () => dashboard.live.close())
  logStart(log, 'api', identity)
  log.info({ url: server.url }, `api listens on ${server.url}`)
  return { batcher, url: server.url }
}

/**
 * With no processor running, what is due at once (direct messages) is claimed and handed over from here, by the same
 * scripts. In concurrent order only: in serial order somebody has to hear the answers, for as long as they take.
 */
async function directPath(context: ApiContext, batcher: Batcher): Promise<(() => void) | undefined> {
  const { config, log, lifecycle, withProcessor = false } = context
  if (withProcessor || config.rules.order !== 'concurrent') return undefined
  const processor = new Processor({
    store: batcher.store,
    handover: await config.handover.make(config.redis),
    log,
    name: processName('api'),
    configureRedis: config.configureRedis,
    observer: context.metrics,
  })
  await lifecycle.add('the API’s handover', timeoutMs => processor.stop({ timeoutMs }))
  return () => {
    processor.claimOnce().catch(error => {
      // The batch stays where it is, for the next one or for a processor.
      log.warn({ err: error }, 'what is due could not be handed over from here')
    })
  }
}
