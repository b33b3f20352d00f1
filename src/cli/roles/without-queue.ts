/**
 * `lull up` without the package bullmq, which is optional: the processor calls the handler itself, as it does without a
 * Redis. It does not do so if `LULL_HANDOVER` asks for the queue, or if there is one already: its jobs would wait for
 * ever.
 */
import type { Config } from '../../config.js'
import { loadBullmq, openConnection, type QueueLocation } from '../../handover/bullmq-connection.js'
import { FUNCTION, functionHandover } from '../../handover/function.js'
import type { QueueSettings } from '../../handover/kind.js'
import { queueShards } from '../../handover/queue-shards.js'
import type { Logger } from '../../logger.js'
import { MissingPackage } from '../../optional-package.js'
import { processName } from '../../process-name.js'
import { disconnect } from '../../store/redis/connection.js'
import type { RedisSource } from '../../store/redis/source.js'
import { handleFrom } from './worker.js'

const CONNECTION = processName('up')

/**
 * The settings with a handover that works here.
 * @throws {MissingPackage} if there has to be a queue
 */
export async function withPossibleHandover(config: Config, log: Logger): Promise<Config> {
  if (!config.handover.queue || (await possibleQueue(config))) return config
  log.warn(
    {},
    `the package bullmq is not installed, so there is no queue: the processor calls the handler itself. For a queue: npm install bullmq@6`,
  )
  return { ...config, handover: await directHandover(config) }
}

/**
 * The queue of these settings; `undefined` if they ask for none, or if there is none without the package bullmq.
 * @throws {MissingPackage} if there has to be a queue
 */
export async function possibleQueue({ handover, handoverIsSet, redis }: Config): Promise<QueueSettings | undefined> {
  const { queue } = handover
  if (!queue) return undefined
  try {
    await loadBullmq()
    return queue
  } catch (error) {
    if (!(error instanceof MissingPackage) || handoverIsSet) throw error
    if (await exists(queue, queue.redis ?? redis))
      throw new MissingPackage(`${error.message}; there is a queue ${queue.name} already, whose jobs wait for it`)
    return undefined
  }
}

async function directHandover(config: Config): Promise<Config['handover']> {
  const { worker, rules } = config
  const handle = await handleFrom(config)
  return {
    kind: FUNCTION,
    whatHappens: worker.handler ? `goes to ${worker.handler}` : 'is logged here',
    remedy: 'the log says why',
    options: {},
    shared: {},
    lacks: undefined,
    queue: undefined,
    make: async () =>
      functionHandover({ handle, concurrency: worker.concurrency, answerTimeoutMs: rules.answerTimeoutMs }),
  }
}

/** Whether BullMQ has kept the queue here. @throws one line that names the Redis and the remedy */
async function exists(queue: QueueSettings, redis: RedisSource): Promise<boolean> {
  const shards = await queueShards({ ...queue, redis }, CONNECTION)
  return (await Promise.all(shards.map(shardExists))).includes(true)
}

async function shardExists({ name, prefix, redis }: QueueLocation): Promise<boolean> {
  const client = await openConnection(redis, CONNECTION, { patient: false, onError: () => {} })
  try {
    return (await client.exists(`${prefix}:${name}:meta`)) > 0
  } finally {
    await disconnect(client)
  }
}
