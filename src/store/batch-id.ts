import { randomFillSync } from 'node:crypto'

const BYTES = 12
/** Random bytes are generated for this many ids at once: a call costs more than the bytes. */
const IDS_AT_ONCE = 256

const pool = Buffer.allocUnsafe(BYTES * IDS_AT_ONCE)
let used = pool.length

/** A batch's id: 96 random bits. The letter in front keeps it from being an integer, which BullMQ refuses. */
export function newBatchId(): string {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  used += BYTES
  return `b${pool.toString('base64url', used - BYTES, used)}`
}
