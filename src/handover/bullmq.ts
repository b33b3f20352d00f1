/**
 * The handover to a BullMQ queue: a job named `batch`, whose id is the batch's and whose data is the batch. BullMQ
 * drops a job whose id it has already, which makes a repeated handover harmless. So finished jobs are kept by age only:
 * a limit on their number would remove recent ids under load. Without `jobTexts: 'keep'` their data is erased: see
 * answered-texts.ts.
 *
 * If the queue's Redis is unavailable (down, read-only, out of memory, loading), the attempt is not counted.
 */
import type { BulkJobOptions } from 'bullmq'
import { allOrFirstError } from '../all-or-first-error.js'
import { type NamesOf, refuseUnknown } from '../config/known-options.js'
import type { RedisSource } from '../store/redis/source.js'
import { checkSource } from '../store/redis/source-options.js'
import type {
  AnswerState,
  Handover,
  HandoverContext,
  HandoverEvents,
  HandoverItem,
  HandoverOutcome,
  TracedHandover,
} from './handover.js'
import { QueueShard, type ShardOptions } from './queue-shard.js'
import { DEFAULT_PREFIX, MOST_SHARDS, queueShards, shardOf } from './queue-shards.js'

/** The queue of a `bullmq()` handover. All of them are optional. */
export interface BullmqOptions {
  /**
   * The queue's name: without a colon, and not empty.
   * @defaultValue 'messages'
   */
  queue?: string
  /**
   * BullMQ's prefix of keys. On a Cluster one of your own needs braces, which keep the queue on one node.
   * @defaultValue 'bull', and '{bull}' on a Cluster
   */
  prefix?: string
  /**
   * How many queues share the partitions of the store: a whole number from 1 to 1024. With more than 1, partition p is
   * handed over to the queue of the same name under the prefix `{bull/<p mod shards>}`, so that a Cluster's nodes share
   * the work. All processes give the same number.
   * @defaultValue 1
   */
  shards?: number
  /**
   * The queue's Redis, in any form that a `Batcher` takes.
   * @defaultValue the processor's own
   */
  redis?: RedisSource
  /**
   * How often a job is tried, with exponential backoff: a whole number, 1 or more.
   * @defaultValue 3
   */
  answerAttempts?: number
  /**
   * How long finished jobs are kept, by age only, in milliseconds: an hour or more. Their ids are what makes a repeated
   * handover harmless.
   * @defaultValue 86400000 (1 d)
   */
  jobRetentionMs?: number
  /**
   * What becomes of the data of a job that is completed, which is what a person wrote: `'erase'` leaves the number of
   * messages, `'keep'` leaves all of it. A failed job keeps its data.
   * @defaultValue 'erase'
   */
  jobTexts?: 'erase' | 'keep'
}

const BATCHES_PER_CALL = 100
const CALLS_AT_ONCE = 4
const FIRST_BACKOFF_MS = 1000
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

const OPTIONS: NamesOf<BullmqOptions> = {
  queue: true,
  prefix: true,
  shards: true,
  redis: true,
  answerAttempts: true,
  jobRetentionMs: true,
  jobTexts: true,
}

/**
 * A handover to a BullMQ queue: each batch becomes a job named `batch`, whose id is the batch's and whose data is the
 * batch. It is answered when the job has completed, has failed for good, or was removed. Needs the package `bullmq`, of
 * version 6; workers may have 4, 5 or 6.
 * @throws {TypeError} for an unknown option
 * @throws {RangeError} for an option out of its bounds
 */
export function bullmq(options: BullmqOptions = {}): Handover {
  refuseUnknown('bullmq()', options, Object.keys(OPTIONS))
  checkSource(options.redis)
  return new BullmqHandover(options)
}

function tooManyShards(shards: number, partitions: number): string {
  const store = partitions === 1 ? 'a store without partitions' : `${partitions} partitions`
  return (
    `LULL_QUEUE_SHARDS=${shards} (shards) for ${store}: batches go to only ${partitions} of the ${shards} queues; ` +
    `set LULL_PARTITIONS (partitions) to ${shards} or more, or fewer shards`
  )
}

class BullmqHandover implements Handover {
  readonly kind = 'bullmq'
  readonly batchesPerCall = BATCHES_PER_CALL
  readonly concurrency = CALLS_AT_ONCE
  readonly traced: TracedHandover
  private readonly name: string
  private readonly prefix: string
  private readonly shards: number
  private readonly redis: RedisSource | undefined
  private readonly shardOptions: ShardOptions
  private open: QueueShard[] | undefined
  private starting: Promise<void> | undefined

