/** A handler of Lull's as the processor of a plain BullMQ `Worker`, of version 4, 5 or 6. */
import { checkOptions, type NamesOf } from '../config/known-options.js'
import { logger } from '../config/option-checks.js'
import { type CommittingHandle, handlerOf } from '../handover/function.js'
import { type Logger, silent } from '../logger.js'
import { Traces } from '../telemetry/traces.js'
import { type AnsweringOptions, BATCHER, type BatchJob } from './answering.js'
import { batchFrom } from './batch-job.js'
import { type JobResult, jobResultOf } from './job-end.js'
import { begin } from './run.js'

/** The part of a BullMQ job that is needed. */
export interface AttemptedJob extends BatchJob {
  /** Attempts before the one that runs; before BullMQ 5 with it. */
  attemptsMade: number
  /** Absent before BullMQ 5, where `attemptsMade` includes the attempt that runs. */
  attemptsStarted?: number
  /** The queue's, for telemetry. */
  queueName?: string
  /** For telemetry: the trace is among them. */
  opts?: unknown
}

/** What a handler in a BullMQ `Worker` needs. */
export interface ToBullmqOptions extends AnsweringOptions {
  /**
   * The handler's `log`.
   * @defaultValue silent
   */
  log?: Logger
}

const OPTIONS: NamesOf<ToBullmqOptions> = { batcher: BATCHER, log: logger }

/**
 * Makes the processor of a BullMQ `Worker`, of version 4, 5 or 6, of a handler.
 *
 *     new Worker('messages', toBullmq(async (batch, { signal, commit }) => { … }, { batcher }), { connection })
 *
 *     the handler resolves              the job is completed
 *     the handler rejects               the job is retried, as often as its options say
 *     newer messages supersede it       `signal` is aborted; the job is completed with `{ superseded: true }`, whatever
 *                                       the handler does then
 *     it was superseded before          the same; the handler is not called
 *     the answer timeout is near        `signal` is aborted; the job has failed for good, as its conversation goes on
 *                                       without it; a job whose commit waits is retried: nothing was sent
 *     BullMQ's own signal is aborted    `signal` is aborted with its reason
 */
export function toBullmq<Meta = unknown>(
  handle: CommittingHandle<Meta>,
  options: ToBullmqOptions,
): (job: AttemptedJob, token?: string, signal?: AbortSignal) => Promise<JobResult> {
  checkOptions('toBullmq()', options, OPTIONS)
  const { batcher, log = silent } = options
  const handler = handlerOf(handle)
  const traces = batcher.telemetry && new Traces(batcher.telemetry)
  return async (job, _token, signal) => {
    const batch = batchFrom(job)
    const { commits, store } = batcher
    // Without the subscription the commit still decides.
    await commits.start().catch(error => log.debug({ err: error }, 'no subscription to what is superseded'))
    const { answerTimeoutMs } = store.rules
    const attempt = attemptOf(job)
    const span = traces?.job(job, { batch, attempt, queue: job.queueName })
    const run = begin(batch, handler, span, { attempt, log, answerTimeoutMs, commits })
    const onAbort = () => run.cut('stop', { error: signal?.reason })
    if (signal?.aborted) onAbort()
    signal?.addEventListener('abort', onAbort)
    try {
      const result = await run.result
      span?.ended(result)
      return jobResultOf(result, answerTimeoutMs)
    } finally {
      signal?.removeEventListener('abort', onAbort)
    }
  }
}

const attemptOf = ({ attemptsMade, attemptsStarted }: AttemptedJob) =>
  attemptsStarted === undefined ? Math.max(attemptsMade, 1) : attemptsMade + 1
