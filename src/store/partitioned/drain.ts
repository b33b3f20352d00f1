/**
 * The drain flag of a store: while it is on, no process accepts messages, and what waits is handed over as usual. It is
 * kept and published with the stored settings. So processes need no command more to go by it (settings/stored-settings.ts).
 *
 *   flat     0, in `<prefix>.settings`
 *   divided  the layout's `sinceMs`, in `{<prefix>}.settings`, which all layouts with partitions share
 */
import { Keys } from '../redis/keys.js'
import { DRAIN_SCOPE } from '../settings.js'
import type { PartitionedStore } from './store.js'

/** Changes of the flag by others between our reading and our writing. */
const MOST_TRIES = 20

const flagOf = (store: PartitionedStore): number => store.layoutSinceMs ?? 0

export async function isDraining(store: PartitionedStore): Promise<boolean> {
  const flag = (await store.settings.all()).rules.get(DRAIN_SCOPE)
  return flag !== undefined && Number(flag) >= flagOf(store)
}

export const beginDrain = (store: PartitionedStore): Promise<void> => put(store, `${flagOf(store)}`)

export const endDrain = (store: PartitionedStore): Promise<void> => put(store, undefined)

async function put({ settings }: PartitionedStore, flag: string | undefined): Promise<void> {
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    const was = (await settings.all()).rules.get(DRAIN_SCOPE)
    if (was === flag || (await settings.put(DRAIN_SCOPE, flag, was))) return
  }
  throw new RangeError('the drain is begun and ended by another program all the time: try again')
}

/**
 * Removes the layout of a store in which nothing waits, so that the next process decides on another one. Its drain flag
 * stays, for processes that still run on it; the one of a store without partitions, which the next process may open
 * again, is removed without a message to those that ran on it.
 */
export async function forgetLayout({ home, nodes }: PartitionedStore, prefix: string): Promise<void> {
  if (!nodes.isCluster) await home.redis.hdel(new Keys(prefix).settings, DRAIN_SCOPE)
  await home.redis.del(home.keys.layout)
}