  constructor({
    queue = 'messages',
    prefix = DEFAULT_PREFIX,
    shards = 1,
    redis,
    answerAttempts = 3,
    jobRetentionMs = DAY_MS,
    jobTexts = 'erase',
  }: BullmqOptions) {
    if (queue === '' || queue.includes(':'))
      throw new RangeError(`queue=${queue}: it may contain no colon, and not be empty`)
    if (!Number.isInteger(shards) || shards < 1 || shards > MOST_SHARDS)
      throw new RangeError(`shards=${shards}: it must be a whole number from 1 to ${MOST_SHARDS}`)
    if (!Number.isInteger(answerAttempts) || answerAttempts < 1)
      throw new RangeError(`answerAttempts=${answerAttempts}: it must be a whole number, 1 or more`)
    if (!(jobRetentionMs >= HOUR_MS))
      throw new RangeError(`jobRetentionMs=${jobRetentionMs}: it must be ${HOUR_MS} (an hour) or more`)
    if (jobTexts !== 'erase' && jobTexts !== 'keep')
      throw new RangeError(`jobTexts=${jobTexts}: it must be 'erase' or 'keep'`)
    this.name = queue
    this.traced = { system: 'bullmq', destination: queue }
    this.prefix = prefix
    this.shards = shards
    this.redis = redis
    const keep = { age: Math.ceil(jobRetentionMs / 1000) }
    const job: BulkJobOptions = {
      attempts: answerAttempts,
      backoff: { type: 'exponential', delay: FIRST_BACKOFF_MS },
      removeOnComplete: keep,
      removeOnFail: keep,
    }
    this.shardOptions = { job, keepTexts: jobTexts === 'keep' }
  }

  /** @param context its `redis` is used if the options name none */
  start(context: HandoverContext, events: HandoverEvents): Promise<void> {
    this.starting ??= this.connect(context, events).catch(error => {
      this.starting = undefined
      throw error
    })
    return this.starting
  }

  async handOver(items: HandoverItem[]): Promise<HandoverOutcome[]> {
    return this.byShard(
      items,
      ({ batch }) => batch.batchId,
      (shard, some) => shard.handOver(some),
    )
  }

  /** Rejects if no shard answers. The states of one that does not answer are `undefined`. */
  async states(batchIds: string[]): Promise<(AnswerState | undefined)[]> {
    let failures = 0
    let failure: unknown
    let asked = 0
    const states = await this.byShard(batchIds, identity, async (shard, some) => {
      asked++
      try {
        return await shard.states(some)
      } catch (error) {
        failures++
        failure = error
        return some.map(() => undefined)
      }
    })
    if (failures > 0 && failures === asked) throw failure
    return states
  }

  /** A job that a worker has taken, or that has ended, is left as it is. */
  async withdraw(batchIds: string[]): Promise<string[]> {
    const removed = await this.byShard(batchIds, identity, async (shard, some) => {
      const gone = new Set(await shard.withdraw(some))
      return some.map(batchId => gone.has(batchId))
    })
    return batchIds.filter((_, i) => removed[i])
  }

  async repeat(batchIds: string[]): Promise<void> {
    await this.byShard(batchIds, identity, async (shard, some) => {
      await shard.repeat(some)
      return some
    })
  }

  async stop(): Promise<void> {
    // A start that fails has closed its connections itself.
    await this.starting?.catch(() => {})
    const { open = [] } = this
    this.open = undefined
    this.starting = undefined
    await Promise.all(open.map(shard => shard.stop()))
  }

  private async connect(context: HandoverContext, events: HandoverEvents): Promise<void> {
    const redis = this.redis ?? context.redis
    if (redis === undefined)
      throw new TypeError('bullmq(): redis is missing: give a Redis URL, ioredis options or a client')
    const { name, prefix, shards } = this
    const locations = await queueShards({ redis, name, prefix, shards }, context.connectionName)
    const open = locations.map(location => new QueueShard(location, this.shardOptions))
    try {
      await allOrFirstError(open.map(shard => shard.start(context, events)))
    } catch (error) {
      await Promise.all(open.map(shard => shard.stop()))
      throw error
    }
    this.open = open
    const { log, partitions = shards } = context
    if (partitions < shards) log.warn({ shards, partitions }, tooManyShards(shards, partitions))
  }

  /** Calls `work` once for each shard that has some of the items. One result an item, in order. */
  private async byShard<Item, Result>(
    items: Item[],
    idOf: (item: Item) => string,
    work: (shard: QueueShard, items: Item[]) => Promise<Result[]>,
  ): Promise<Result[]> {
    const { open } = this
    if (!open) throw new Error(`the handover to queue ${this.name} is not running: start() it first`)
    const [first, ...others] = open
    if (first && others.length === 0) return work(first, items)
    const parts = new Map<QueueShard, [at: number, item: Item][]>()
    items.forEach((item, at) => {
      const shard = open[shardOf(idOf(item), open.length)]
      if (shard) parts.set(shard, [...(parts.get(shard) ?? []), [at, item]])
    })
    const results = await Promise.all(
      [...parts].map(async ([shard, part]) => {
        const some = await work(
          shard,
          part.map(([, item]) => item),
        )
        return some.map((result, i) => ({ at: part[i]?.[0] ?? 0, result }))
      }),
    )
    return results
      .flat()
      .toSorted((a, b) => a.at - b.at)
      .map(({ result }) => result)
  }
}

const identity = (batchId: string) => batchId
