/**
 * The ids of batches. The first letter keeps an id from being an integer, which BullMQ refuses.
 *
 *   b + 16 characters                 a batch of a store without partitions
 *   p + 2 characters + 16 characters  the two are its partition, in base64url
 *   <id>-2, <id>-3, …                 further batches that one append opened
 *   <id>-move                         no batch: what moves from one partition to another (redis/moves.ts)
 */
import { randomFillSync } from 'node:crypto'

const BYTES = 12
/** Random bytes are generated for this many ids at once: a call costs more than the bytes. */
const IDS_AT_ONCE = 256

/** The digits of base64url, by value. */
const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const PARTITIONED = /^p([\w-]{2})[\w-]{16}(?:-\d+|-move)?$/

const pool = Buffer.allocUnsafe(BYTES * IDS_AT_ONCE)
let used = pool.length

/**
 * A batch's id: 96 random bits, behind its partition if it has one.
 * @param partition 0 to 4095
 */
export function newBatchId(partition?: number): string {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  used += BYTES
  const random = pool.toString('base64url', used - BYTES, used)
  return partition === undefined ? `b${random}` : `p${DIGITS[partition >> 6]}${DIGITS[partition & 63]}${random}`
}

const MOVE = '-move'

export const newMoveId = (partition: number): string => newBatchId(partition) + MOVE

export const isMove = (batchId: string): boolean => batchId.endsWith(MOVE)

/** The partition of a batch. An id that names none is of partition 0. */
export function partitionOf(batchId: string): number {
  const [, digits] = PARTITIONED.exec(batchId) ?? []
  if (digits === undefined) return 0
  return DIGITS.indexOf(digits.charAt(0)) * 64 + DIGITS.indexOf(digits.charAt(1))
}

/** The same in a store of so many partitions: an id that names none of these is of partition 0. */
export function partitionAmong(batchId: string, partitions: number): number {
  const partition = partitionOf(batchId)
  return partition < partitions ? partition : 0
}
