/** The API as a process: it takes messages, and serves conversations, the page and metrics. */
import { createApp } from '../../api/app.js'
import { CommitWaits } from '../../api/commit-waits.js'
import { Batcher } from '../../batcher.js'
import { listen } from '../../http/listen.js'
import { loadDefault } from '../../load-default.js'
import { publishPresence } from '../../presence/publish.js'
import { processName } from '../../process-name.js'
import { Processor } from '../../processor/processor.js'
import type { RulesFor } from '../../settings/rule-book.js'
import { isExposed } from '../../webhook/exposure.js'
import type { Identify } from '../../webhook/identity.js'
import { Rejections } from '../../webhook/rejections.js'
import { dashboardFor } from './dashboard.js'
import { checkExposure, logExposure } from './exposure.js'
import { type ApiContext, logStart } from './role.js'

/**
 * Resolves when the API listens.
 * @throws one line that names what is wrong and the remedy
 */
export async function startApi(context: ApiContext): Promise<{ batcher: Batcher; url: string }> {
  const { config, log, lifecycle, metrics, telemetry, store, readiness, remakeToken } = context
  checkExposure(config)
  const { redis, prefix, rules, batching, partitions, waitReplicas } = config
  const rulesFor = config.rulesFor === undefined ? undefined : await loadRules(config.rulesFor)
  const batcher = new Batcher({
    ...(store ? { store } : { redis, prefix, ...rules, partitions, waitReplicas, name: processName('api') }),
    batching,
    onOwnMessage: config.onOwnMessage,
    ...(rulesFor === undefined ? {} : { rulesFor }),
    log,
    observer: metrics,
    telemetry,
  })
  await lifecycle.add('the API’s store', () => batcher.close())
  const identity = await batcher.open()
  const rejections = new Rejections(log)
  const { processes } = batcher.store
  const mark = processes ? await publishPresence(context, 'api', processes, rejections) : undefined
  metrics.runs('api')
  const identify = config.identify === undefined ? undefined : await loadIdentify(config.identify)
  const onNoProcessor = await directPath(context, batcher)
  const dashboard = await dashboardFor(context, batcher)
  const madeToken = remakeToken && { generation: await batcher.store.sessions.generation(), remake: remakeToken }
  const commits = new CommitWaits(batcher)
  const app = createApp({
    dashboard,
    commits,
    batcher,
    log,
    providers: config.providers,
    groups: config.groups,
    onOwnMessage: config.onOwnMessage,
    raw: config.raw,
    ...config.bodies,
    ...(identify === undefined ? {} : { identify }),
    metrics,
    rejections,
    showTexts: config.api.showTexts,
    isExposed: isExposed(config.api),
    ...(mark === undefined ? {} : { mark }),
    ...(config.api.publicUrl === undefined ? {} : { publicUrl: config.api.publicUrl }),
    ...(config.api.token === undefined ? {} : { apiToken: config.api.token }),
    ...(madeToken ? { madeToken } : {}),
    ...(readiness ? { readiness } : {}),
    ...(onNoProcessor ? { onNoProcessor } : {}),
  })
  const server = await listen(app, config.api)
  await lifecycle.add('the API', timeoutMs => server.close(timeoutMs))
  // Ended first, as the readers: open streams and requests that wait would delay the server's stop.
  await lifecycle.add('the requests that wait for a commit', () => commits.close())
  await lifecycle.add('the readers of /events', () => dashboard.live.close())
  await lifecycle.add('the playground’s comparisons', () => dashboard.comparisons.close())
  logStart(log, 'api', identity)
  log.info({ url: server.url }, `api listens on ${server.url}`)
  logExposure(config, log)
  return { batcher, url: server.url }
}

/** @throws one line, for a module that can't be loaded or exports no function */
const loadIdentify = (file: string): Promise<Identify> =>
  loadDefault(file, { name: 'LULL_IDENTITY', example: 'export default ({ provider, account, id }) => id' })

/** @throws one line, for a module that can't be loaded or exports no function */
const loadRules = (file: string): Promise<RulesFor> =>
  loadDefault(file, { name: 'LULL_RULES', example: 'export default ({ account }, messages) => ({ quietGapMs: 6000 })' })

/**
 * While no processor runs, the API itself claims and hands over the batches that are due at once (direct messages), by
 * the same scripts. Only in concurrent order: in serial order a processor has to wait for the ends of the answers.
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
    telemetry: context.telemetry,
  })
  await lifecycle.add('the API’s handover', timeoutMs => processor.stop({ timeoutMs }))
  return () => {
    processor.claimOnce().catch(error => {
      // The batch stays due: the next call or a processor takes it.
      log.warn(
        { err: error },
        'due batches could not be handed over by the API; a processor, or the next append, does it',
      )
    })
  }
}
