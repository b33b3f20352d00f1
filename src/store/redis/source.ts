/**
 * What users give as `redis`, in the one form that the rest of Lull reads: the options of one server, the seeds of a
 * Cluster, or a function that makes a client. No other file asks what was given.
 *
 * A client of the user's own only shows where to connect to, and as whom: Lull reads its options and makes connections
 * of its own. So it never becomes a subscriber, gets none of Lull's timeouts, and stays open when Lull closes. What a
 * function makes is Lull's, and closed by Lull.
 */
import type { Redis, RedisOptions } from 'ioredis'
import { areSeeds, type ClusterSeeds, maskedAddress, type RedisAddress, redisAddress } from './address.js'

/**
 * A client of ioredis, of version 5 or 6: what Lull needs to know it by. The classes of the two versions are not
 * compatible to TypeScript.
 */
export interface RedisClient {
  /** The options that it was made with. */
  readonly options: object
  /** `wait`, `connecting`, `connect`, `ready`, `reconnecting`, `close` or `end`. */
  readonly status: string
  /** `normal`, `subscriber` or `monitor`. */
  readonly mode: string
  /** Ends the connection, without a QUIT. */
  disconnect(reconnect?: boolean): void
}

/** A `Cluster` of ioredis, of version 5 or 6: what Lull needs to know it by. */
export interface RedisClusterClient {
  /** The options that it was made with. */
  readonly options: object
  /** The clients of its nodes. */
  nodes(): unknown[]
  /** Ends the connections to all nodes. */
  disconnect(reconnect?: boolean): void
}

/**
 * Where Redis is. One of:
 *
 *   - a URL or the path of a socket: every form is in docs/redis.md
 *   - ioredis options
 *   - `{ nodes: [{ host, port }, …], options }`: some nodes of a Cluster
 *   - a client of ioredis 5 or 6, or a `Cluster` of it. Lull reads where it connects to, and as whom, and makes
 *     connections of its own; it neither uses nor closes the client. The client's `keyPrefix`, timeouts and retries are
 *     not used
 *   - a function that returns a new client of ioredis 5 or 6 each time it is called: once for each connection that Lull
 *     needs. Lull gives it the timeouts that its guarantees need, and closes it
 */
export type RedisSource = string | RedisAddress | RedisClient | RedisClusterClient | (() => RedisClient)

/** A source as the rest of Lull reads it. */
export type PlainSource = RedisOptions | ClusterSeeds | (() => RedisClient)

const FORMS =
  'give a URL, ioredis options, a client of ioredis, { nodes: [{ host, port }, …], options } of a Cluster, or a function that makes a client'

/** Where a client connects to, and as whom. Its other options are about its owner's commands. */
const WHERE = [
  'host',
  'port',
  'path',
  'family',
  'db',
  'username',
  'password',
  'tls',
  'keepAlive',
  'noDelay',
  'protocol',
  'disableClientInfo',
  'clientInfoTag',
  'sentinels',
  'name',
  'sentinelUsername',
  'sentinelPassword',
  'sentinelTLS',
  'enableTLSForSentinelMode',
  'updateSentinels',
  'natMap',
] as const satisfies readonly (keyof RedisOptions)[]

/** @throws {RangeError | TypeError} one line with the remedy, if the source cannot be used */
export function plainSource(source: RedisSource): PlainSource {
  if (source === undefined || source === null) throw new TypeError(`redis is missing: ${FORMS}`)
  if (typeof source === 'string') return parsed(source)
  if (typeof source === 'function') return source
  if (typeof source !== 'object') throw new TypeError(`redis=${String(source)}: ${FORMS}`)
  if (isCluster(source)) return seedsOfCluster(source)
  if (isClient(source)) {
    if (fieldsOf(source.options)['Connector'])
      throw new TypeError('redis: the client has a Connector of its own: give a function that makes such a client')
    return whereOf(source.options)
  }
  if (isOther(source)) throw new TypeError(`redis: it is no client of ioredis: ${FORMS}`)
  if (!areSeeds(source)) refuseKeyPrefix(source)
  return source
}

/**
 * The client that a user's function makes.
 * @throws {TypeError} one line with the remedy, if it is no client of one server. It is closed then
 */
