/** A sharded queue of a test: its handover, its workers, and batches of chosen partitions. */
import { expect } from 'chai'
import { composeBatch } from '../../src/batch.js'
import { bullmq } from '../../src/handover/bullmq.js'
import type { Handle } from '../../src/handover/function.js'
import type { HandoverItem } from '../../src/handover/handover.js'
import { type Logger, silent } from '../../src/logger.js'
import { newBatchId } from '../../src/store/batch-id.js'
import type { RedisSource } from '../../src/store/redis/source.js'
import { QueueWorker, type QueueWorkerOptions } from '../../src/worker/worker.js'
import { uniquePrefix } from './redis.js'

export function itemOf(batchId: string): HandoverItem {
  const batch = composeBatch({
    batchId,
    conversationId: 'c1',
    entries: [{ receivedAtMs: 1, message: { messageId: 'm1', type: 'text', text: 'hi' } }],
    firstAtMs: 1,
    lastAtMs: 1,
    dueAtMs: 2,
    releasedAtMs: 3,
    claimedAtMs: 3,
    releasedBy: 'gap',
  })
  return { batch, attempt: 1, signal: new AbortController().signal, commit: async () => ({ again: false }) }
}

/** Ids of batches, one for each of these partitions. */
export const idsIn = (...partitions: number[]) => partitions.map(partition => newBatchId(partition))

/** The same partition many times. */
export const times = (count: number, partition: number) => new Array<number>(count).fill(partition)

export interface ShardedQueueOptions {
  redis: RedisSource
  shards: number
  prefix?: string
  /** Gets what is to be released after the test, in reverse order. */
  releases: (() => Promise<unknown>)[]
  log?: Logger
  /** Of the processor's store. */
  partitions?: number
}

export async function shardedQueue({ redis, shards, prefix, releases, ...context }: ShardedQueueOptions) {
  const queue = uniquePrefix()
  const answers: string[] = []
  let resumed = 0
  const options = { queue, redis, shards, ...(prefix === undefined ? {} : { prefix }) }
  const handover = bullmq(options)
  releases.push(() => handover.stop())
  await handover.start(
    { log: silent, connectionName: 'lull.test.handover', ...context },
    {
      onAnswered: (batchId, outcome) => void answers.push(`${batchId} ${outcome}`),
      onResumed: () => void resumed++,
    },
  )
  const work = async (handle: Handle, more: Partial<QueueWorkerOptions> = {}) => {
    const worker = new QueueWorker({ ...options, handle, name: 'lull.test.worker', ...more })
    releases.push(() => worker.stop({ timeoutMs: 500 }))
    await worker.start()
    return worker
  }
  const handOver = async (ids: string[]) =>
    expect(await handover.handOver(ids.map(itemOf))).to.deep.equal(ids.map(() => ({ result: 'taken' })))
  return { queue, answers, handover, work, handOver, resumed: () => resumed }
}

/** A handler whose calls end when the test says so. */
export function heldHandler() {
  const running = new Map<string, () => void>()
  const begun: string[] = []
  let most = 0
  const handle: Handle = ({ batchId }, { signal }) =>
    new Promise((resolve, reject) => {
      begun.push(batchId)
      const settle = (end: () => void) => () => {
        running.delete(batchId)
        end()
      }
      running.set(
        batchId,
        settle(() => resolve(undefined)),
      )
      signal.addEventListener(
        'abort',
        settle(() => reject(signal.reason)),
      )
      most = Math.max(most, running.size)
    })
  const endOne = (batchId: string) => running.get(batchId)?.()
  return { handle, running, begun, endOne, most: () => most }
}
