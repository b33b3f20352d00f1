/** The worker as a process: takes batches from the queue and calls the handler. */
import { type Config, ConfigError } from '../../config.js'
import type { CommitStore } from '../../handover/answering-run.js'
import { Commits } from '../../handover/commits.js'
import type { CommittingHandle } from '../../handover/function.js'
import type { Logger } from '../../logger.js'
import { publishPresence } from '../../presence/publish.js'
import { processName } from '../../process-name.js'
import type { RedisAddress } from '../../store/redis/address.js'
import { RedisStore } from '../../store/redis/store.js'
import { loadHandler, referenceWorker } from '../../worker/handler.js'
import { QueueWorker } from '../../worker/worker.js'
import { logStart, type RoleContext } from './role.js'

/** The handler: the module that the settings name, else one that logs the batch. */
export const handleFrom = ({ worker, rules }: Config): Promise<CommittingHandle> =>
  worker.handler === undefined ? Promise.resolve(referenceWorker(rules)) : loadHandler(worker.handler)

/** @throws one line that names what is wrong and the remedy */
export async function startWorker(context: RoleContext): Promise<QueueWorker> {
  const { config, log, lifecycle, metrics } = context
  const { kind, whatHappens, queue: settings } = config.handover
  if (!settings)
    throw new ConfigError(
      `LULL_HANDOVER=${kind}: a batch ${whatHappens}, so a worker has no queue: run no worker, or set LULL_HANDOVER=bullmq`,
    )
  const handle = await handleFrom(config)
  const redis = settings.redis ?? config.redis
  const { store, identity } = await openStore(context, redis)
  const commits = new Commits(await batchStore(context, store, settings.redis), { observer: metrics, log })
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
  })
  await lifecycle.add('the worker', timeoutMs => worker.stop({ timeoutMs }))
  await worker.start()
  await publishPresence(context, 'worker', store.processes)
  metrics.runs('worker')
  logStart(log, 'worker', identity)
  const from = shards > 1 ? `the ${shards} queues ${queue}` : `the queue ${queue}`
  log.info({ queue, prefix, shards }, `worker takes batches from ${from} (prefix ${prefix})`)
  return worker
}

/** A store on the queue's Redis: for the same checks and errors as the other roles', and to list this worker there. */
async function openStore(context: RoleContext, redis: RedisAddress, log?: Logger) {
  const store = await makeStore(context, redis, log)
  return { store, identity: await store.open() }
}

async function makeStore({ config, lifecycle, metrics }: RoleContext, redis: RedisAddress, log?: Logger) {
  const { prefix, rules } = config
  const store = new RedisStore({ redis, prefix, rules, role: 'worker', observer: metrics, ...(log && { log }) })
  await lifecycle.add('the worker’s store', () => store.close())
  return store
}

/**
 * The store that grants commits: Lull's own Redis keeps the batches, and the queue may be on another one. In `queue`
 * it is asked only about batches whose own rule is `supersede`, so it is opened for the first of them.
 */
async function batchStore(
  context: RoleContext,
  queueStore: RedisStore,
  queueRedis: RedisAddress | undefined,
): Promise<CommitStore> {
  const { redis, rules } = context.config
  if (!queueRedis) return queueStore
  // The worker logs the outages of the queue's Redis, and this store those of its own.
  if (rules.answering === 'supersede') return (await openStore(context, redis, context.log)).store
  return openedLater(await makeStore(context, redis, context.log))
}

function openedLater(store: RedisStore): CommitStore {
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
