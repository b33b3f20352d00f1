/**
 * Which Redis a command uses. `lull up`: the one that REDIS_URL names, the one at 127.0.0.1:6379, a private one, or
 * none. Every command beside it: the one that REDIS_URL names, the private one of a `lull up` in this directory, the one
 * private one that runs in another directory of this user, or 127.0.0.1:6379.
 */
import type { Config } from '../config.js'
import type { Logger } from '../logger.js'
import type { RedisAddress } from '../store/redis/address.js'
import { StoreUnavailable } from '../store/store.js'
import { storeFrom } from '../store/store-options.js'
import { explain } from './explain.js'
import type { Lifecycle } from './lifecycle.js'
import { findProgram, startPrivateRedis } from './private-redis.js'
import { runningPrivateRedis } from './private-redis-lock.js'
import { announce, linksFolder, runningRedis } from './running-redis.js'
import { oneLine } from './show/escape.js'

export interface FindOptions {
  config: Config
  log: Logger
  lifecycle: Lifecycle
  /** Where the folder `.lull` is, or will be made. */
  directory: string
}

/**
 * For a command beside `lull up`: the settings, with a private Redis of a `lull up` that runs if they name no Redis: the
 * one of this directory, or else of another one.
 * @param say called with one line if a private one is used
 * @throws one line, if several run in other directories
 */
export async function withRunningRedis(
  config: Config,
  directory: string,
  say: (line: string) => void,
): Promise<Config> {
  if (config.redisIsSet) return config
  const here = await runningPrivateRedis(directory)
  if (here !== undefined) {
    say(`using the private Redis of the lull up in this directory, ${here}`)
    return { ...config, redis: { path: here, db: 0 } }
  }
  const running = await runningRedis(linksFolder(config.runtimeFolder))
  const [only] = running
  if (only === undefined) return config
  if (running.length > 1) {
    const directories = running.map(each => each.directory).sort()
    throw new Error(
      `${running.length} lull up run with a Redis of their own, in ${directories.join(' and ')}: run the command in one ` +
        'of these directories, or name a Redis by REDIS_URL',
    )
  }
  say(`using the private Redis of the lull up in ${only.directory}, ${only.socket}`)
  return { ...config, redis: { path: only.socket, db: 0 } }
}

/**
 * For `lull up`. `undefined`: there is no Redis, so the store must be in memory.
 * @throws one line if a private one could not be started
 */
export async function findRedis(options: FindOptions): Promise<RedisAddress | undefined> {
  const { config, log, lifecycle, directory } = options
  // A Redis that is named must work; opening it shows whether it does.
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
  await lifecycle.add('its place in the list of those that run', announced(options))
  log.info(
    { socket: own.socket, version: program.version },
    `started a private ${program.command} ${program.version} at ${own.socket}; its data stay in ${own.folder}`,
  )
  return { path: own.socket, db: 0 }
}

/** Without it commands find the private Redis only in its own directory. */
function announced({ config, log, directory }: FindOptions): () => void {
  try {
    return announce(directory, linksFolder(config.runtimeFolder))
  } catch (error) {
    log.warn({}, `commands in other directories do not find this Redis: ${oneLine(explain(error))}`)
    return () => {}
  }
}

/** Whether a Redis answers at the usual address and can be used. Logs a line if it answers and cannot be used. */
async function isUsable({ redis, prefix, rules, partitions }: Config, log: Logger): Promise<boolean> {
  const store = storeFrom({ redis, prefix, ...rules, partitions }, 'up')
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
