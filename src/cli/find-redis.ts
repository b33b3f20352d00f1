/**
 * The Redis that `lull up` stands on: the one that is named, the one that is there, one of its own, or none.
 */
import type { RedisOptions } from 'ioredis'
import type { Config } from '../config.js'
import type { Logger } from '../logger.js'
import { RedisStore } from '../store/redis/store.js'
import { StoreUnavailable } from '../store/store.js'
import { explain, oneLine } from './explain.js'
import type { Lifecycle } from './lifecycle.js'
import { findProgram, startPrivateRedis } from './private-redis.js'

export interface FindOptions {
  config: Config
  log: Logger
  lifecycle: Lifecycle
  /** Where `.lull` is, or is made. */
  directory: string
}

/**
 * `undefined`: there is none to be had; the store is to be in memory.
 * @throws one line, where a private one could not be started
 */
export async function findRedis(options: FindOptions): Promise<RedisOptions | undefined> {
  const { config, log, lifecycle, directory } = options
  // One that is named must work: that it does is found out where it is opened.
  if (config.redisIsSet) return config.redis
  if (await isUsable(config, log)) return config.redis
  const { program, tooOld } = await findProgram()
  if (program === undefined) {
    const reason =
      tooOld.length > 0 ? `${tooOld.join(' and ')} is too old (7.0 or later is needed)` : 'none is installed'
    log.warn({}, `no Redis: none runs at 127.0.0.1:6379, and ${reason}`)
    return undefined
  }
  const own = await startPrivateRedis(program, directory, error => lifecycle.fail(error))
  await lifecycle.add('the private Redis', own.stop)
  log.info(
    { socket: own.socket, version: program.version },
    `started a private ${program.command} ${program.version} at ${own.socket}; its data stay in ${own.folder}`,
  )
  return { path: own.socket, db: 0 }
}

/** Whether a Redis answers where one usually does, and can be used. One that is there and can't be is worth a line. */
async function isUsable({ redis, prefix, rules }: Config, log: Logger): Promise<boolean> {
  const store = new RedisStore({ redis, prefix, rules, role: 'up' })
  try {
    await store.open()
    await store.ready()
    return true
  } catch (error) {
    if (!(error instanceof StoreUnavailable && error.reason === 'connection'))
      log.warn({}, `not used: ${oneLine(explain(error))}`)
    return false
  } finally {
    await store.close()
  }
}
