/** What the end of a run means for its BullMQ job. */
import type { RunResult } from './run.js'

/** The job's return value. The handler's own value is not kept: it may not be JSON. */
export type JobResult =
  | {
      /** Nothing was sent. */
      superseded: true
    }
  | undefined

/** The job is not tried again. BullMQ 4, 5 and 6 know such an error by its name. */
export class Unrecoverable extends Error {
  override name = 'UnrecoverableError'
}

/** @throws what fails the job: an `Unrecoverable` for good, any other error for this attempt */
export function jobResultOf(result: RunResult, answerTimeoutMs: number): JobResult {
  switch (result.result) {
    case 'done':
      return undefined
    case 'superseded':
      return { superseded: true }
    case 'not begun':
      if (result.state !== 'answered') return { superseded: true }
      throw new Unrecoverable('its answer has ended before: the conversation has gone on without it')
    case 'failed':
    case 'abandoned':
      // Nothing was sent, so the job may run again.
      if (result.isUncommitted) throw new Error(`not committed within ${answerTimeoutMs} ms`)
      if (result.cut === 'timeout') throw new Unrecoverable(`not answered within ${answerTimeoutMs} ms`)
      throw result.result === 'failed' ? result.error : new Error('its handler ignored its aborted signal')
  }
}
