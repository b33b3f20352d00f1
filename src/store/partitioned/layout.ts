/**
 * How a store is divided into partitions. A partition is a store under a prefix of its own, its hash tag, which puts
 * all its names into one slot:
 *
 *   partition   p = crc32(utf8(conversation)) mod P
 *   its prefix  {<prefix>/<n_p>}
 *   home        {<prefix>}: what the whole store has once (settings, aliases, accounts, sessions, processes, the layout)
 *
 * n_p is the smallest number that is not taken and whose slot lies in the p-th of P equal ranges of slots. So M primaries
 * with equal ranges have ⌊P/M⌋ or ⌈P/M⌉ partitions each; with n_p = p one primary of six would have 8 of 64 and another
 * 14.
 *
 * P is the same for the life of the layout. The first process writes it to `{<prefix>}.layout`, and a process with
 * another P does not start.
 */
import { crc32 } from 'node:zlib'
import { SLOTS, slotOf } from '../redis/slots.js'

/** On a Cluster, unless the settings say another number. */
export const PARTITIONS_OF_A_CLUSTER = 64

export const homePrefix = (prefix: string): string => `{${prefix}}`

/** The prefixes of partitions 0 to `partitions` - 1. */
export function partitionPrefixes(prefix: string, partitions: number): string[] {
  const found: (string | undefined)[] = new Array(partitions).fill(undefined)
  for (let n = 0, missing = partitions; missing > 0; n++) {
    const tag = `{${prefix}/${n}}`
    const partition = Math.floor((slotOf(tag) * partitions) / SLOTS)
    if (found[partition] !== undefined) continue
    found[partition] = tag
    missing -= 1
  }
  return found.map(tag => tag ?? '')
}

export const partitionOfConversation = (conversationId: string, partitions: number): number =>
  partitions === 1 ? 0 : crc32(conversationId) % partitions
