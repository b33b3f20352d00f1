/** How many jobs wait in the queue. */
import type { QueueLocation } from '../handover/bullmq-connection.js'
import { connect, createClient, disconnect } from '../store/redis/connection.js'

/** @param shards all queues that share the partitions @throws the client's error */
export async function waitingJobs(shards: readonly QueueLocation[], connectionName: string): Promise<number> {
  const counts = await Promise.all(shards.map(shard => waitingIn(shard, connectionName)))
  return counts.reduce((sum, count) => sum + count, 0)
}

async function waitingIn({ redis, prefix, name }: QueueLocation, connectionName: string): Promise<number> {
  const client = createClient(redis, connectionName)
  // Each command rejects by itself.
  client.on('error', () => {})
  try {
    await connect(client)
    return await client.llen(`${prefix}:${name}:wait`)
  } finally {
    await disconnect(client)
  }
}
