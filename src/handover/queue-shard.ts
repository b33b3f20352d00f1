/**
 * One BullMQ queue that batches are handed over to: all of it, or one of the queues that share the partitions of a
 * Cluster. If its Redis is unavailable (down, read-only, out of memory, loading, its slot moves), an attempt is not
 * counted.
 */
import type { BulkJobOptions } from 'bullmq'
import type { Redis } from 'ioredis'
import type { Logger } from '../logger.js'
import { Outage } from '../outage.js'
import { addressOf } from '../store/redis/connection.js'
import { isWrongType, redisError } from '../store/redis/errors.js'
import { type AnswerOutcome, StoreUnavailable } from '../store/store.js'
import { AnsweredTexts } from './answered-texts.js'
import { BoundedIds } from './bounded-ids.js'
import { loadBullmq, type OpenQueue, openConnection, openQueue, type QueueLocation } from './bullmq-connection.js'
import type { AnswerState, HandoverContext, HandoverEvents, HandoverItem, HandoverOutcome } from './handover.js'
import { isSkipped, jobStates } from './job-states.js'
import { QueueAnswers } from './queue-answers.js'

export const JOB_NAME = 'batch'
const RETRY_AFTER_MS = 1000
const MOST_DOUBTFUL = 10_000

export interface ShardOptions {
  /** The options of each job. */
  job: BulkJobOptions
  /** Whether the jobs of answered batches keep what people wrote. */
  keepTexts: boolean
}

/** As BullMQ's own telemetry passes a trace on with a job. */
const telemetryOf = (headers: Record<string, string>) => ({ telemetry: { metadata: JSON.stringify(headers) } })

export class QueueShard {
  /**
   * Batches whose add failed with the queue's Redis: the job may be in the queue all the same, and may be answered
   * before the batch is handed over again. The answer checks find the answers of those that are dropped.
   */
  private readonly doubtful = new BoundedIds(MOST_DOUBTFUL)
  private open:
    | (OpenQueue & { answers: QueueAnswers; texts: AnsweredTexts | undefined; outage: Outage; log: Logger })
    | undefined

  constructor(
    private readonly location: QueueLocation,
    private readonly options: ShardOptions,
  ) {}

  /** @throws one line that names the Redis and the remedy; nothing is left open then */
  async start({ connectionName, log }: HandoverContext, events: HandoverEvents): Promise<void> {
    const { location } = this
    let known: Outage | undefined
    const onError = (error: Error) => known?.began(error)
    // Connection errors are an outage; errors of commands reach their callers.
    const onQueueError = (error: Error) => log.debug({ err: error }, 'an error in the queue')
    const opened = await openQueue(location, { connectionName, onError, onQueueError })
    const { client, queue } = opened
    const texts = this.options.keepTexts ? undefined : new AnsweredTexts(queue, client, log)
    const outage = new Outage(log, () => `Redis of queue ${location.shown} at ${addressOf(client)}`)
    known = outage
    let stream: Redis | undefined
    try {
      stream = await openConnection(location.redis, connectionName, { patient: true, onError })
      const onCompleted = (jobId: string, isSkipped: boolean) => texts?.completed(jobId, isSkipped)
      const onAnswered = (batchId: string, outcome: AnswerOutcome) => events.onAnswered(batchId, outcome)
      const answers = new QueueAnswers(await loadBullmq(), stream, location, { onAnswered, onCompleted }, log)
      await answers.start()
      void texts?.search()
      this.open = { ...opened, answers, texts, outage, log }
    } catch (error) {
      client.disconnect()
      stream?.disconnect()
      throw redisError(error, addressOf(client))
    }
    const connections = [client, stream]
    const onReady = () => {
      if (connections.some(({ status }) => status !== 'ready')) return
      outage.ended()
      events.onResumed()
      void texts?.search()
    }
    for (const connection of connections) connection.on('ready', onReady)
  }

  /** May be called twice. */
  async stop(): Promise<void> {
    const { open } = this
    this.open = undefined
    if (!open) return
    open.answers.stop()
    await open.texts?.stop()
    // Closing sends commands, and Redis may be away.
    await open.close().catch(error => open.log.debug({ err: error }, 'the queue was not closed cleanly'))
  }

  async handOver(items: HandoverItem[]): Promise<HandoverOutcome[]> {
    try {
      await this.add(items)
    } catch (error) {
      const trouble = this.trouble(error)
      if (trouble) return items.map(({ batch }) => this.notCounted(batch.batchId, trouble))
      // BullMQ does not say which job it refused. Added again one by one, those that it has already are dropped.
      return Promise.all(items.map(item => this.handOverOne(item)))
    }
    return this.outcomes(items)
  }

