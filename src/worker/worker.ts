/**
 * The reference worker: a BullMQ worker that runs a handler, with what a plain `new Worker('messages', …)` leaves to
 * its author. The handler's signal is aborted when the lock is lost, shortly before the answer timeout, and at the end
 * of a stop; and a job may stall more than once.
 *
 *   the handler resolves             the job is completed
 *   the handler rejects              the job is retried, as often as its options say
 *   the answer timeout cuts it       the job has failed for good, since its conversation goes on without it; a handler
 *                                    that waits for its commit has sent nothing, and its job is retried
 *   a stop cuts it                   the job goes back to the queue, and the attempt does not count
 *   its lock is lost                 the worker that has the lock now decides; a job that lost it earlier is not begun
 *   newer messages supersede it      the job is completed with `{ superseded: true }`, whatever the handler does then
 *
 * In `supersede` a handler is called only if the batch still holds its conversation. A job of a batch that has ended is
 * completed with `{ superseded: true }`, or has failed for good if an answer had ended it: a retry of an old job.
 */
import type { Job } from 'bullmq'
import type { Redis } from 'ioredis'
import { allOrFirstError } from '../all-or-first-error.js'
import type { Batch } from '../batch.js'
import { type Bullmq, endConnection, loadBullmq } from '../handover/bullmq-connection.js'
import { ALL_GRANTED, type Granting } from '../handover/commits.js'
import type { CommittingHandle } from '../handover/function.js'
import { asKeptError, keptError } from '../handover/kept-error.js'
import { DEFAULT_PREFIX, queueShards } from '../handover/queue-shards.js'
import { type Logger, silent } from '../logger.js'
import { processName } from '../process-name.js'
import { addressOf } from '../store/redis/connection.js'
import type { RedisSource } from '../store/redis/source.js'
import { StoreUnavailable } from '../store/store.js'
import type { TelemetryApi } from '../telemetry/api.js'
import type { JobSpan } from '../telemetry/job-span.js'
import { Traces } from '../telemetry/traces.js'
import { within } from '../within.js'
import { batchFrom } from './batch-job.js'
import { type JobResult, jobResultOf, Unrecoverable } from './job-end.js'
import { isStillOurs } from './job-lock.js'
import { Places } from './places.js'
import { begin, graceOf, type Run, type RunResult } from './run.js'
import { connectShard, type ShardConnections, type ShardWorker, shardWorker } from './shard.js'

export interface QueueWorkerOptions {
  /** The queue's Redis. */
  redis: RedisSource
  /** The queue's name; `messages`. */
  queue?: string
  /** BullMQ's prefix of keys; `bull`, and `{bull}` on a Cluster. */
  prefix?: string
  /** As the processors': `bullmq({ shards })`; 1. */
  shards?: number
  handle: CommittingHandle
  /** Grants the handler’s commits, from Lull’s own Redis. Absent: nothing supersedes a batch. */
  commits?: Granting
  /** How many batches are worked on at once, of all shards together; 16. */
  concurrency?: number
  /** The same as the processors'; 300,000. */
  answerTimeoutMs?: number
  /** How long a job stays locked for this worker if it does not renew the lock; 30,000. */
  lockMs?: number
  log?: Logger
  /** Traces with OpenTelemetry: the module `@opentelemetry/api`. */
  telemetry?: TelemetryApi | undefined
  /** The name of its connections, as `CLIENT LIST` shows it. */
  name?: string
}

const CONCURRENCY = 16
const ANSWER_TIMEOUT_MS = 300_000
const STOP_TIMEOUT_MS = 25_000
const LOCK_MS = 30_000
/** BullMQ's close waits for Redis, which may be away. */
const CLOSE_MS = 2000
/** At most this share of a stop's time, so that the stop keeps its bound. */
const CLOSE_SHARE = 0.1

interface Open {
  shards: { worker: ShardWorker; clients: Redis[] }[]
  /** Absent: one worker, which has a bound of its own. */
  places: Places | undefined
}

