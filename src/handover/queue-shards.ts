/**
 * Where the queue is. A BullMQ queue lives on one node of a Cluster, since all its keys have one hash tag. To spread the
 * work over the nodes, the partitions of the store share several queues of the same name, the shards:
 *
 *   shards   one Redis        Cluster          partition p is in
 *   1        bull             {bull}           the one
 *   K        {bull/0} …       {bull/0} …       {bull/<p mod K>}
 */
import { allOrFirstError } from '../all-or-first-error.js'
import { partitionOf } from '../store/batch-id.js'
import { ownerSources } from '../store/redis/owner-source.js'
import type { RedisSource } from '../store/redis/source.js'
import { type OpenOptions, type OpenQueue, openQueue, type QueueLocation } from './bullmq-connection.js'

export const DEFAULT_PREFIX = 'bull'
/** As many as there can be partitions. */
export const MOST_SHARDS = 1024

export interface ShardedQueue {
  redis: RedisSource
  name: string
  prefix: string
  shards: number
}

/**
 * The shards of a queue, by number. Asks the Redis whether it is a Cluster.
 * @throws one line that names the Redis or the prefix, and the remedy
 */
export async function queueShards(queue: ShardedQueue, connectionName: string): Promise<QueueLocation[]> {
  const { redis, name, shards } = queue
  const sources = await ownerSources(redis, connectionName)
  return shardPrefixes(queue, sources.isCluster).map(prefix => ({
    redis: sources.of(`${prefix}:${name}`),
    name,
    prefix,
    shown: shards === 1 ? name : `${name} (${prefix})`,
  }))
}

/** @throws {RangeError} for a prefix that a Cluster cannot have */
export function shardPrefixes({ name, prefix, shards }: Omit<ShardedQueue, 'redis'>, isCluster: boolean): string[] {
  if (shards > 1) return Array.from({ length: shards }, (_, shard) => tagged(prefix, shard))
  if (!isCluster || TAG.test(`${prefix}:${name}`)) return [prefix]
  if (prefix === DEFAULT_PREFIX) return [`{${prefix}}`]
  throw new RangeError(
    `LULL_QUEUE_PREFIX=${prefix}: a Cluster keeps a queue on one node by the braces in its prefix: set it to {${prefix}}, here and in the workers`,
  )
}

/** The shard of a batch. */
export const shardOf = (batchId: string, shards: number): number => partitionOf(batchId) % shards

/** As Redis finds the hash tag of a key: from the first brace to the next closing one, if anything is between. */
const TAG = /^[^{]*\{([^}]+)\}/

function tagged(prefix: string, shard: number): string {
  const end = TAG.exec(prefix)?.[0].length
  return end === undefined ? `{${prefix}/${shard}}` : `${prefix.slice(0, end - 1)}/${shard}${prefix.slice(end - 1)}`
}

export interface OpenQueues {
  /** By the number of the shard. */
  all: OpenQueue[]
  /** The one that a batch is in. */
  of(batchId: string): OpenQueue
  close(): Promise<void>
}

/**
 * Opens all shards of a queue.
 * @throws one line that names the Redis or the prefix, and the remedy; nothing is left open then
 */
export async function openQueues(queue: ShardedQueue, options: OpenOptions): Promise<OpenQueues> {
  const locations = await queueShards(queue, options.connectionName)
  const all: OpenQueue[] = new Array(locations.length)
  const close = async () => {
    // A shard whose opening failed is not there.
    await allOrFirstError(all.map(one => one?.close()))
  }
  try {
    await allOrFirstError(
      locations.map(async (location, shard) => {
        all[shard] = await openQueue(location, options)
      }),
    )
  } catch (error) {
    await close()
    throw error
  }
  const of = (batchId: string) => {
    const open = all[shardOf(batchId, all.length)]
    if (!open) throw new Error(`queue ${queue.name} is closed`)
    return open
  }
  return { all, of, close }
}
