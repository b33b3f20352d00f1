/**
 * Who claims a partition first. Each processor ranks all of them, itself included, for each partition (rendezvous
 * hashing), so that all agree without asking, and the end of one changes only the partitions that it had.
 *
 *   rank 0   claims at the due time, and every 30 s without any nudge
 *   rank 1   claims half a second after the due time, and every 150 s: it notices that rank 0 is gone
 *   others   leave the partition to these two
 *
 * A rank is a hint. Claims are atomic: a wrong view costs an empty claim or half a second, and hands no batch over twice.
 * A processor that does not know of the others takes rank 0 everywhere, as it does in a store of one partition.
 */
import { crc32 } from 'node:zlib'
import type { Pace } from './due-timer.js'

/** In case it has missed a notification. */
const HEARTBEAT_MS = 30_000
const SECOND_HEARTBEAT_MS = 150_000
/** So that the heartbeats of many partitions do not come together. */
const SPREAD = 0.2
const SECOND_SLACK_MS = 500

export class Ranks implements Pace {
  /** By partition; empty until `set`. */
  private ranks: number[] = []

  constructor(
    private readonly owner: string,
    private readonly random: () => number = Math.random,
  ) {}

  /**
   * @param members the processors that run, without this one or with it
   * @returns the partitions for which this processor ranks better than before
   */
  set(members: readonly string[], partitions: number): number[] {
    const others = members.filter(member => member !== this.owner)
    const before = this.ranks
    this.ranks = Array.from({ length: partitions }, (_, partition) => rankAmong(this.owner, others, partition))
    return this.ranks.flatMap((rank, partition) => (rank < (before[partition] ?? 0) ? [partition] : []))
  }

  heartbeatMs(partition: number): number {
    const rank = this.ranks[partition]
    if (rank === undefined) return HEARTBEAT_MS
    if (rank > 1) return Number.POSITIVE_INFINITY
    const factor = 1 + SPREAD * (2 * this.random() - 1)
    return factor * (rank === 0 ? HEARTBEAT_MS : SECOND_HEARTBEAT_MS)
  }

  slackMs(partition: number): number | undefined {
    const rank = this.ranks[partition] ?? 0
    if (rank === 0) return 0
    return rank === 1 ? SECOND_SLACK_MS : undefined
  }
}

function rankAmong(owner: string, others: readonly string[], partition: number): number {
  const own = weight(owner, partition)
  return others.filter(other => {
    const theirs = weight(other, partition)
    return theirs > own || (theirs === own && other < owner)
  }).length
}

/** MurmurHash3's finalizer: CRC alone would order the processors alike in most partitions. */
function weight(owner: string, partition: number): number {
  let hash = (crc32(owner) + Math.imul(partition + 1, 0x9e3779b1)) | 0
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
