/** The layout as Redis has it: read, and written once. */
import type { Redis } from 'ioredis'
import { Keys } from '../redis/keys.js'
import { DRAIN_SCOPE } from '../settings.js'
import { homePrefix, PARTITIONS_OF_A_CLUSTER } from './layout.js'

const VERSION = 1
const CHANGING = 'docs/operations.md says how to change it'

export interface LayoutPlace {
  /** Of the home's slot. */
  client: Redis
  address: string
  isCluster: boolean
  prefix: string
  /** What the settings ask for. */
  partitions: number | undefined
}

export interface Layout {
  partitions: number
  /** When it was made, by Redis's clock: an earlier layout has a smaller number. */
  sinceMs: number
}

/**
 * Resolves to the layout; `undefined`: no partitions, today's names. The first process of a layout writes it.
 * @throws one line that names both numbers, if the settings ask for another one than Redis has
 */
export async function takeLayout(place: LayoutPlace): Promise<Layout | undefined> {
  const { client, address, isCluster, prefix } = place
  const wanted = place.partitions ?? (isCluster ? PARTITIONS_OF_A_CLUSTER : undefined)
  if (prefix.startsWith('{')) {
    if (wanted === undefined) return undefined
    throw new RangeError(`LULL_PREFIX=${prefix}: with partitions it may hold no braces, which are theirs`)
  }
  const { layout } = new Keys(homePrefix(prefix))
  if (wanted === undefined) {
    // A user who may not read it can have none.
    const there = await client.hget(layout, 'partitions').catch(() => null)
    if (there === null) return undefined
    throw new Error(
      `Redis at ${address} has ${there} partitions under the prefix ${prefix}, and LULL_PARTITIONS is not set: ` +
        `set it to ${there}; ${CHANGING}`,
    )
  }
  if (!isCluster) await refuseUndivided(client, address, prefix)
  const taken = (await read(client, layout)) ?? (await write(client, layout, wanted))
  if (taken.partitions === wanted) return taken
  throw new Error(
    `Redis at ${address} has ${taken.partitions} partitions under the prefix ${prefix}, and LULL_PARTITIONS=${wanted}: ` +
      `set it to ${taken.partitions}; ${CHANGING}`,
  )
}

async function read(client: Redis, layout: string): Promise<Layout | undefined> {
  const [partitions, sinceMs] = await client.hmget(layout, 'partitions', 'sinceMs')
  return partitions && sinceMs ? { partitions: Number(partitions), sinceMs: Number(sinceMs) } : undefined
}

/** All that start at one time read what the first of them wrote. */
async function write(client: Redis, layout: string, partitions: number): Promise<Layout> {
  const [seconds = 0, microseconds = 0] = (await client.time()).map(Number)
  const nowMs = seconds * 1000 + Math.floor(microseconds / 1000)
  await client.hsetnx(layout, 'partitions', partitions)
  await client.hsetnx(layout, 'version', VERSION)
  await client.hsetnx(layout, 'sinceMs', nowMs)
  return (await read(client, layout)) ?? { partitions, sinceMs: nowMs }
}

/** Nobody would take what waits, or comes, under the names of a store that is not divided. */
async function refuseUndivided(client: Redis, address: string, prefix: string): Promise<void> {
  const { due, claimed, answering, dead, nextDue, settings } = new Keys(prefix)
  if ((await client.exists(due, claimed, answering, dead)) > 0)
    throw new Error(
      `Redis at ${address} has batches of a store without partitions under the prefix ${prefix}: ` +
        `unset LULL_PARTITIONS; ${CHANGING}`,
    )
  // A user who may not ask has to know by himself.
  const [, listeners] = await client.pubsub('NUMSUB', nextDue).catch(() => [])
  // While it drains, nothing comes to those that are left.
  if (Number(listeners ?? 0) > 0 && (await client.hexists(settings, DRAIN_SCOPE)) === 0)
    throw new Error(
      `processors without partitions run on Redis at ${address} under the prefix ${prefix}: ` +
        `stop them first, or unset LULL_PARTITIONS; ${CHANGING}`,
    )
}
