/** The layout as Redis has it: read, and written once. */
import type { Redis } from 'ioredis'
import { Keys } from '../redis/keys.js'
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
  if (prefix.startsWith('{'))
    throw new RangeError(`LULL_PREFIX=${prefix}: with partitions it may hold no braces, which are theirs`)
  if (!isCluster) await refuseUndivided(client, address, prefix)
  const [seconds = 0, microseconds = 0] = (await client.time()).map(Number)
  const nowMs = seconds * 1000 + Math.floor(microseconds / 1000)
  // All that start at one time read what the first of them wrote.
  await client.hsetnx(layout, 'partitions', wanted)
  await client.hsetnx(layout, 'version', VERSION)
  await client.hsetnx(layout, 'sinceMs', nowMs)
  const partitions = Number(await client.hget(layout, 'partitions'))
  if (partitions !== wanted)
    throw new Error(
      `Redis at ${address} has ${partitions} partitions under the prefix ${prefix}, and LULL_PARTITIONS=${wanted}: ` +
        `set it to ${partitions}; ${CHANGING}`,
    )
  return { partitions, sinceMs: Number(await client.hget(layout, 'sinceMs')) }
}

/** Nobody would take what waits under the names of a store that is not divided. */
async function refuseUndivided(client: Redis, address: string, prefix: string): Promise<void> {
  const { due, claimed, answering, dead } = new Keys(prefix)
  if ((await client.exists(due, claimed, answering, dead)) === 0) return
  throw new Error(
    `Redis at ${address} has batches of a store without partitions under the prefix ${prefix}: ` +
      `unset LULL_PARTITIONS; ${CHANGING}`,
  )
}
