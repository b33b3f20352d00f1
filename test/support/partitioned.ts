/** A store of four partitions for the contract of a store, on one Redis or on a Cluster. */
import { Redis } from 'ioredis'
import { type RuleOptions, rulesFrom } from '../../src/rules.js'
import { partitionOfConversation } from '../../src/store/partitioned/layout.js'
import { PartitionedStore } from '../../src/store/partitioned/store.js'
import { uniquePrefix } from './redis.js'
import { redisSnapshot } from './store-contract/redis-snapshot.js'

const PARTITIONS = 4
/** How often a test that waits asks Redis for its time. */
const LOOK_EVERY_MS = 5

export async function partitionedStore(url: string, rules: RuleOptions = {}) {
  const store = new PartitionedStore({
    redis: url,
    prefix: uniquePrefix(),
    rules: rulesFrom(rules),
    partitions: PARTITIONS,
    role: 'test',
  })
  await store.open()
  const clock = new Redis(url)
  const now = async () => {
    const [seconds = 0, microseconds = 0] = (await clock.time()).map(Number)
    return seconds * 1000 + Math.floor(microseconds / 1000)
  }
  /** The snapshots of all partitions as one. */
  const snapshot = async (conversationIds: string[]) => {
    const parts = await Promise.all(
      store.all.map((part, partition) => {
        const own = conversationIds.filter(id => partitionOfConversation(id, PARTITIONS) === partition)
        return redisSnapshot(part.redis, part.keys, own)
      }),
    )
    const conversations = new Map(parts.flatMap(part => part.conversations.map(one => [one.conversationId, one])))
    return {
      conversations: conversationIds.flatMap(id => conversations.get(id) ?? []),
      claimed: parts.flatMap(({ claimed }) => claimed),
      answering: parts.flatMap(({ answering }) => answering),
      dead: parts.flatMap(({ dead }) => dead),
    }
  }
  return {
    store,
    snapshot,
    pass: async (ms: number) => {
      const endMs = (await now()) + ms
      while ((await now()) < endMs) await new Promise(resolve => setTimeout(resolve, LOOK_EVERY_MS))
    },
    close: async () => {
      await store.close()
      await clock.quit()
    },
  }
}
