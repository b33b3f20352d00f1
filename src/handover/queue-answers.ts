/**
 * BullMQ's own events, as answers. They are a stream, read from where it ended when this began: after a lost connection
 * reading goes on behind the last event seen. What was trimmed from it meanwhile is found by asking for the jobs' states.
 *
 * The stream is read here, and not by BullMQ's `QueueEvents`: of the four events and more that each job of the queue
 * leaves, in every processor, that one makes objects and emits each twice, and comes back for each as it is written.
 *
 * `failed` is written only when a job's attempts are used up; a retry is `delayed` or `waiting` (BullMQ 4, 5 and 6).
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import type { AnswerOutcome } from '../store/store.js'
import { type Bullmq, endConnection } from './bullmq-connection.js'
import type { HandoverContext, HandoverEvents } from './handover.js'

const BLOCK_MS = 10_000
const EVENTS_A_READ = 1000
/** Between reads: what happens meanwhile is read together. Next to the work that has ended it is no time. */
const PAUSE_MS = 5
const READ_AGAIN_MS = 1000

const OUTCOMES: ReadonlyMap<string | undefined, AnswerOutcome> = new Map([
  ['completed', 'completed'],
  ['failed', 'failed'],
  ['removed', 'removed'],
])

export class QueueAnswers {
  private readonly stream: string
  private lastId = '0-0'
  private readonly stopping = new AbortController()

  /** @param client for this alone: it waits on the server */
  constructor(
    { QueueKeys }: Bullmq,
    private readonly client: Redis,
    queue: { name: string; prefix: string },
    private readonly events: HandoverEvents,
    private readonly log: HandoverContext['log'],
  ) {
    this.stream = new QueueKeys(queue.prefix).toKey(queue.name, 'events')
  }

  /** Resolves when no event from now on will be missed. */
  async start(): Promise<void> {
    // Never `$`: between two reads of it what happens is missed.
    const [last] = await this.client.xrevrange(this.stream, '+', '-', 'COUNT', 1)
    if (last) this.lastId = last[0]
    void this.read()
  }

  stop(): void {
    this.stopping.abort()
    endConnection(this.client)
  }

  private async read(): Promise<void> {
    const { signal } = this.stopping
    while (!signal.aborted) {
      let pauseMs = PAUSE_MS
      try {
        for (const [id, fields] of await this.next()) {
          this.lastId = id
          this.hear(fields)
        }
      } catch (error) {
        // A lost connection is none: the call is sent again on the next one.
        if (!signal.aborted)
          this.log.warn({ err: error }, `the events of ${this.stream} could not be read; trying again`)
        pauseMs = READ_AGAIN_MS
      }
      await delay(pauseMs, undefined, { signal }).catch(() => {})
    }
  }

  private async next(): Promise<[id: string, fields: string[]][]> {
    const { stream, lastId } = this
    const read = await this.client.xread('COUNT', EVENTS_A_READ, 'BLOCK', BLOCK_MS, 'STREAMS', stream, lastId)
    return read?.[0]?.[1] ?? []
  }

  private hear(fields: string[]): void {
    const outcome = OUTCOMES.get(fieldOf(fields, 'event'))
    const jobId = outcome && fieldOf(fields, 'jobId')
    if (jobId) this.events.onAnswered(jobId, outcome)
  }
}

/** The value behind a name: they stand in turn. */
function fieldOf(fields: string[], name: string): string | undefined {
  for (let i = 0; i < fields.length; i += 2) if (fields[i] === name) return fields[i + 1]
  return undefined
}
