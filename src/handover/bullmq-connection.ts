/**
 * BullMQ on Lull's connections. BullMQ is loaded only when it is needed. Lull opens the connections for it, so that
 * `CLIENT LIST` names them as it names all others, and a stop ends them even while BullMQ waits for a reply.
 */
import type { BackendFactory, Queue, RedisQueueBackend } from 'bullmq'
import type { Redis } from 'ioredis'
import { MissingPackage, missingPackage } from '../optional-package.js'
import { addressOf, connect, createClient, disconnect } from '../store/redis/connection.js'
import { redisError } from '../store/redis/errors.js'
import type { RedisSource } from '../store/redis/source.js'

export type Bullmq = typeof import('bullmq')

/** BullMQ's longest blocking call is 10 s. A connection that sends nothing for longer than this is closed. */
const PATIENT_SOCKET_TIMEOUT_MS = 15_000

/** Replies of a Cluster's node that does not serve the queue's slot, or not all of it while it moves. */
const NOT_SERVED = /^(MOVED|ASK|TRYAGAIN|CLUSTERDOWN|UNBLOCKED) /
/** For ioredis: reconnect, and send the command again. */
const SEND_AGAIN = 2

const INSTALL = 'npm install bullmq@6'

/** @throws {MissingPackage} if it is not installed, or too old */
export async function loadBullmq(): Promise<Bullmq> {
  const bullmq = await imported()
  if (!('RedisQueueBackend' in bullmq))
    throw new MissingPackage(
      `the handover to BullMQ needs version 6 of the package bullmq, and an older one is installed: ${INSTALL}. Workers may have any version from 4, in a project of their own`,
    )
  return bullmq
}

async function imported(): Promise<Bullmq> {
  try {
    return await import('bullmq')
  } catch (error) {
    throw missingPackage(error, `the handover to BullMQ needs the package bullmq: ${INSTALL}`)
  }
}

/**
 * Resolves to a connection that is ready.
 * @param patient true: calls wait for the connection, block on the server, and are sent again after a reconnect, as
 * BullMQ
 *   expects. False: an outage fails them at once, like all of Lull's calls
 * @param onError called with later errors; the client reconnects by itself, and emits `ready` then
 * @throws one line that names the Redis and the remedy
 */
export async function openConnection(
  redis: RedisSource,
  name: string,
  { patient, onError }: { patient: boolean; onError: (error: Error) => void },
): Promise<Redis> {
  const client = createClient(redis, name)
  const { reconnectOnError } = client.options
  Object.assign(client.options, {
    // Nothing was done. A patient call is sent again, to the node that serves the queue then.
    reconnectOnError: (error: Error) =>
      NOT_SERVED.test(error.message) ? (patient ? SEND_AGAIN : true) : (reconnectOnError?.(error) ?? false),
    ...(patient && {
      maxRetriesPerRequest: null,
      enableOfflineQueue: true,
      autoResendUnfulfilledCommands: true,
      commandTimeout: undefined,
      socketTimeout: PATIENT_SOCKET_TIMEOUT_MS,
    }),
  })
  // Until it is connected, `connect` rejects with the first error.
  let isConnected = false
  client.on('error', error => {
    if (isConnected) onError(redisError(error, addressOf(client)))
  })
  try {
    await connect(client)
  } catch (error) {
    await disconnect(client)
    throw redisError(error, addressOf(client))
  }
  isConnected = true
  return client
}

/**
 * Ends a connection now, and rejects the calls that wait for it. While a client is reconnecting, ioredis ends it
 * without rejecting those calls, and BullMQ would wait for ever; so it starts one more attempt to connect, and cuts
 * that short.
 */
export function endConnection(client: Redis): void {
  if (client.status === 'reconnecting')
    client.connect().catch(() => {
      // Expected: the attempt is cut short below.
    })
  client.disconnect()
}

/** Makes BullMQ's objects use these connections instead of opening their own. */
export function backendOn(bullmq: Bullmq, client: Redis, blocking?: Redis): BackendFactory<RedisQueueBackend> {
  const { RedisQueueBackend, RedisConnection, QueueKeys } = bullmq
  return (name, options) => {
    const keys = new QueueKeys('prefix' in options ? String(options.prefix) : undefined)
    const backend = new RedisQueueBackend(
      new RedisConnection(client, { blocking: false, skipVersionCheck: true }),
      name,
      keys.getKeys(name),
      type => keys.toKey(name, type),
      options,
      // BullMQ reads the version on this one: without the version it blocks for whole seconds, and retries late.
      blocking && new RedisConnection(blocking, { blocking: true }),
    )
    // Lull has named the connections already.
    backend.setName = async () => {}
    return backend
  }
}

/** One queue: a shard, or the whole. */
export interface QueueLocation {
  redis: RedisSource
  name: string
  prefix: string
  /** Its name in logs: with the prefix, if there are several. */
  shown: string
}

export interface OpenOptions {
  connectionName: string
  /** Called with later errors of the connection, which reconnects by itself. */
  onError(error: Error): void
  /** Called with the queue's other errors, except those that its commands throw. */
  onQueueError?(error: Error): void
}

export interface OpenQueue {
  queue: Queue
  client: Redis
  close(): Promise<void>
}

/**
 * Opens a queue on a connection of its own. During an outage its commands fail at once.
 * @throws one line that names the Redis and the remedy
 */
export async function openQueue(
  { redis, name, prefix }: Omit<QueueLocation, 'shown'>,
  options: OpenOptions,
): Promise<OpenQueue> {
  const { connectionName, onError, onQueueError = onError } = options
  const bullmq = await loadBullmq()
  const client = await openConnection(redis, connectionName, { patient: false, onError })
  // The owner of the queue sets the length of its event stream.
  const queue = new bullmq.Queue(name, { connection: client, prefix, skipMetasUpdate: true }, backendOn(bullmq, client))
  queue.on('error', onQueueError)
  const close = async () => {
    try {
      await queue.close()
    } finally {
      endConnection(client)
    }
  }
  return { queue, client, close }
}
