/**
 * BullMQ's own events, as answers. They are a stream, read from where it ended when this began: after a lost connection
 * reading goes on behind the last event seen. What was trimmed from it meanwhile is found by asking for the jobs' states.
 *
 * The stream is read here, and not by BullMQ's `QueueEvents`: of the four events and more that each job of the queue
 * leaves, in every processor, that one makes objects and emits each twice, and comes back for each as it is written.
 *
 * `failed` is written only when a job's attempts are used up; a retry is `delayed` or `waiting` (BullMQ 4, 5 and 6).
 */
import type { Redis } from 'ioredis'
import { StreamFollower } from '../store/redis/stream-follower.js'
import type { AnswerOutcome } from '../store/store.js'
import { type Bullmq, endConnection } from './bullmq-connection.js'
import type { HandoverContext, HandoverEvents } from './handover.js'

const BLOCK_MS = 10_000
const EVENTS_A_READ = 1000
/** Between reads: what happens meanwhile is read together. Next to the work that has ended it is no time. */
const PAUSE_MS = 5
const RETRY_MS = 1000

const OUTCOMES: ReadonlyMap<string | undefined, AnswerOutcome> = new Map([
  ['completed', 'completed'],
  ['failed', 'failed'],
  ['removed', 'removed'],
])

export class QueueAnswers {
  private readonly follower: StreamFollower

  /** @param client for this alone: it waits on the server */
  constructor(
    { QueueKeys }: Bullmq,
    private readonly client: Redis,
    queue: { name: string; prefix: string },
    private readonly events: HandoverEvents,
    log: HandoverContext['log'],
  ) {
    const key = new QueueKeys(queue.prefix).toKey(queue.name, 'events')
    this.follower = new StreamFollower(client, {
      key,
      blockMs: BLOCK_MS,
      entriesARead: EVENTS_A_READ,
      pauseMs: PAUSE_MS,
      retryMs: RETRY_MS,
      onEntry: (_id, fields) => this.hear(fields),
      // A lost connection is no error: the call is sent again on the next one.
      onError: error => log.warn({ err: error }, `the events of ${key} could not be read; trying again`),
    })
  }

  /** Resolves when no event from now on will be missed. */
  start(): Promise<void> {
    return this.follower.start()
  }

  stop(): void {
    this.follower.stop()
    endConnection(this.client)
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
