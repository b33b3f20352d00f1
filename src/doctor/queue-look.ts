/** What doctor reads of the queue, shard by shard: each may be on another node of a Cluster. */
import type { Redis } from 'ioredis'
import type { QueueLocation } from '../handover/bullmq-connection.js'
import { addressOf, connect, createClient, disconnect } from '../store/redis/connection.js'
import { factsOf } from '../store/redis/server.js'

/** How many jobs wait, in all shards together. @throws the client's error */
export async function waitingJobs(shards: readonly QueueLocation[], connectionName: string): Promise<number> {
  const counts = await Promise.all(
    shards.map(shard => onShard(shard, connectionName, client => client.llen(`${shard.prefix}:${shard.name}:wait`))),
  )
  return counts.reduce((sum, count) => sum + count, 0)
}

/** The eviction policy of each server that has a shard, by its address; `undefined`: it does not say. */
export async function policiesOf(
  shards: readonly QueueLocation[],
  connectionName: string,
): Promise<Map<string, string | undefined>> {
  const policies = await Promise.all(
    shards.map(shard =>
      onShard(shard, connectionName, async client => {
        const facts = factsOf(await client.info('memory'))
        return [addressOf(client), facts.get('maxmemory_policy')] as const
      }),
    ),
  )
  return new Map(policies)
}

async function onShard<Result>(
  { redis }: QueueLocation,
  connectionName: string,
  work: (client: Redis) => Promise<Result>,
): Promise<Result> {
  const client = createClient(redis, connectionName)
  // Each command rejects by itself.
  client.on('error', () => {})
  try {
    await connect(client)
    return await work(client)
  } finally {
    await disconnect(client)
  }
}
