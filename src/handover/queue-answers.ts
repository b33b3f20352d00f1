/**
 * BullMQ's own events, as answers. They are a stream, read from where it ended when this began: after a lost connection
 * reading goes on behind the last event seen. What was trimmed from it meanwhile is found by asking for the jobs' states.
 *
 * `failed` is written only when a job's attempts are used up; a retry is `delayed` or `waiting` (BullMQ 4, 5 and 6).
 */
import type { QueueEvents } from 'bullmq'
import type { Redis } from 'ioredis'
import { type Bullmq, backendOn, endConnection } from './bullmq-connection.js'
import type { HandoverContext, HandoverEvents } from './handover.js'

const READ_AGAIN_MS = 1000
const CLOSE_MS = 1000

export class QueueAnswers {
  private queueEvents: QueueEvents | undefined
  private again: NodeJS.Timeout | undefined
  private stopped = false

  constructor(
    private readonly bullmq: Bullmq,
    private readonly client: Redis,
    private readonly queue: { name: string; prefix: string },
    private readonly events: HandoverEvents,
    private readonly log: HandoverContext['log'],
  ) {}

  /** Resolves when no event from now on will be missed. */
  async start(): Promise<void> {
    const { bullmq, client, queue, events } = this
    const { QueueEvents, QueueKeys } = bullmq
    const stream = new QueueKeys(queue.prefix).toKey(queue.name, 'events')
    // Never `$`: between two reads of it what happens is missed.
    const lastEventId = (await client.xrevrange(stream, '+', '-', 'COUNT', 1))[0]?.[0] ?? '0-0'
    const options = { connection: client, prefix: queue.prefix, lastEventId, autorun: false }
    const queueEvents = new QueueEvents(queue.name, options, backendOn(bullmq, client))
    queueEvents.on('completed', ({ jobId }) => events.onAnswered(jobId, 'completed'))
    queueEvents.on('failed', ({ jobId }) => events.onAnswered(jobId, 'failed'))
    queueEvents.on('removed', ({ jobId }) => events.onAnswered(jobId, 'removed'))
    // The connection's own are heard where it was opened.
    queueEvents.on('error', error => this.log.debug({ err: error }, 'an error while the queue’s events were read'))
    this.queueEvents = queueEvents
    queueEvents.run().catch(error => this.readAgain(error))
  }

  async stop(): Promise<void> {
    this.stopped = true
    clearTimeout(this.again)
    const closing = this.queueEvents?.close().catch(error => {
      // It broke while it was being closed: closed is what was wanted.
      this.log.debug({ err: error }, 'the queue’s events were not closed cleanly')
    })
    // BullMQ waits for the end of a connection that may not stand just now.
    await Promise.race([closing, new Promise(resolve => setTimeout(resolve, CLOSE_MS).unref())])
    endConnection(this.client)
  }

  /** An event that BullMQ can't read (a return value that is no JSON, say) ends its reading: begin again behind it. */
  private readAgain(error: unknown): void {
    if (this.stopped) return
    this.log.warn({ err: error }, `the events of queue ${this.queue.name} stopped: they are read again, and jobs asked`)
    this.again = setTimeout(() => {
      this.start().then(
        () => this.events.onResumed(),
        reason => this.readAgain(reason),
      )
    }, READ_AGAIN_MS)
  }
}
