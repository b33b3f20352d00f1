/**
 * The states of jobs, in one round trip for all. BullMQ's own `getState` searches the list of waiting jobs, which is as
 * long as the backlog, and `getJob` transfers the texts. Here a job that exists, is not finished and is not with a
 * worker counts as waiting: for a worker, for its next attempt, or for a paused queue.
 */
import type { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import type { AnswerState } from './handover.js'

const READS_PER_JOB = 5

/** What a worker returns for a batch that was superseded, as BullMQ keeps it: see worker/job-end.ts. */
export const SKIPPED_VALUE = '{"superseded":true}'

export const isSkipped = (returnValue: string | null | undefined): boolean => returnValue === SKIPPED_VALUE

/**
 * One state an id, in order.
 * @throws Redis's error, if any of it could not be read
 */
export async function jobStates(client: Redis, { keys, toKey }: Queue, ids: string[]): Promise<AnswerState[]> {
  const reads = client.pipeline()
  for (const id of ids)
    reads
      // `ats` counts the attempts since BullMQ 5, `attemptsMade` before; `timestamp` is in every job.
      .hmget(toKey(id), 'timestamp', 'processedOn', 'ats', 'attemptsMade', 'returnvalue')
      .zscore(keys['completed'] ?? '', id)
      .zscore(keys['failed'] ?? '', id)
      // This list has one entry per job at work.
      .lpos(keys['active'] ?? '', id)
      .exists(`${toKey(id)}:lock`)
  const replies = ((await reads.exec()) ?? []).map(([error, reply]) => {
    if (error) throw error
    return reply
  })
  return ids.map((_, i) => stateFrom(replies.slice(i * READS_PER_JOB, (i + 1) * READS_PER_JOB)))
}

function stateFrom([job, completed, failed, active, locked]: unknown[]): AnswerState {
  const [timestamp, processedOn, started, made, returnValue] = Array.isArray(job) ? job : []
  if (timestamp === null || timestamp === undefined) return { state: 'ended', outcome: 'removed' }
  if (completed !== null && isSkipped(returnValue)) return { state: 'skipped' }
  if (completed !== null) return { state: 'ended', outcome: 'completed' }
  if (failed !== null) return { state: 'ended', outcome: 'failed' }
  if (active === null) return { state: 'waiting' }
  // Other workers find it when they look for stalled jobs.
  if (locked === 0) return { state: 'stalled' }
  // A worker that takes a job writes its start time, so each attempt gets the whole timeout.
  return { state: 'active', workerAttempt: `${processedOn ?? 0}.${started ?? made ?? 0}` }
}
