/**
 * Names the key that stopped a script: one that Lull needs, and that holds another type than Lull's.
 */
import type { Redis } from 'ioredis'
import type { Keys } from './keys.js'
import { ForeignKey } from './store.js'

/**
 * The error to throw for a WRONGTYPE.
 * @param conversationId the conversation it was about, where it was about one
 */
export async function foreignKey(client: Redis, keys: Keys, conversationId: string | undefined): Promise<ForeignKey> {
  for (const [key, type] of expectedTypes(keys, conversationId)) {
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

function expectedTypes(keys: Keys, conversationId: string | undefined): [key: string, type: string][] {
  const common: [string, string][] = [
    [keys.due, 'zset'],
    [keys.claimed, 'zset'],
    [keys.answering, 'zset'],
    [keys.history, 'stream'],
    [keys.dead, 'hash'],
  ]
  if (conversationId === undefined) return common
  return [
    [keys.header(conversationId), 'hash'],
    [keys.messages(conversationId), 'list'],
    [keys.seen(conversationId), 'zset'],
    [keys.hold(conversationId), 'string'],
    [keys.quiet(conversationId), 'string'],
    ...common,
  ]
}
