/**
 * Connections to Redis, with the options that the guarantees need:
 *
 *   - A command is never sent twice. By default ioredis repeats a command whose reply was lost; a claim that ran twice
 *     would leave a batch without a processor until its lease ends.
 *   - No command waits for a lost connection. It fails at once.
 *   - A server that hangs without closing the connection fails commands after a timeout.
 */
import { Redis, type RedisOptions } from 'ioredis'
import { areSeeds, type ClusterSeeds, hostAndPort, shownAddress } from './address.js'
import { leaveReplacedPrimary } from './failover-watch.js'
import { madeBy, type PlainSource, plainSource, type RedisSource } from './source.js'

const COMMAND_TIMEOUT_MS = 5000
const CONNECT_TIMEOUT_MS = 5000
const LONGEST_RECONNECT_MS = 1000

const OPTIONS = {
  lazyConnect: true,
  // Scripts tell counts from errors by their type.
  stringNumbers: false,
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

/**
 * A server that another one may replace. While it is frozen, its sockets still accept commands, and it may execute them
 * when it wakes: so the connection is dropped as soon as a command has waited this long. Less than half the usual time
 * (5 s) after which a failover begins.
 */
const REPLACEABLE_TIMEOUT_MS = 2000
const SENTINEL_TIMEOUT_MS = 1000

/** The options for a server that a failover may replace: a node of a Cluster, or a primary that Sentinels watch. */
export const REPLACEABLE_OPTIONS = {
  commandTimeout: REPLACEABLE_TIMEOUT_MS,
  // Closes the connection if nothing has come for so long since the first command that waits.
  socketTimeout: REPLACEABLE_TIMEOUT_MS,
  connectTimeout: REPLACEABLE_TIMEOUT_MS,
} satisfies RedisOptions

const SENTINEL_OPTIONS = {
  ...REPLACEABLE_OPTIONS,
  role: 'master',
  // failover-watch.ts does it.
  failoverDetector: false,
  // The next Sentinel is asked if one does not answer.
  sentinelCommandTimeout: SENTINEL_TIMEOUT_MS,
  sentinelRetryStrategy: OPTIONS.retryStrategy,
} satisfies RedisOptions

/**
 * A client that is not connected yet.
 * @throws {RangeError | TypeError} one line with the remedy, if the source cannot be used
 */
export function createClient(source: RedisSource, connectionName: string): Redis {
  const address = plainSource(source)
  if (typeof address === 'function') return adopted(madeBy(address), connectionName)
  if (areSeeds(address))
    throw new TypeError(`redis: ${shownAddress(address)} are nodes of a Cluster, and this needs one server`)
  return watched(new Redis({ ...address, ...optionsFor(address), connectionName }))
}

/** A client that the user's function has made, with Lull's options. */
function adopted(client: Redis, connectionName: string): Redis {
  const { lazyConnect: _, ...settable } = optionsFor(client.options)
  Object.assign(client.options, settable, { connectionName })
  // One that is not connected yet names itself when it is. A subscriber of ioredis 5 could not be named later.
  if (client.status === 'ready') client.client('SETNAME', connectionName).catch(() => {})
  client.on('close', () => endSocketTimeout(client))
  return watched(client)
}

/** ioredis 6 does it. In 5 the timer of a lost connection would end the next one, or keep a process from ending. */
function endSocketTimeout(client: Redis): void {
  clearTimeout(Reflect.get(client, 'socketTimeoutTimer'))
  Reflect.set(client, 'socketTimeoutTimer', undefined)
}

function watched(client: Redis): Redis {
  if (client.options.sentinels) leaveReplacedPrimary(client)
  return client
}

function optionsFor({ sentinels, Connector }: RedisOptions): typeof OPTIONS {
  if (sentinels) return { ...OPTIONS, ...SENTINEL_OPTIONS }
  // It chooses among the nodes of a Cluster: see owner-connector.ts.
  return Connector ? { ...OPTIONS, ...REPLACEABLE_OPTIONS } : OPTIONS
}

/**
 * A source of one server for each node that the source names. A Cluster has a source of its own because ioredis's
 * `Cluster` follows `ASK` and repeats commands after a lost connection: either would lose messages.
 * @throws as `createClient`
 */
export function seedsOf(source: RedisSource): Exclude<PlainSource, ClusterSeeds>[] {
  const address = plainSource(source)
  if (typeof address === 'function' || !areSeeds(address)) return [address]
  return address.nodes.map(node => ({ ...address.options, ...node }))
}

/**
 * The options of a client of a Cluster's node without its address: those of a client of any node.
 * @throws one line for a client that cannot be given another address
 */
export function clusterSettings(client: Redis): RedisOptions {
  const { host: _, port: __, path, db = 0, ...settings } = client.options
  const address = addressOf(client)
  if (path) throw new Error(`Redis at ${address} is a Cluster node: give its host and port, not a socket's path`)
  if (db !== 0)
    throw new Error(`Redis at ${address} is a Cluster node, which has database 0 only: the address names ${db}`)
  return settings
}

/**
 * Resolves when the client is ready. Rejects with the first error that says why it is not. A client that was given up
 * after an earlier attempt connects anew.
 */
export async function connect(client: Redis): Promise<void> {
  if (client.status === 'ready') return
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => settle(new Error('Command timed out')), CONNECT_TIMEOUT_MS * 2)
    const settle = (error?: Error) => {
      clearTimeout(timer)
      client.off('ready', onReady)
      client.off('error', settle)
      client.off('end', onEnd)
      if (error) reject(error)
      else resolve()
    }
    const onReady = () => settle()
    const onEnd = () => settle(new Error('Connection is closed.'))
    client.on('ready', onReady)
    client.on('error', settle)
    client.on('end', onEnd)
    if (client.status === 'wait' || client.status === 'end') client.connect().catch(settle)
  })
}

/** The server that a client connects to, without credentials. For Sentinel: the service, and its primary. */
export function addressOf({ options, stream }: Redis): string {
  const { remoteAddress: host, remotePort: port } = stream ?? {}
  return shownAddress(options, host && port ? hostAndPort({ host, port }) : undefined)
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