export class QueueWorker {
  readonly name: string
  private readonly queue: string
  private readonly prefix: string
  private readonly log: Logger
  private readonly runs = new Map<string, Run>()
  private readonly answerTimeoutMs: number
  private readonly lockMs: number
  private readonly commits: Granting
  private readonly traces: Traces | undefined
  private open: Open | undefined
  private starting: Promise<void> | undefined
  private stopping: Promise<void> | undefined

  constructor(private readonly options: QueueWorkerOptions) {
    this.name = options.name ?? processName('worker')
    this.queue = options.queue ?? 'messages'
    this.prefix = options.prefix ?? DEFAULT_PREFIX
    this.log = options.log ?? silent
    this.answerTimeoutMs = options.answerTimeoutMs ?? ANSWER_TIMEOUT_MS
    this.lockMs = options.lockMs ?? LOCK_MS
    this.commits = options.commits ?? ALL_GRANTED
    this.traces = options.telemetry && new Traces(options.telemetry)
  }

  /**
   * Resolves when it takes jobs.
   * @throws one line that names what is wrong and the remedy; nothing is left open then
   */
  start(): Promise<void> {
    this.starting ??= this.connect().catch(async error => {
      await this.commits.stop()
      throw error
    })
    return this.starting
  }

  /** Resolves if it can take jobs; rejects with one line that says why not. */
  async ready(): Promise<void> {
    if (!this.open || this.stopping) throw new StoreUnavailable('other', 'the worker is not running')
    const lost = this.open.shards.map(({ clients }) => clients.find(({ status }) => status !== 'ready'))
    // Jobs come as long as one shard is there.
    const [first] = lost
    if (first && lost.every(client => client !== undefined))
      throw new StoreUnavailable('connection', `Redis at ${addressOf(first)} can not be reached`)
  }

  /**
   * Takes no more jobs, lets the running ones end, aborts their signals towards the end of `timeoutMs`, and puts back
   * the jobs that are left then. May be called twice, or before `start`.
   */
  stop({ timeoutMs = STOP_TIMEOUT_MS }: { timeoutMs?: number } = {}): Promise<void> {
    this.stopping ??= this.shutDown(timeoutMs)
    return this.stopping
  }

  private async connect(): Promise<void> {
    if (this.stopping) throw new Error('the worker has been stopped: make another one')
    const bullmq = await loadBullmq()
    const { redis, concurrency = CONCURRENCY, shards = 1 } = this.options
    await this.commits.start()
    const locations = await queueShards({ redis, name: this.queue, prefix: this.prefix, shards }, this.name)
    const opened: ShardConnections[] = []
    try {
      await allOrFirstError(
        locations.map(async location => {
          opened.push(await connectShard(location, this.name, this.log))
        }),
      )
    } catch (error) {
      for (const { clients } of opened) for (const client of clients) endConnection(client)
      throw error
    }
    const places = shards > 1 ? new Places(concurrency) : undefined
    const all = opened.map(connections => {
      const worker = this.workerOn(bullmq, connections, concurrency)
      places?.join(worker, connections.clients[0])
      return { worker, clients: connections.clients }
    })
    this.open = { shards: all, places }
    await Promise.all(all.map(({ worker }) => worker.waitUntilReady()))
  }

  private workerOn(bullmq: Bullmq, connections: ShardConnections, concurrency: number): ShardWorker {
    const { name, lockMs } = this
    const options = { name, concurrency, lockMs }
    const worker = shardWorker(bullmq, connections, options, (job, token) => this.process(bullmq, job, token))
    worker.on('error', error => this.onError(error))
    worker.on('lockRenewalFailed', ids => {
      for (const id of ids) this.runs.get(id)?.cut('lock')
    })
    worker.on('locksRenewed', ({ jobIds }) => {
      for (const id of jobIds) this.runs.get(id)?.renewed()
    })
    return worker
  }

