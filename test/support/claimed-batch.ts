/** A claimed batch without messages, for tests of what the processor does with it. */
import { composeBatch } from '../../src/batch.js'
import type { ClaimedBatch } from '../../src/store/store.js'

export const claimedBatch = (batchId: string, lease = 1): ClaimedBatch => ({
  batchId,
  lease,
  attempt: 1,
  lateMs: 0,
  batch: composeBatch({
    batchId,
    conversationId: 'c',
    entries: [],
    firstAtMs: 0,
    lastAtMs: 0,
    dueAtMs: 0,
    releasedAtMs: 0,
    claimedAtMs: 0,
    releasedBy: 'gap',
  }),
})
