/** The API as a process: it takes messages, and serves conversations, the page and metrics. */
import { createApp } from '../../api/app.js'
import { CommitWaits } from '../../api/commit-waits.js'
import type { MadeToken } from '../../api/token.js'
import { Batcher } from '../../batcher.js'
import { listen } from '../../http/listen.js'
import { loadDefault } from '../../load-default.js'
import { newMark, publishPresence } from '../../presence/publish.js'
import { processName } from '../../process-name.js'
import { Processor } from '../../processor/processor.js'
import type { RulesFor } from '../../settings/rule-book.js'
import { isExposed } from '../../webhook/exposure.js'
import type { Identify } from '../../webhook/identity.js'
import { Rejections } from '../../webhook/rejections.js'
import { onceRedisIsThere } from './await-redis.js'
import { dashboardFor } from './dashboard.js'
import { checkExposure, logExposure } from './exposure.js'
import { type ApiContext, logStart } from './role.js'

/**
 * Resolves when the API listens.
 * @throws one line that names what is wrong and the remedy
 */
export async function startApi(context: ApiContext): Promise<{ batcher: Batcher; url: string }> {
  const { config, log, lifecycle, metrics, telemetry, store, processor, readiness } = context
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
  const rejections = new Rejections(log)
  const mark = newMark()
  const opening = onceRedisIsThere(context, async scope => {
    const identity = await batcher.open()
    const { processes } = batcher.store
    if (processes) await publishPresence({ ...context, lifecycle: scope }, 'api', processes, { mark, rejections })
    return identity
  })
  // If Redis is away the API listens all the same, and answers 503: each call opens the store, if it can.
  const openOrAway = () => Promise.race([opening, readiness.waits])
  await openOrAway()
  metrics.runs('api')
  const identify = config.identify === undefined ? undefined : await loadIdentify(config.identify)
  const onNoProcessor = await directPath(context, batcher)
  const dashboard = await dashboardFor(context, batcher)
  const madeToken = await tokenMade(context, batcher)
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
    ...(store ? {} : { mark }),
    ...(config.api.publicUrl === undefined ? {} : { publicUrl: config.api.publicUrl }),
    ...(config.api.token === undefined ? {} : { apiToken: config.api.token }),
    ...(madeToken ? { madeToken } : {}),
    ...(processor ? { readiness: () => processor.ready() } : {}),
    ...(onNoProcessor ? { onNoProcessor } : {}),
  })
  const server = await listen(app, config.api)
  await lifecycle.add('the API', timeoutMs => server.close(timeoutMs))
  // Ended first, as the readers: open streams and requests that wait would delay the server's stop.
  await lifecycle.add('the requests that wait for a commit', () => commits.close())
  await lifecycle.add('the readers of /events', () => dashboard.live.close())
  await lifecycle.add('the playground’s comparisons', () => dashboard.comparisons.close())
  const logOpen = opening.then(identity => logStart(log, 'api', identity))
  await openOrAway()
  log.info({ url: server.url }, `api listens on ${server.url}`)
  logExposure(config, log)
  await logOpen
  return { batcher, url: server.url }
}

/** @throws one line, for a module that can't be loaded or exports no function */
const loadIdentify = (file: string): Promise<Identify> =>
  loadDefault(file, { name: 'LULL_IDENTITY', example: 'export default ({ provider, account, id }) => id' })

/** @throws one line, for a module that can't be loaded or exports no function */
const loadRules = (file: string): Promise<RulesFor> =>
  loadDefault(file, { name: 'LULL_RULES', example: 'export default ({ account }, messages) => ({ quietGapMs: 6000 })' })

/** The token, if `lull up` made it: its processor has reached Redis already. */
async function tokenMade({ remakeToken }: ApiContext, batcher: Batcher): Promise<MadeToken | undefined> {
  if (!remakeToken) return undefined
  await batcher.open()
  return { generation: await batcher.store.sessions.generation(), remake: remakeToken }
}

/**
 * While no processor runs, the API itself claims and hands over the batches that are due at once (direct messages), by
 * the same scripts. Only in concurrent order: in serial order a processor has to wait for the ends of the answers.
 */
async function directPath(context: ApiContext, batcher: Batcher): Promise<(() => void) | undefined> {
  const { config, log, lifecycle } = context
  if (context.processor || config.rules.order !== 'concurrent') return undefined
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
