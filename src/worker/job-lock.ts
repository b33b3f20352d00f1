/**
 * Whether a worker still holds the lock of a job that it is about to begin. BullMQ calls the handler even if Redis
 * handed the job out long ago: a process that was suspended meanwhile (frozen, a closed lid, a paused machine) wakes up
 * with jobs that other workers have taken, and maybe finished.
 */

/** The part of BullMQ's job that this file uses. */
export interface LockedJob {
  /** When this worker took it, by this process's wall clock; absent in jobs of other BullMQ versions. */
  processedOn?: number
  /** Resolves to 1 if the token still holds the lock, which then lasts `durationMs` from now; else to 0. */
  extendLock(token: string, durationMs: number): Promise<number>
}

/**
 * BullMQ renews a lock twice in its length once the handler has started. A job older than that has missed a renewal.
 */
const RENEWALS_A_LOCK = 2

/** Asks Redis only about a job that was taken a while ago. A wall clock that jumped costs one call, nothing else. */
export async function isStillOurs(job: LockedJob, token: string, lockMs: number): Promise<boolean> {
  const ageMs = Math.abs(Date.now() - (job.processedOn ?? Date.now()))
  if (ageMs < lockMs / RENEWALS_A_LOCK) return true
  return (await job.extendLock(token, lockMs)) === 1
}
