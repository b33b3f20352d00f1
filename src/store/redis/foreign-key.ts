/** Finds the key that made a script fail: Lull needs it, and it holds another type than Lull's. */
import type { Redis } from 'ioredis'
import { z } from 'zod'
import { ForeignKey } from '../store.js'
import type { Keys } from './keys.js'

/** What a script worked on: a conversation (or two), or a batch, by which its conversation is found. */
export interface About {
  conversationId?: string | undefined
  /** The one that it is merged into. */
  into?: string | undefined
  batchId?: string | undefined
}

/** The error to throw instead of Redis's WRONGTYPE. */
export async function foreignKey(client: Redis, keys: Keys, about: About): Promise<ForeignKey> {
  for await (const [key, type] of expectedTypes(client, keys, about)) {
    const found = await client.type(key)
    if (found !== 'none' && found !== type)
      return new ForeignKey(
        `Redis key ${key} holds a ${found} where Lull keeps a ${type}, an older system's perhaps: ` +
          `RENAME it out of the way, or set LULL_PREFIX (now ${keys.prefix}) to a name of Lull's own`,
      )
  }
  return new ForeignKey(
    `a Redis key under ${keys.prefix} holds another type than Lull's: set LULL_PREFIX to a name of its own`,
  )
}

/** Keys that are read to find a conversation come before the keys of that conversation. */
async function* expectedTypes(
  client: Redis,
  keys: Keys,
  { conversationId, into, batchId }: About,
): AsyncGenerator<[key: string, type: string]> {
  yield [keys.due, 'zset']
  yield [keys.claimed, 'zset']
  yield [keys.answering, 'zset']
  yield [keys.history, 'stream']
  yield [keys.dead, 'hash']
  if (batchId) {
    yield [keys.claimedBatch(batchId), 'hash']
    yield [keys.handedOver(batchId), 'hash']
  }
  const id = conversationId || (!batchId ? undefined : await conversationOf(client, keys, batchId))
  for (const each of [id, into]) if (each !== undefined) yield* typesOf(client, keys, each)
}

async function* typesOf(
  client: Redis,
  keys: Keys,
  conversationId: string,
): AsyncGenerator<[key: string, type: string]> {
  yield [keys.header(conversationId), 'hash']
  yield [keys.messages(conversationId), 'list']
  yield [keys.seen(conversationId), 'zset']
  yield [keys.hold(conversationId), 'string']
  yield [keys.quiet(conversationId), 'string']
  yield [keys.alias(conversationId), 'hash']
  yield [keys.aliases(conversationId), 'set']
  const holder = await client.get(keys.hold(conversationId))
  if (holder === null) return
  yield [keys.claimedBatch(holder), 'hash']
  yield [keys.handedOver(holder), 'hash']
}

const deadBatch = z.object({ conversationId: z.string() })

async function conversationOf(client: Redis, keys: Keys, batchId: string): Promise<string | undefined> {
  for (const key of [keys.claimedBatch(batchId), keys.handedOver(batchId)]) {
    const conversationId = await client.hget(key, 'conversationId')
    if (conversationId !== null) return conversationId
  }
  const dead = await client.hget(keys.dead, batchId)
  return dead === null ? undefined : deadBatch.parse(JSON.parse(dead)).conversationId
}
