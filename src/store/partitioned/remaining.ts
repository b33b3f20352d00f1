/** What still waits or is under way, in all partitions: nothing may when the partitions change. */
import type { RedisStore } from '../redis/store.js'
import { inAll, sumOf } from './merged.js'
import type { PartitionedStore } from './store.js'

export interface Remaining {
  /** Conversations with messages that are not held. */
  open: number
  /** Batches that are handed over or answered now. */
  held: number
  dead: number
  /** Paused conversations that collect, the first ones of each partition. They count as open. */
  collecting: string[]
}

/** Paused conversations that are looked at in one partition. */
const MOST_PAUSED = 100

/** @throws {StoreUnavailable} if one partition cannot be read */
export async function remainingIn(store: PartitionedStore): Promise<Remaining> {
  const parts = await inAll([...store.all], async part => ({
    ...(await part.totals()),
    collecting: await collectingIn(part),
  }))
  return {
    open: sumOf(parts.map(({ open }) => open)),
    held: sumOf(parts.map(({ held }) => held)),
    dead: sumOf(parts.map(({ dead }) => dead)),
    collecting: parts.flatMap(({ collecting }) => collecting),
  }
}

async function collectingIn(store: RedisStore): Promise<string[]> {
  const paused = await store.paused(MOST_PAUSED)
  const waits = await inAll(paused, ({ conversationId }) => store.redis.exists(store.keys.messages(conversationId)))
  return paused.flatMap(({ conversationId }, i) => (waits[i] ? [conversationId] : []))
}

export const isEmpty = ({ open, held, dead }: Remaining): boolean => open + held + dead === 0
