/** The two stores of a pair, and what a test does to them without their calls. */
import type { Redis } from 'ioredis'
import type { Rules } from '../../../src/rules.js'
import { newBatchId } from '../../../src/store/batch-id.js'
import type { Snapshot } from '../../../src/store/memory/conversations.js'
import { MemoryStore } from '../../../src/store/memory/store.js'
import { homePrefix, partitionOfConversation, partitionPrefixes } from '../../../src/store/partitioned/layout.js'
import { PartitionedStore } from '../../../src/store/partitioned/store.js'
import { RedisStore } from '../../../src/store/redis/store.js'
import type { Store } from '../../../src/store/store.js'
import { Clock, clocked } from '../clocked-redis.js'
import { uniquePrefix } from '../redis.js'
import { redisSnapshot } from '../store-contract/redis-snapshot.js'
import { partitionedModel } from './partitioned-model.js'

/** What the memory store calls itself, in the history. */
const NAME = 'memory'

export interface SidesOptions {
  url: string
  /** Reads keys without the store. */
  redis: Redis
  rules: Rules
  /** Absent: a `RedisStore` and a `MemoryStore`. */
  partitions?: number | undefined
  /** The number that the id of a new batch is made of: the same for both stores. */
  idNumber: () => number
}

export class Sides {
  readonly clock: Clock
  readonly onRedis: Store
  readonly inMemory: Store
  private readonly memories: MemoryStore[]
  /** Known when the store is open. */
  private readonly redisParts: () => readonly RedisStore[]

  constructor(private readonly options: SidesOptions) {
    const { url, redis, rules, partitions, idNumber } = options
    const prefix = uniquePrefix()
    const common = { redis: clocked(url), prefix, rules, name: NAME }
    const now = () => this.clock.nowMs
    if (partitions === undefined) {
      this.clock = new Clock(redis, prefix)
      const ids = () => `batch-${idNumber()}`
      const store = new RedisStore({ ...common, newBatchId: ids })
      const memory = new MemoryStore({ ...rules, now, newBatchId: ids })
      this.onRedis = store
      this.redisParts = () => [store]
      this.inMemory = memory
      this.memories = [memory]
    } else {
      this.clock = new Clock(redis, [homePrefix(prefix), ...partitionPrefixes(prefix, partitions)])
      const ids = (partition?: number) => idOf(idNumber(), partition)
      const store = new PartitionedStore({ ...common, partitions, role: NAME, newBatchId: ids })
      const model = partitionedModel({ ...rules, now, partitions, newBatchId: ids })
      this.onRedis = store
      this.redisParts = () => store.all
      this.inMemory = model.store
      this.memories = model.parts
    }
  }

  get partitions(): number {
    return this.memories.length
  }

  partitionOf(conversationId: string): number {
    return partitionOfConversation(conversationId, this.partitions)
  }

  async loseHeader(conversationId: string): Promise<void> {
    const partition = this.partitionOf(conversationId)
    this.memories[partition]?.loseHeader(conversationId)
    const keys = this.redisParts()[partition]?.keys
    if (keys) await this.options.redis.del(keys.header(conversationId))
  }

  /** What the memory side has recorded last, `limit` steps of each partition. */
  async steps(limit: number) {
    const all = await Promise.all(this.memories.map(memory => memory.history({ limit })))
    return all.flatMap((steps, partition) => steps.map(({ id, ...step }) => ({ ...step, id: `${partition} ${id}` })))
  }

  inMemoryNow(): Snapshot {
    return joined(this.memories.map(memory => memory.snapshot()))
  }

  async onRedisNow(conversationIds: string[]): Promise<Snapshot> {
    const { redis } = this.options
    const parts = this.redisParts().map(({ keys }, partition) => {
      const own = conversationIds.filter(id => this.partitionOf(id) === partition)
      return redisSnapshot(redis, keys, own)
    })
    return joined(await Promise.all(parts))
  }

  async close(): Promise<void> {
    await Promise.all([this.inMemory.close(), this.onRedis.close()])
  }
}

const joined = (parts: Snapshot[]): Snapshot => ({
  conversations: parts.flatMap(({ conversations }) => conversations),
  claimed: parts.flatMap(({ claimed }) => claimed),
  answering: parts.flatMap(({ answering }) => answering),
  dead: parts.flatMap(({ dead }) => dead),
})

/** An id of the partition, with this number where others are random. */
function idOf(number: number, partition?: number): string {
  const random = newBatchId(partition)
  const digits = String(number)
  return random.slice(0, 3) + digits.padStart(random.length - 3, '0')
}
