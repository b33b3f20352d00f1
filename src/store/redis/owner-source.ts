/**
 * Where a key's node is, for what needs one node: a BullMQ queue, whose keys have one hash tag. Of one Redis it is the
 * source itself. Of a Cluster it is the node that serves the key's slot at the time.
 */
import type { Redis, RedisOptions } from 'ioredis'
import { areSeeds } from './address.js'
import { addressOf, clusterSettings, connect, createClient, disconnect, seedsOf } from './connection.js'
import { redisError } from './errors.js'
import { KnownNodes, ownerConnector } from './owner-connector.js'
import { factsOf, modeOf } from './server.js'
import { slotOf } from './slots.js'
import { plainSource, type RedisSource } from './source.js'

export interface OwnerSources {
  isCluster: boolean
  /** The source for the node of `key`. On one Redis the source that was asked for. */
  of(key: string): RedisSource
}

/**
 * Asks the source once whether it is a Cluster.
 * @param connectionName of the connection that asks
 * @throws one line that names the Redis and the remedy
 */
export async function ownerSources(redis: RedisSource, connectionName: string): Promise<OwnerSources> {
  const seeds = seedsOf(redis)
  let failure: unknown
  for (const seed of seeds) {
    const client = createClient(seed, connectionName)
    // Each call rejects by itself.
    client.on('error', () => {})
    try {
      await connect(client)
      if (modeOf(factsOf(await client.info('server'))) === 'cluster') return onCluster(client, redis)
      return { isCluster: false, of: () => seed }
    } catch (error) {
      failure ??= redisError(error, addressOf(client))
    } finally {
      await disconnect(client)
    }
  }
  throw failure
}

/** @throws one line, if the address is that of a socket or names a database */
function onCluster(client: Redis, redis: RedisSource): OwnerSources {
  const settings = clusterSettings(client)
  const { host = '127.0.0.1', port = 6379 } = client.options
  const source = plainSource(redis)
  const nodes = typeof source === 'object' && areSeeds(source) ? source.nodes : []
  const known = new KnownNodes([{ host, port }, ...nodes], settings)
  return {
    isCluster: true,
    of: (key): RedisOptions => ({ ...settings, host, port, Connector: ownerConnector(slotOf(key), known) }),
  }
}
