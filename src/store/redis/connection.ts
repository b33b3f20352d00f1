/**
 * Connections to Redis, with the options that the guarantees rest on.
 *
 * A command is never sent twice: by default ioredis repeats a command whose reply was lost, and a claim sent twice would
 * orphan a batch for a lease. Nothing queues while the connection is down: the caller is told at once. And a server
 * that hangs without closing is given up on after a bound.
 */
import { Redis, type RedisOptions } from 'ioredis'

/** A URL, ioredis options, or a function that makes a client (called once for each connection Lull needs). */
export type RedisSource = string | RedisOptions | (() => Redis)

const COMMAND_TIMEOUT_MS = 5000
const CONNECT_TIMEOUT_MS = 5000
const LONGEST_RECONNECT_MS = 1000

const OPTIONS = {
  lazyConnect: true,
  maxRetriesPerRequest: 0,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  commandTimeout: COMMAND_TIMEOUT_MS,
  socketTimeout: COMMAND_TIMEOUT_MS * 2,
  connectTimeout: CONNECT_TIMEOUT_MS,
  // After a failover the old primary may keep its connections, as a replica: whoever has the name must look it up again.
  reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
  retryStrategy: (times: number) => Math.min(times * 50, LONGEST_RECONNECT_MS) * (0.75 + Math.random() / 4),
} satisfies RedisOptions

/** A client that is not connected yet. */
export function createClient(source: RedisSource, connectionName: string): Redis {
  const own: RedisOptions = { ...OPTIONS, connectionName }
  if (typeof source === 'string') return new Redis(source, own)
  if (typeof source === 'object') return new Redis({ ...source, ...own })
  const client = source()
  const { lazyConnect: _, ...settable } = own
  Object.assign(client.options, settable)
  return client
}

/** Resolves when the client is ready; rejects with the first error that says why it is not. */
export async function connect(client: Redis): Promise<void> {
  if (client.status === 'ready') return
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => settle(new Error('Command timed out')), CONNECT_TIMEOUT_MS * 2)
    const settle = (error?: Error) => {
      clearTimeout(timer)
      client.off('ready', onReady)
      client.off('error', settle)
      if (error) reject(error)
      else resolve()
    }
    const onReady = () => settle()
    client.on('ready', onReady)
    client.on('error', settle)
    if (client.status === 'wait') client.connect().catch(settle)
  })
}

/** Where a client is pointed, without credentials. */
export function addressOf(client: Redis): string {
  const { host = '127.0.0.1', port = 6379, path, tls } = client.options
  if (path) return path
  return `${tls ? 'rediss' : 'redis'}://${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** Ends a connection, politely if it stands. May be called twice. */
export async function disconnect(client: Redis): Promise<void> {
  if (client.status === 'ready') {
    try {
      await client.quit()
      return
    } catch {
      // It broke while it was being closed: closed is what was wanted.
    }
  }
  client.disconnect()
}
