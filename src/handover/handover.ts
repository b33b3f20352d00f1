/**
 * A handover: where claimed batches go. `bullmq()`, `http()` and a library user's function are three of them. A kind
 * that `LULL_HANDOVER` can name is declared in its file as well: see `kind.ts`.
 *
 * A batch that was handed over is `taken` (the receiver has it and reports when the work has ended) or `answered` (the
 * work has ended already). A failure `counts` as one of the batch's attempts unless the receiver is unavailable (a
 * queue whose Redis is down, say): an outage must not turn good batches dead.
 */
import type { Batch } from '../batch.js'
import type { Logger } from '../logger.js'
import type { RedisSource } from '../store/redis/source.js'
import type { AnswerOutcome } from '../store/store.js'
import type { Committed } from './commits.js'

/** What became of a batch that was handed over. */
export type HandoverOutcome =
  /** The receiver has it, and reports when the work has ended. */
  | { result: 'taken' }
  /** The work has ended. */
  | {
      result: 'answered'
      /** How. */
      outcome: AnswerOutcome
    }
  /** Newer messages superseded the batch meanwhile: nothing is left to settle. */
  | { result: 'superseded' }
  /** It will be tried again. */
  | {
      result: 'failed'
      /** Its message is kept with the batch, in one line. */
      error: Error
      /** As one of the batch's `maxAttempts`. */
      counts: boolean
      /** When to try again, in milliseconds. By default more with each attempt. */
      retryAfterMs?: number
    }

/** A batch to be handed over. */
export interface HandoverItem {
  /** The batch. */
  batch: Batch
  /** 1 for the first handover, and again for the first one after a redrive. */
  attempt: number
  /**
   * Aborted when the lease is lost, newer messages supersede the batch (the reason is a `Superseded`), or the
   * processor's stop ran out of time.
   */
  signal: AbortSignal
  /**
   * Waits for the due time; from then on nothing supersedes the batch.
   * @throws {Superseded} if newer messages came before that: `signal` is aborted then, too
   */
  commit(): Promise<Committed>
  /** With telemetry: what carries the trace to the receiver, `traceparent` and what else the program propagates. */
  traceHeaders?: Record<string, string> | undefined
}

/** How spans describe a handover. */
export interface TracedHandover {
  /** `process`: the call does the work itself. By default it sends the batch to its receiver. */
  operation?: 'send' | 'process'
  /** The system that it sends to: `bullmq`. */
  system?: string
  /** Where it sends to, a name with few values: the queue's. */
  destination?: string
  /** The host that it sends to. */
  server?: string
  /** It sends `traceHeaders` itself, so an instrumented HTTP client must add none. */
  sendsHeaders?: boolean
}

/** The state of a batch that a receiver has taken. */
export type AnswerState =
  /** No worker has it yet: it keeps its hold, however long that takes. */
  | { state: 'waiting' }
  /** A worker has it. */
  | {
      state: 'active'
      /** Another one for each attempt of a worker. */
      workerAttempt: string
    }
  /** Its worker is gone, or frozen, and no other one has it yet: it keeps its hold as one that waits. */
  | { state: 'stalled' }
  /** The work has ended. */
  | {
      state: 'ended'
      /** How. */
      outcome: AnswerOutcome
    }
  /** A worker has ended its job without an answer: it took the batch for superseded. */
  | { state: 'skipped' }

/** What a handover reports. */
export interface HandoverEvents {
  /** The work on a batch has ended. Every processor is notified; the one that handed the batch over acts on it. */
  onAnswered(batchId: string, outcome: AnswerOutcome): void
  /** The event stream was interrupted and is back: answers may have been missed. */
  onResumed(): void
}

/** What a processor gives its handover. */
export interface HandoverContext {
  /** The processor's. */
  log: Logger
  /** As connections name themselves: `lull.<role>.<host>.<pid>`. */
  connectionName: string
  /** The processor's own Redis, if it has one: a handover's queue is there unless it names another. */
  redis?: RedisSource
  /** How many partitions the processor's store has; 1: none. */
  partitions?: number
}

/** Where claimed batches go: `bullmq()`, `http()`, or one of your own. */
export interface Handover {
  /** As the metrics label it. */
  readonly kind: string
  /**
   * How many batches one call may take. More than 1: the call is quick and takes them together (a queue). 1: each batch
   * is a call of its own, which may last as long as the work does, and `concurrency` calls run at once.
   */
  readonly batchesPerCall: number
  /** How many calls of `handOver` run at once. */
  readonly concurrency: number
  /** How spans describe it, with telemetry. */
  readonly traced?: TracedHandover
  /** Connects. Rejects with one line that names what is wrong and the remedy. */
  start(context: HandoverContext, events: HandoverEvents): Promise<void>
  /** One outcome an item, in order. Rejecting is the same as failing all of them, not counted. */
  handOver(items: HandoverItem[]): Promise<HandoverOutcome[]>
  /**
   * The states of batches taken earlier, one an id, in order; `undefined` for one that it cannot tell now. Without it,
   * they count as `active` since the handover.
   */
  states?(batchIds: string[]): Promise<(AnswerState | undefined)[]>
  /**
   * Removes the batches on which no work has begun: newer messages have superseded them. Resolves to those that it has
   * removed. A batch that it cannot remove is not an error. Optional: a worker asks the store before it begins, too.
   */
  withdraw?(batchIds: string[]): Promise<string[]>
  /**
   * Gives batches that are `skipped` to a worker again, since they hold their conversations. Optional: only with
   * `states`. A batch that is not skipped any more is not an error.
   */
  repeat?(batchIds: string[]): Promise<void>
  /** Ends connections. Batches that were handed over stay so. May be called twice, or before `start`. */
  stop(): Promise<void>
}
