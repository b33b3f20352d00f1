/**
 * How Lull and BullMQ meet: BullMQ is loaded only when it is needed, and works on connections that are Lull's own, so
 * that `CLIENT LIST` names them as it names all others, and a stop ends them whatever BullMQ is waiting for.
 */
import type { BackendFactory, Queue, RedisQueueBackend } from 'bullmq'
import type { Redis } from 'ioredis'
import { addressOf, connect, createClient, disconnect, type RedisSource } from '../store/redis/connection.js'
import { redisError } from '../store/redis/errors.js'

export type Bullmq = typeof import('bullmq')

/** BullMQ's longest blocking call is 10 s; a connection that says nothing for longer than this is given up on. */
const PATIENT_SOCKET_TIMEOUT_MS = 15_000

/** @throws one line, if it is not installed */
export async function loadBullmq(): Promise<Bullmq> {
  try {
    return await import('bullmq')
  } catch (error) {
    if (error instanceof Error && 'code' in error && /MODULE_NOT_FOUND$/.test(String(error.code)))
      throw new Error('the handover to BullMQ needs the package bullmq: npm install bullmq', { cause: error })
    throw error
  }
}

/**
 * A connection that stands.
 * @param patient for what BullMQ does on its own: calls wait for the connection, block on the server, and are sent again
 *   after a reconnect, as BullMQ is built for. Else an outage fails them at once, as all of Lull's
 * @param onError what fails later; a connection comes back by itself, which `ready` tells
 * @throws one line that names the Redis and the remedy
 */
export async function openConnection(
  redis: RedisSource,
  name: string,
  { patient, onError }: { patient: boolean; onError: (error: Error) => void },
): Promise<Redis> {
  const client = createClient(redis, name)
  if (patient)
    Object.assign(client.options, {
      maxRetriesPerRequest: null,
      enableOfflineQueue: true,
      autoResendUnfulfilledCommands: true,
      commandTimeout: undefined,
      socketTimeout: PATIENT_SOCKET_TIMEOUT_MS,
    })
  const where = addressOf(client)
  // Before it stands the first error is the one that is thrown; `connect` rejects with it.
  let stands = false
  client.on('error', error => {
    if (stands) onError(redisError(error, where))
  })
  try {
    await connect(client)
  } catch (error) {
    await disconnect(client)
    throw redisError(error, where)
  }
  stands = true
  return client
}

/**
 * Ends a connection now, and with it whatever waits for it. ioredis lets one that is just reconnecting end without a
 * word to its callers, and BullMQ would wait for them for ever; a last attempt to connect, cut short, tells them.
 */
export function endConnection(client: Redis): void {
  if (client.status === 'reconnecting')
    client.connect().catch(() => {
      // It was cut short, as it was meant to be.
    })
  client.disconnect()
}

/** What makes BullMQ's objects work on these connections rather than on some of its own. */
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
      // This one is asked for its version: without it BullMQ would wait in whole seconds, and retry late.
      blocking && new RedisConnection(blocking, { blocking: true }),
    )
    // The connections have their names already.
    backend.setName = async () => {}
    return backend
  }
}

export interface OpenQueue {
  queue: Queue
  client: Redis
  close(): Promise<void>
}

/**
 * A queue on a connection of its own, whose commands fail at once during an outage.
 * @param onError what fails on the connection, later; the connection comes back by itself
 * @param onQueueError errors of the queue beside those that its commands throw
 * @throws one line that names the Redis and the remedy
 */
export async function openQueue(
  { redis, name, prefix }: { redis: RedisSource; name: string; prefix: string },
  options: { connectionName: string; onError: (error: Error) => void; onQueueError?: (error: Error) => void },
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
