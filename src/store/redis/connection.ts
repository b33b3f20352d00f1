/**
 * Connections to Redis, with the options that the guarantees need:
 *
 *   - A command is never sent twice. By default ioredis repeats a command whose reply was lost; a claim that ran twice
 *     would leave a batch without a processor until its lease ends.
 *   - No command waits for a lost connection. It fails at once.
 *   - A server that hangs without closing the connection fails commands after a timeout.
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
  // After a failover the old primary may keep its connections, as a replica: reconnect, by a new look-up of the name.
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

/** Resolves when the client is ready. Rejects with the first error that says why it is not. */
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

/** The server that a client connects to, without credentials. */
export function addressOf(client: Redis): string {
  const { host = '127.0.0.1', port = 6379, path, tls } = client.options
  if (path) return path
  return `${tls ? 'rediss' : 'redis'}://${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** Closes a connection: with QUIT if it is ready, so that earlier commands are answered. May be called twice. */
export async function disconnect(client: Redis): Promise<void> {
  if (client.status === 'ready') {
    try {
      await client.quit()
      return
    } catch {
      // It was lost while it was being closed, which is as good.
    }
  }
  client.disconnect()
}
