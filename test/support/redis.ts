/**
 * The Redis of a test: the run's, which `npm test` starts once and names in LULL_TEST_REDIS_URL, or a private one that
 * a test can kill, freeze and restart.
 */
import { randomBytes } from 'node:crypto'
import { Redis } from 'ioredis'
import { onceAProcess } from './once-a-process.js'
import { track } from './open.js'
import {
  findRedisBinary,
  isNewEnough,
  type RedisServer,
  startLocalRedis,
  startRedisContainer,
} from './redis-servers.js'

export { freePort, type RedisServer } from './redis-servers.js'

interface SharedRedis {
  url: string
  /** Counted before this run, since the server may be older. */
  scansBefore: number
  stop(): Promise<void>
}

const state = onceAProcess('redis', (): { shared?: Promise<SharedRedis> | undefined } => ({}))

/** The URL of the run's Redis. Without `npm test` a private one is started, once. */
export async function testRedis(): Promise<string> {
  state.shared ??= startShared()
  return (await state.shared).url
}

async function startShared(): Promise<SharedRedis> {
  const url = process.env['LULL_TEST_REDIS_URL']
  if (url) return { url, scansBefore: await scansCounted(url), stop: async () => {} }
  const server = await start([])
  return { url: server.url, scansBefore: 0, stop: () => server.stop() }
}

/** SCAN and KEYS that the run's Redis has counted since it began; `undefined` if no test has asked for it. */
export async function scansOfThisRun(): Promise<number | undefined> {
  if (!state.shared) return undefined
  const { url, scansBefore } = await state.shared
  return (await scansCounted(url)) - scansBefore
}

/** Names of the connections that this process has open to the run's Redis: `lull.<role>.<host>.<pid>`. */
export async function openConnections(): Promise<string[]> {
  if (!state.shared) return []
  const redis = new Redis((await state.shared).url)
  try {
    const clients = String(await redis.client('LIST'))
    return [...clients.matchAll(/ name=(lull\.\S+) /g)].flatMap(([, name = '']) =>
      name.endsWith(`.${process.pid}`) ? [name] : [],
    )
  } finally {
    redis.disconnect()
  }
}

/** After the last test. */
export async function endTestRedis(): Promise<void> {
  const server = await state.shared
  state.shared = undefined
  await server?.stop()
}

/** A prefix for keys and queues that no other test uses. */
export const uniquePrefix = () => `test-${randomBytes(6).toString('hex')}`

/**
 * A private Redis on its own port.
 * @param options.args as on redis-server's command line; by default nothing is written to disk
 */
export async function privateRedis({ args = [] }: { args?: string[] } = {}): Promise<RedisServer> {
  const server = await start(args)
  const tracked = () => track(`a private Redis, ${server.url}`, () => server.stop())
  let forget = tracked()
  const url = withPassword(server.url, args)
  return {
    ...server,
    get pid() {
      return server.pid
    },
    async restart() {
      forget()
      forget = tracked()
      await server.restart()
    },
    async stop() {
      forget()
      const scans = await scansCounted(url)
      await server.stop()
      if (scans > 0) throw new Error(`events, not polling: ${server.url} has counted ${scans} SCAN or KEYS`)
    },
  }
}

async function start(args: string[]): Promise<RedisServer> {
  if (process.env['LULL_TEST_REDIS'] === 'container') return startRedisContainer(args)
  const binary = await findRedisBinary()
  if (binary && isNewEnough(binary)) return startLocalRedis(binary, args)
  return startRedisContainer(args)
}

/** How often SCAN or KEYS were called on a Redis since its start, by clients or by scripts. Unreachable: 0. */
export async function scansCounted(url: string): Promise<number> {
  const redis = new Redis(url, {
    lazyConnect: true,
    retryStrategy: () => null,
    connectTimeout: 1000,
    commandTimeout: 2000,
  })
  redis.on('error', () => {}) // The call below rejects with it.
  try {
    const stats = await redis.info('commandstats')
    return [...stats.matchAll(/^cmdstat_(?:scan|keys):calls=(\d+)/gm)].reduce(
      (sum, [, calls]) => sum + Number(calls),
      0,
    )
  } catch {
    // Killed, frozen or locked by its test: its counts are lost.
    return 0
  } finally {
    redis.disconnect()
  }
}

function withPassword(url: string, args: string[]): string {
  const at = args.indexOf('--requirepass')
  return at < 0 ? url : url.replace('//', `//:${encodeURIComponent(args[at + 1] ?? '')}@`)
}
