/** `lull up`: API, processor and worker in one process, on the Redis that is found, or in memory. */
import { randomBytes } from 'node:crypto'
import type { Config } from '../../config.js'
import { processName } from '../../process-name.js'
import { Processor } from '../../processor/processor.js'
import { MemoryStore } from '../../store/memory/store.js'
import { findRedis } from '../find-redis.js'
import { type NextSteps, newLink, nextSteps } from '../next-steps.js'
import { startApi } from './api.js'
import { onceRedisIsThere } from './await-redis.js'
import { startProcessor } from './processor.js'
import type { ApiContext, RoleContext } from './role.js'
import { withPossibleHandover } from './without-queue.js'
import { handleFrom, startWorker } from './worker.js'

export interface UpContext extends RoleContext {
  /** Keeps messages in memory even if there is a Redis. */
  embedded: boolean
  /** The private Redis keeps its data below it, in `.lull/`. */
  directory: string
  /** Prints the next steps for the user. */
  print(text: string): void
}

const TOKEN_BYTES = 24
const makeToken = () => randomBytes(TOKEN_BYTES).toString('base64url')

/** @throws one line that names what is wrong and the remedy */
export async function startUp(context: UpContext): Promise<{ ready(): Promise<void> }> {
  const tokenIsMade = context.config.api.token === undefined
  const token = context.config.api.token ?? makeToken()
  const config = { ...context.config, api: { ...context.config.api, token } }
  const redis = context.embedded ? undefined : await findRedis({ ...context, config })
  const remakeToken = () => {
    const next = makeToken()
    context.print(newLink(url, next))
    return next
  }
  const found = redis
    ? await onceRedisIsThere(context, () => withPossibleHandover({ ...config, redis }, context.log))
    : config
  const withLoggingWorker = config.handover.queue !== undefined && config.worker.handler === undefined
  const up = { ...context, config: found, withLoggingWorker, ...(tokenIsMade ? { remakeToken } : {}) }
  const { url, partitions, ready } = redis ? await onRedis(up) : await inMemory(up)
  const steps: NextSteps = { config: found, url, token, tokenIsMade, partitions }
  context.print(nextSteps(redis ? { ...steps, redis } : steps))
  return { ready }
}

type WithToken = UpContext & Pick<ApiContext, 'remakeToken' | 'withLoggingWorker'>

interface Started {
  url: string
  partitions: number
  ready(): Promise<void>
}

async function onRedis(context: WithToken): Promise<Started> {
  const processor = await startProcessor(context)
  if (context.config.handover.queue) await startWorker(context)
  const { url } = await startApi({ ...context, processor })
  return { url, partitions: processor.store.partitions, ready: () => processor.ready() }
}

/** Without a Redis there is no queue: the processor calls the worker's handler itself. */
async function inMemory(context: WithToken): Promise<Started> {
  const { config, log, lifecycle, metrics, telemetry } = context
  log.warn({}, 'embedded: messages are kept in memory, and are lost when this process ends')
  const store = new MemoryStore(config.rules)
  await lifecycle.add('the store in memory', () => store.close())
  const processor = new Processor({
    store,
    log,
    name: processName('processor'),
    observer: metrics,
    telemetry,
    ...(await receiver(config)),
  })
  await lifecycle.add('the processor', timeoutMs => processor.stop({ timeoutMs }))
  await processor.start()
  metrics.runs('processor')
  metrics.watchSystem(store, processor.owner)
  const { url } = await startApi({ ...context, store, processor })
  return { url, partitions: store.partitions, ready: () => processor.ready() }
}

const receiver = async (config: Config) =>
  config.handover.queue
    ? { handle: await handleFrom(config), concurrency: config.worker.concurrency }
    : { handover: await config.handover.make(config.redis) }