export function madeBy(make: () => RedisClient): Redis {
  const made: unknown = make()
  try {
    if (isCluster(made))
      throw new TypeError(
        'redis: the function makes a Cluster, which repeats commands: give the Cluster itself, or redis: { nodes: [{ host, port }, …], options }',
      )
    if (made instanceof Promise)
      throw new TypeError('redis: the function returns a promise: return the client at once, it connects by itself')
    if (!isRedis(made)) throw new TypeError('redis: the function returns no client of ioredis: return new Redis(…)')
    refuseKeyPrefix(made.options)
    return made
  } catch (error) {
    if (isCluster(made) || isClient(made)) made.disconnect()
    throw error
  }
}

/** Whether it is an object of options or seeds. */
export const isPlain = (source: RedisSource): source is RedisAddress =>
  typeof source === 'object' && source !== null && !isCluster(source) && !isClient(source) && !isOther(source)

/** By its shape: it may be of another version of ioredis. */
const isClient = (value: unknown): value is RedisClient =>
  hasMethods(value, ['duplicate', 'disconnect']) && 'status' in value

/** Lull calls only what the versions have in common. */
const isRedis = (value: unknown): value is Redis => isClient(value)

const isCluster = (value: unknown): value is RedisClusterClient =>
  hasMethods(value, ['duplicate', 'disconnect', 'nodes']) && 'isCluster' in value && value.isCluster === true

/** A client of another library, or a `URL`: its fields would be taken for options, of which none is set. */
const isOther = (value: object): boolean =>
  hasMethods(value, ['connect']) || hasMethods(value, ['sendCommand']) || 'href' in value

function hasMethods(value: unknown, names: readonly string[]): value is object {
  if (typeof value !== 'object' || value === null) return false
  return names.every(name => typeof Reflect.get(value, name) === 'function')
}

/** The seeds by which a user's `Cluster` found its nodes. @throws {TypeError} for what Lull cannot follow */
function seedsOfCluster(cluster: RedisClusterClient): ClusterSeeds {
  const { redisOptions, natMap, useSRVRecords } = fieldsOf(cluster.options)
  if (natMap || useSRVRecords)
    throw new TypeError(
      `redis: Lull connects to the addresses that a Cluster's nodes announce, without ${natMap ? 'natMap' : 'useSRVRecords'}: let them announce addresses that can be reached, and give redis: { nodes: [{ host, port }, …], options }`,
    )
  const { startupNodes } = fieldsOf(cluster)
  const nodes = Array.isArray(startupNodes) ? startupNodes.map(nodeFrom) : []
  if (nodes.length === 0)
    throw new TypeError('redis: the Cluster names no node: give redis: { nodes: [{ host, port }, …], options }')
  const { host: _, port: __, db: ___, ...options } = { ...nodes[0], ...whereOf(redisOptions) }
  return { nodes: nodes.map(({ host = '127.0.0.1', port = 6379 }) => ({ host, port: Number(port) })), options }
}

/** A node as ioredis takes it: a port, an address, or options. */
function nodeFrom(node: unknown): RedisOptions {
  if (typeof node === 'number') return { port: node }
  if (typeof node !== 'string') return whereOf(node)
  const address = parsed(node.includes('://') ? node : `redis://${node}`)
  return areSeeds(address) ? {} : address
}

function whereOf(options: unknown): RedisOptions {
  const fields = fieldsOf(options)
  const where: RedisOptions = {}
  for (const name of WHERE)
    if (fields[name] !== undefined && fields[name] !== null) Object.assign(where, { [name]: fields[name] })
  // ioredis adds the Sentinels that it finds to the list.
  if (where.sentinels) where.sentinels = [...where.sentinels]
  return where
}

const fieldsOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? { ...value } : {}

/** ioredis would put it before the names of keys and channels, but not before those in scripts. */
function refuseKeyPrefix({ keyPrefix }: RedisOptions): void {
  if (keyPrefix)
    throw new TypeError(`redis: keyPrefix=${keyPrefix}: leave it out, and give Lull's own option prefix instead`)
}

/** @throws {RangeError} one line, without credentials */
function parsed(address: string): RedisAddress {
  try {
    return redisAddress(address)
  } catch (error) {
    throw new RangeError(`redis=${maskedAddress(address)}: ${error instanceof Error ? error.message : String(error)}`)
  }
}