  private async process({ WaitingError }: Bullmq, job: Job, token?: string): Promise<JobResult> {
    const id = job.id ?? ''
    if (!(await isStillOurs(job, token ?? '', this.lockMs))) {
      this.log.warn({ batchId: id }, 'a batch was not begun: its lock had ended, so another worker may have it')
      throw new Error('its lock was lost')
    }
    let batch: Batch
    let run: Run
    let span: JobSpan | undefined
    try {
      batch = batchFrom(job, this.queue)
      const attempt = job.attemptsMade + 1
      span = this.traces?.job(job, { batch, attempt, queue: this.queue })
      run = begin(batch, this.options.handle, span, {
        attempt,
        log: this.log,
        answerTimeoutMs: this.answerTimeoutMs,
        lockMs: this.lockMs,
        commits: this.commits,
      })
    } catch (error) {
      this.log.error({ jobId: id }, messageOf(error))
      throw new Unrecoverable(messageOf(error))
    }
    this.runs.set(id, run)
    const startedAtMs = performance.now()
    const result = await run.result.finally(() => this.runs.delete(id))
    span?.ended(result)
    const { conversationId } = batch
    const about = { batchId: id, conversationId, attempt: job.attemptsMade + 1 }
    if (result.result === 'done')
      this.log.info({ ...about, ms: Math.round(performance.now() - startedAtMs) }, 'the handler is done')
    else this.logUndone(about, result, batch)
    if ('cut' in result && result.cut === 'stop') {
      await job.moveToWait(token)
      throw new WaitingError()
    }
    const kept = result.result === 'failed' ? { ...result, error: asKeptError(result.error, batch) } : result
    return jobResultOf(kept, this.answerTimeoutMs)
  }

  private logUndone(whose: object, result: Exclude<RunResult, { result: 'done' }>, batch: Batch): void {
    if (result.result === 'not begun') {
      const { state } = result
      this.log.info({ ...whose, state }, 'a batch was not begun: it does not hold its conversation any more')
      return
    }
    if (result.result === 'superseded') {
      const { by } = result.reason
      this.log.info({ ...whose, ...(by && { by }) }, result.reason.message)
    }
    const about = { ...whose, ...('cut' in result && result.cut && { cut: result.cut }) }
    if (isAbandoned(result))
      this.log.warn(about, 'a handler ignores its aborted signal: it is no longer waited for, and may still be running')
    else if (result.result === 'failed') {
      this.log.warn({ ...about, error: keptError(result.error, batch) }, 'the handler failed')
      this.log.debug({ ...about, err: result.error }, 'the error of the handler, as it was thrown')
    }
  }

  private async shutDown(timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs
    const graceMs = graceOf(timeoutMs)
    // A start that failed has left nothing open.
    await this.starting?.catch(() => {})
    if (!this.open) return
    const { shards, places } = this.open
    this.open = undefined
    // `true`: do not wait for the jobs here, since BullMQ knows no deadline.
    await Promise.all(shards.map(({ worker }) => worker.pause(true)))
    places?.close()
    // The time of the jobs leaves some for the close, which reports them to Redis.
    const closeMs = Math.min(CLOSE_MS, timeoutMs * CLOSE_SHARE)
    const jobsMs = Math.max(deadline - closeMs - performance.now(), 0)
    const cut = setTimeout(
      () => {
        for (const run of this.runs.values()) run.cut('stop', { graceMs })
      },
      Math.max(jobsMs - graceMs, 0),
    )
    const closing = Promise.all(shards.map(({ worker }) => worker.close()))
    // A job that was on its way may begin after the cut: it is not waited for.
    await within(Promise.allSettled([...this.runs.values()].map(run => run.result)), jobsMs, () => {})
    clearTimeout(cut)
    await within(closing, closeMs, () =>
      this.log.warn({}, 'the worker’s jobs could not be put back, Redis is away: they come back when their locks end'),
    )
    await this.commits.stop()
    for (const { clients } of shards) for (const client of clients) endConnection(client)
  }

  /** An outage logs connection errors, and the lock's end the loss of a job. */
  private onError(error: Error): void {
    this.log.debug({ err: error }, 'an error in the worker')
  }
}

const isAbandoned = (result: RunResult) =>
  result.result === 'abandoned' || (result.result === 'superseded' && result.isAbandoned)

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? ''
