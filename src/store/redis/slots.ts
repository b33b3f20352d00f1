/** The slots of a Redis Cluster: which slot a name lies in, and which primary serves it. */
import slotOfKey from 'cluster-key-slot'
import type { Redis } from 'ioredis'
import { z } from 'zod'

/** Of every Cluster. Source: the Redis Cluster specification. */
export const SLOTS = 16_384

export interface NodeAddress {
  host: string
  port: number
}

/** Slots `from` to `to`, both included, and their primary. */
export interface SlotRange {
  from: number
  to: number
  owner: NodeAddress
}

/** The slot of a name: of its hash tag if it has one. */
export const slotOf = (name: string): number => slotOfKey(name)

const range = z.tuple([z.number(), z.number(), z.tuple([z.string().nullable(), z.number()], z.unknown())], z.unknown())

/**
 * `CLUSTER SLOTS` of the node that `client` is connected to.
 * @param asked the address of that node: some report an empty host for themselves
 */
export async function slotRanges(client: Redis, asked: NodeAddress): Promise<SlotRange[]> {
  const reply: unknown = await client.cluster('SLOTS')
  return z
    .array(range)
    .parse(reply)
    .map(([from, to, [host, port]]) => ({
      from,
      to,
      // `?` is a node that has no host name where the Cluster prefers those.
      owner: { host: host === null || host === '' || host === '?' ? asked.host : host, port },
    }))
}
