/** BullMQ's worker for one queue: the whole, or a shard of it. */
import type { Job, RedisQueueBackend, Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import { type Bullmq, backendOn, openConnection, type QueueLocation } from '../handover/bullmq-connection.js'
import type { Logger } from '../logger.js'
import { Outage } from '../outage.js'
import { addressOf } from '../store/redis/connection.js'
import type { JobResult } from './job-end.js'

/** BullMQ fails a job that stalls more often. With its default of one, two deploys during one job fail it. */
const MOST_STALLS = 10

export type ShardWorker = Worker<unknown, JobResult, string, RedisQueueBackend>

export interface ShardConnections {
  location: QueueLocation
  /** The second one is for calls that block. */
  clients: [Redis, Redis]
}

/**
 * Opens a shard's connections. Their outage is logged once.
 * @throws one line that names the Redis and the remedy; nothing is left open then
 */
export async function connectShard(location: QueueLocation, name: string, log: Logger): Promise<ShardConnections> {
  let outage: Outage | undefined
  const onError = (error: Error) => outage?.began(error)
  const client = await openConnection(location.redis, name, { patient: true, onError })
  const blocking = await openConnection(location.redis, name, { patient: true, onError }).catch(error => {
    client.disconnect()
    throw error
  })
  const clients: [Redis, Redis] = [client, blocking]
  outage = new Outage(log, () => `Redis of queue ${location.shown} at ${addressOf(client)}`)
  for (const one of clients)
    one.on('ready', () => {
      if (clients.every(({ status }) => status === 'ready')) outage?.ended()
    })
  return { location, clients }
}

export function shardWorker(
  bullmq: Bullmq,
  { location, clients: [client, blocking] }: ShardConnections,
  { name, concurrency, lockMs }: { name: string; concurrency: number; lockMs: number },
  process: (job: Job, token?: string) => Promise<JobResult>,
): ShardWorker {
  return new bullmq.Worker<unknown, JobResult, string, RedisQueueBackend>(
    location.name,
    process,
    {
      connection: client,
      prefix: location.prefix,
      name,
      concurrency,
      lockDuration: lockMs,
      // A job whose worker died is found within two of these. As long as a lock: BullMQ's defaults are alike too.
      stalledInterval: lockMs,
      maxStalledCount: MOST_STALLS,
    },
    backendOn(bullmq, client, blocking),
  )
}
