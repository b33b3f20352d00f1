/**
 * Reads the ends of answers from BullMQ's event stream, from its last event at the start on. After a lost connection
 * reading goes on behind the last event that was read. Events that were trimmed meanwhile are found by the jobs'
 * states.
 *
 * BullMQ's `QueueEvents` would cost more: each job leaves at least four events, and in every processor it reads each
 * one as soon as it is written, makes an object of it and emits it twice.
 *
 * `failed` is written only when a job's attempts are used up; a retry is `delayed` or `waiting` (BullMQ 4, 5 and 6).
 */
import type { Redis } from 'ioredis'
import { StreamFollower } from '../store/redis/stream-follower.js'
import type { AnswerOutcome } from '../store/store.js'
import { type Bullmq, endConnection } from './bullmq-connection.js'
import type { HandoverContext, HandoverEvents } from './handover.js'
import { isSkipped } from './job-states.js'

const BLOCK_MS = 10_000
const EVENTS_A_READ = 1000
/** The pause between reads: events of this time are read together. It is short beside the work that has ended. */
const PAUSE_MS = 5
const RETRY_MS = 1000

const OUTCOMES: ReadonlyMap<string | undefined, AnswerOutcome> = new Map([
  ['completed', 'completed'],
  ['failed', 'failed'],
  ['removed', 'removed'],
])

export class QueueAnswers {
  private readonly follower: StreamFollower

  /**
   * @param client used for nothing else: its reads block
   * @param events `onCompleted`: a worker has completed a job, also one that it skipped
   */
  constructor(
    { QueueKeys }: Bullmq,
    private readonly client: Redis,
    queue: { name: string; prefix: string },
    private readonly events: Pick<HandoverEvents, 'onAnswered'> & {
      onCompleted(jobId: string, isSkipped: boolean): void
    },
    log: HandoverContext['log'],
  ) {
    const key = new QueueKeys(queue.prefix).toKey(queue.name, 'events')
    this.follower = new StreamFollower(client, {
      key,
      blockMs: BLOCK_MS,
      entriesARead: EVENTS_A_READ,
      pauseMs: PAUSE_MS,
      retryMs: RETRY_MS,
      onEntry: (_id, fields) => this.onFields(fields),
      // A lost connection is not an error: the call is sent again on the next one.
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

  private onFields(fields: string[]): void {
    const outcome = OUTCOMES.get(fieldOf(fields, 'event'))
    const jobId = outcome && fieldOf(fields, 'jobId')
    if (!jobId) return
    const isNoAnswer = outcome === 'completed' && isSkipped(fieldOf(fields, 'returnvalue'))
    if (outcome === 'completed') this.events.onCompleted(jobId, isNoAnswer)
    // If its batch is still to be answered, the next check finds it.
    if (!isNoAnswer) this.events.onAnswered(jobId, outcome)
  }
}

/** The value of a field in a list of names and values in turn. */
function fieldOf(fields: string[], name: string): string | undefined {
  for (let i = 0; i < fields.length; i += 2) if (fields[i] === name) return fields[i + 1]
  return undefined
}
