/**
 * The work on a batch in a plain BullMQ `Worker`, which knows nothing of Lull: its job, the signal that newer messages
 * abort, and the commit. The types name no BullMQ, so that any version of it will do.
 */
import { AnswerTimeout } from '../abort-reasons.js'
import type { Batch } from '../batch.js'
import type { Batcher } from '../batcher.js'
import { checkOptions, type NamesOf } from '../config/known-options.js'
import { withMethods } from '../config/option-checks.js'
import type { Committed } from '../handover/commits.js'
import { LazyAbort, WithSignal } from '../lazy-abort.js'
import { batchFrom } from './batch-job.js'

/** The part of a BullMQ job that is needed. */
export interface BatchJob {
  /** The batch's id. */
  id?: string | undefined
  /** `batch`. */
  name: string
  /** The batch. */
  data: unknown
}

/** What asks for the commits. */
export interface AnsweringOptions {
  /** On Lull's own Redis, which may be another one than the queue's, and with the same rules as the processors. */
  batcher: Batcher
}

export const BATCHER = withMethods(['append', 'open'], 'give a Batcher')
const OPTIONS: NamesOf<AnsweringOptions> = { batcher: BATCHER }

/**
 * The work on the batch of one job.
 * @typeParam Meta of each message's `meta`
 */
export interface JobAnswering<Meta = unknown> {
  /** The job's data, checked. */
  readonly batch: Batch<Meta>
  /** Aborted with a `Superseded` by newer messages, and when the answer timeout has passed. */
  readonly signal: AbortSignal
  /**
   * Call it before the first thing that cannot be taken back. Waits for the due time, and for Redis if it is away. All
   * calls get the same answer.
   * @throws {Superseded} if newer messages have superseded the batch: `signal` is aborted then, too
   * @throws the signal's reason, if the answer timeout has passed or `end` was called
   */
  commit(): Promise<Committed>
  /** The work has ended. Forgotten, it ends with its commit, when it is superseded, or at the answer timeout. */
  end(): void
}

/**
 * For a worker of your own; `toBullmq` does the same around a handler. One subscription serves all jobs of a batcher,
 * until its `close`. The store is asked at once whether the batch still holds its conversation; if not, `signal` is
 * aborted.
 *
 * @throws {TypeError} for a job that is no batch, and for an unknown option
 */
export function answering<Meta = unknown>(job: BatchJob, options: AnsweringOptions): JobAnswering<Meta> {
  checkOptions('answering()', options, OPTIONS)
  const { batcher } = options
  const batch = batchFrom<Meta>(job)
  const { batchId } = batch
  const { commits, store } = batcher
  const { answerTimeoutMs } = store.rules
  const own = new LazyAbort()
  const work = commits.answering(batchId, reason => {
    clearTimeout(timeout)
    own.abort(reason)
  })
  const end = (reason?: unknown) => {
    clearTimeout(timeout)
    work.end(reason)
  }
  const timeout = setTimeout(() => {
    const reason = new AnswerTimeout(answerTimeoutMs)
    own.abort(reason)
    end(reason)
  }, answerTimeoutMs)
  // A forgotten call keeps no process alive.
  timeout.unref()
  // Without the subscription the commit still decides. It rejects also if the work is over by then.
  commits
    .start()
    .then(() => work.holdState())
    .catch(() => {})
  return Object.assign(new WithSignal(own), { batch, commit: () => work.commit(), end: () => end() })
}