  async states(batchIds: string[]): Promise<AnswerState[]> {
    const { client, queue } = this.started()
    try {
      return await jobStates(client, queue, batchIds)
    } catch (error) {
      throw redisError(error, addressOf(client))
    }
  }

  /** A job that a worker has taken, or that has ended, is left as it is. */
  async withdraw(batchIds: string[]): Promise<string[]> {
    const { queue, texts } = this.started()
    const states = await this.states(batchIds)
    batchIds.forEach((batchId, i) => {
      texts?.wasSuperseded(batchId, states[i]?.state === 'skipped')
    })
    const waiting = batchIds.filter((_, i) => states[i]?.state === 'waiting')
    // 0: a worker has taken it meanwhile.
    const removals = await Promise.all(waiting.map(batchId => queue.remove(batchId)))
    return waiting.filter((_, i) => removals[i] === 1)
  }

  async repeat(batchIds: string[]): Promise<void> {
    const { queue, log } = this.started()
    for (const batchId of batchIds)
      try {
        const job = await queue.getJob(batchId)
        if (job && isSkipped(JSON.stringify(job.returnvalue))) await job.retry('completed')
      } catch (error) {
        // Another processor may have been faster. If not, the next check finds it again.
        log.debug({ batchId, err: error }, 'a batch that its worker skipped could not be put back into the queue')
      }
  }

  private async add(items: HandoverItem[]): Promise<void> {
    const { queue, outage, texts } = this.started()
    const jobs = items.map(({ batch, traceHeaders }) => ({
      name: JOB_NAME,
      data: batch,
      opts: { ...this.options.job, jobId: batch.batchId, ...(traceHeaders && telemetryOf(traceHeaders)) },
    }))
    for (const { batch } of items) texts?.handingOver(batch.batchId)
    const [first, ...more] = jobs
    // A pipeline costs more to make than one job to add.
    if (first && more.length === 0) await queue.add(first.name, first.data, first.opts)
    else await queue.addBulk(jobs)
    outage.ended()
  }

  private async handOverOne(item: HandoverItem): Promise<HandoverOutcome> {
    try {
      await this.add([item])
    } catch (error) {
      const trouble = this.trouble(error)
      if (trouble) return this.notCounted(item.batch.batchId, trouble)
      return { result: 'failed', counts: true, error: error instanceof Error ? error : new Error(String(error)) }
    }
    return { result: 'taken' }
  }

  /**
   * A batch that was added before may have been answered before, and then no event comes: its state is read. (If
   * another processor added it and died, the answer checks find the answer.)
   */
  private async outcomes(items: HandoverItem[]): Promise<HandoverOutcome[]> {
    const asked = items.flatMap(({ batch: { batchId }, attempt }) =>
      this.doubtful.remove(batchId) || attempt > 1 ? [batchId] : [],
    )
    if (asked.length === 0) return items.map(() => ({ result: 'taken' }))
    const ended = new Map<string, HandoverOutcome>()
    try {
      const states = await this.states(asked)
      await this.repeat(asked.filter((_, i) => states[i]?.state === 'skipped'))
      asked.forEach((batchId, i) => {
        const state = states[i]
        if (state?.state === 'ended') ended.set(batchId, { result: 'answered', outcome: state.outcome })
      })
    } catch {
      // They are in the queue, and the answer checks read their states later.
    }
    return items.map(({ batch }) => ended.get(batch.batchId) ?? { result: 'taken' })
  }

  private notCounted(batchId: string, error: Error): HandoverOutcome {
    this.doubtful.add(batchId)
    return { result: 'failed', counts: false, error, retryAfterMs: RETRY_AFTER_MS }
  }

  /** The error to report if the queue refuses any batch, not this one. */
  private trouble(error: unknown): Error | undefined {
    if (!this.open) return new Error(`the handover to queue ${this.location.name} is not running`)
    const known = redisError(error, addressOf(this.open.client))
    if (known instanceof StoreUnavailable) {
      // Redis may be connected and still refuse writes: its memory is full, say.
      this.open.outage.began(known)
      return known
    }
    if (isWrongType(known))
      return new Error(
        `queue ${this.location.name}: a key under ${this.location.prefix}:${this.location.name} is not BullMQ's: set LULL_QUEUE_PREFIX`,
      )
    return undefined
  }

  private started() {
    if (!this.open) throw new Error(`the handover to queue ${this.location.name} is not running: start() it first`)
    return this.open
  }
}
