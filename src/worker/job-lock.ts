/**
 * Whether a job that a worker has in its hands is still its own. BullMQ starts the handler with whatever Redis answered,
 * however long ago: a process that slept meanwhile (frozen, a closed lid, a paused machine) wakes with jobs that others
 * have taken over, and maybe finished.
 */

/** The part of BullMQ's job that is needed here. */
export interface LockedJob {
  /** When it was taken, by this process's own wall clock; absent in jobs of other versions. */
  processedOn?: number
  /** Resolves to 1 if the lock is still this token's, and lasts from now on; else to 0. */
  extendLock(token: string, durationMs: number): Promise<number>
}

/** BullMQ renews locks twice in their length, from the start of the handler on; a job this old has missed one. */
const RENEWALS_A_LOCK = 2

/** Asks Redis only about a job that was taken a while ago. A wall clock that jumped costs a question, nothing else. */
export async function isStillOurs(job: LockedJob, token: string, lockMs: number): Promise<boolean> {
  const ageMs = Math.abs(Date.now() - (job.processedOn ?? Date.now()))
  if (ageMs < lockMs / RENEWALS_A_LOCK) return true
  return (await job.extendLock(token, lockMs)) === 1
}
