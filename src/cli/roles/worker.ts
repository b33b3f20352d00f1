/** The worker as a process: takes batches from the queue and calls the handler. */
import { type Config, ConfigError } from '../../config.js'
import type { CommitStore } from '../../handover/answering-run.js'
import { Commits } from '../../handover/commits.js'
import type { CommittingHandle } from '../../handover/function.js'
import type { QueueSettings } from '../../handover/kind.js'
import type { Logger } from '../../logger.js'
import { publishPresence } from '../../presence/publish.js'
import { processName } from '../../process-name.js'
import { homePrefix } from '../../store/partitioned/layout.js'
import { PartitionedStore } from '../../store/partitioned/store.js'
import type { RedisAddress } from '../../store/redis/address.js'
import { ownerSources } from '../../store/redis/owner-source.js'
import { RedisStore } from '../../store/redis/store.js'
import type { ProcessRegistry, StoreIdentity } from '../../store/store.js'
import { loadHandler, referenceWorker } from '../../worker/handler.js'
import { QueueWorker } from '../../worker/worker.js'
import { onceRedisIsThere } from './await-redis.js'
import { logStart, type RoleContext, type Starting } from './role.js'

/** The handler: the module that the settings name, else one that logs the batch. */
export const handleFrom = ({ worker, rules }: Config): Promise<CommittingHandle> =>
  worker.handler === undefined ? Promise.resolve(referenceWorker(rules)) : loadHandler(worker.handler)

/** @throws one line that names what is wrong and the remedy */
export async function startWorker(context: RoleContext): Promise<QueueWorker> {
  const { config, metrics } = context
  const { kind, whatHappens, queue } = config.handover
  if (!queue)
    throw new ConfigError(
      `LULL_HANDOVER=${kind}: a batch ${whatHappens}, so a worker has no queue: run no worker, or set LULL_HANDOVER=bullmq`,
    )
  const handle = await handleFrom(config)
  const worker = await onceRedisIsThere(context, lifecycle => start({ ...context, lifecycle }, queue, handle))
  metrics.runs('worker')
  return worker
}

async function start(context: Starting, settings: QueueSettings, handle: CommittingHandle): Promise<QueueWorker> {
  const { config, log, lifecycle, metrics, telemetry } = context
  const redis = settings.redis ?? config.redis
  const { processes, identity, batches } = settings.redis
    ? await openApart(context, settings.redis)
    : await openTogether(context)
  const commits = new Commits(batches, { observer: metrics, log })
  const { name: queue, prefix, shards } = settings
  const worker = new QueueWorker({
    redis,
    queue,
    prefix,
    shards,
    handle,
    concurrency: config.worker.concurrency,
    log,
    name: processName('worker'),
    answerTimeoutMs: config.rules.answerTimeoutMs,
    commits,
    telemetry,
  })
  await lifecycle.add('the worker', timeoutMs => worker.stop({ timeoutMs }))
  await worker.start()
  await publishPresence(context, 'worker', processes)
  logStart(log, 'worker', identity)
  const from = shards > 1 ? `the ${shards} queues ${queue}` : `the queue ${queue}`
  log.info({ queue, prefix, shards }, `worker takes batches from ${from} (prefix ${prefix})`)
  return worker
}

/** What a worker needs of stores. */
interface Stores {
  /** On the queue's Redis, where it is listed. */
  processes: ProcessRegistry
  identity: StoreIdentity
  /** Lull's own Redis keeps the batches, and grants the commits. */
  batches: CommitStore
}

/** The queue is on Lull's own Redis. */
async function openTogether(context: Starting): Promise<Stores> {
  const store = await makeStore(context)
  const identity = await store.open()
  return { processes: store.processes, identity, batches: store }
}

/**
 * The queue is on a Redis of its own. The worker logs the outages of that one, and the store of the batches those of
 * its own. In `queue` the store is asked only about batches whose own rule is `supersede`, so it is opened for the
 * first of them.
 */
async function openApart(context: Starting, redis: RedisAddress): Promise<Stores> {
  const { config, lifecycle, metrics, log } = context
  const { rules } = config
  const name = processName('worker')
  const { isCluster } = await ownerSources(redis, name)
  const prefix = isCluster ? homePrefix(config.prefix) : config.prefix
  const registry = new RedisStore({ redis, prefix, rules, name, observer: metrics })
  await lifecycle.add('the worker’s store on the queue’s Redis', () => registry.close())
  const identity = await registry.open()
  const store = await makeStore(context, log)
  if (rules.answering === 'supersede') await store.open()
  const batches = rules.answering === 'supersede' ? store : openedLater(store)
  return { processes: registry.processes, identity, batches }
}

async function makeStore({ config, lifecycle, metrics }: Starting, log?: Logger): Promise<PartitionedStore> {
  const { redis, prefix, rules, partitions, waitReplicas } = config
  const options = { redis, prefix, rules, partitions, waitReplicas, role: 'worker', observer: metrics }
  const store = new PartitionedStore({ ...options, ...(log && { log }) })
  await lifecycle.add('the worker’s store', () => store.close())
  return store
}

function openedLater(store: PartitionedStore): CommitStore {
  let opening: Promise<unknown> | undefined
  const opened = async () => {
    opening ??= store.open().catch(error => {
      opening = undefined
      throw error
    })
    await opening
    return store
  }
  return {
    rules: store.rules,
    rulesInUse: store.rulesInUse,
    commit: async batchId => (await opened()).commit(batchId),
    holdState: async batchId => (await opened()).holdState(batchId),
    followSuperseded: async listener => (await opened()).followSuperseded(listener),
  }
}
