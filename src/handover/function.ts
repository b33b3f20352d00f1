/**
 * The handover to a function in this process: the batch is answered when its promise settles. The processor renews the
 * lease while the function runs.
 */
import { AnswerTimeout } from '../abort-reasons.js'
import type { Batch } from '../batch.js'
import { LazyAbort, onAbort, type Signalling } from '../lazy-abort.js'
import { type Logger, silent } from '../logger.js'
import { isSuperseded } from '../superseded.js'
import { AskedCommit } from './asked-commit.js'
import type { Committed } from './commits.js'
import { HandlerContext } from './handler-context.js'
import type { Handover, HandoverItem, HandoverOutcome } from './handover.js'

/** What a handler gets beside the batch. */
export interface HandleContext {
  /** Aborted with a `Superseded`, a `LeaseLost`, an `AnswerTimeout`, or a `ProcessorStopping` as its `reason`. */
  signal: AbortSignal
  /** 1 for the first call with this batch, and again for the first one after a redrive. */
  attempt: number
  /** The processor's, or the worker's. */
  log: Logger
}

/**
 * Works on a batch. Resolves: answered. Rejects: tried again, up to `maxAttempts` times.
 * @typeParam Meta of each message's `meta`
 */
export type Handle<Meta = unknown> = (batch: Batch<Meta>, context: HandleContext) => unknown | Promise<unknown>

/** What a handler gets that may commit. */
export interface CommittingContext extends HandleContext {
  /**
   * Call it before the first thing that cannot be taken back. Waits for the due time, and for Redis if it is
   * away. All calls of one run get the same answer.
   * @throws {Superseded} if newer messages have superseded the batch: `signal` is aborted then, too. What `signal` was
   *   aborted with, if the run was cut short
   */
  commit(): Promise<Committed>
}

/**
 * A `Handle` that may commit before it sends: needed with `answering: 'supersede'`, see docs/answers.md.
 * @typeParam Meta of each message's `meta`
 */
export type CommittingHandle<Meta = unknown> = (
  batch: Batch<Meta>,
  context: CommittingContext,
) => unknown | Promise<unknown>

/**
 * A handler as Lull calls it. What programs stored as `meta` is trusted to be what the handler expects.
 * @throws {TypeError} if it is no function
 */
export function handlerOf<Meta>(handle: CommittingHandle<Meta>): CommittingHandle {
  if (typeof handle !== 'function') throw new TypeError('handle is not a function: give one that takes a batch')
  const isExpected = (_batch: Batch): _batch is Batch<Meta> => true
  return (batch, context) => (isExpected(batch) ? handle(batch, context) : undefined)
}

export interface FunctionHandoverOptions<Meta = unknown> {
  handle: CommittingHandle<Meta>
  /** How many calls run at once. */
  concurrency?: number
  /** After this time a call's signal is aborted, and its conversation continues without it. */
  answerTimeoutMs: number
}

/** Its kind, as metrics and presences name it. */
export const FUNCTION = 'function'
const CONCURRENCY = 16

export function functionHandover<Meta>({
  concurrency = CONCURRENCY,
  answerTimeoutMs,
  ...options
}: FunctionHandoverOptions<Meta>): Handover {
  const handle = handlerOf(options.handle)
  let log = silent

  const call = async (item: HandoverItem): Promise<HandoverOutcome> => {
    const { batch, attempt, commit } = item
    const running = new Running(item, answerTimeoutMs)
    const asked = new AskedCommit(commit)
    const context = new HandlerContext(running, attempt, log, asked.commit)
    const work = (async () => handle(batch, context))()
    try {
      const first = await running.firstOf(work)
      if (first === 'done' && running.isCutBy !== 'newer messages') return { result: 'answered', outcome: 'completed' }
    } catch (error) {
      if (running.isCutBy === undefined) return { result: 'failed', counts: true, error: asError(error) }
    } finally {
      running.end()
    }
    work.catch(error =>
      log.debug({ batchId: batch.batchId, err: error }, 'a handler ended after its signal was aborted'),
    )
    if (running.isCutBy === 'newer messages') return { result: 'superseded' }
    if (running.isCutBy === 'timeout')
      return asked.isWaiting
        ? { result: 'failed', counts: true, error: new Error(`not committed within ${answerTimeoutMs} ms`) }
        : { result: 'answered', outcome: 'timeout' }
    return { result: 'failed', counts: false, error: asError(running.reason) }
  }

  return {
    kind: FUNCTION,
    batchesPerCall: 1,
    concurrency,
    traced: { operation: 'process' },
    async start(context) {
      log = context.log
    },
    handOver: items => Promise.all(items.map(call)),
    async stop() {},
  }
}

/**
 * One call while it runs. The answer timeout, newer messages or the processor (a lost lease, a stop) may cut it short.
 * A handler that ignores its signal runs on, but its conversation does not wait for it.
 */
class Running extends LazyAbort {
  isCutBy: 'timeout' | 'processor' | 'newer messages' | undefined
  private readonly timer: NodeJS.Timeout
  private readonly leaveOuter: () => void
  private onCut: () => void = () => {}

  constructor(outer: Signalling, timeoutMs: number) {
    super()
    this.leaveOuter = onAbort(outer, reason =>
      this.cutBy(isSuperseded(reason) ? 'newer messages' : 'processor', reason),
    )
    this.timer = setTimeout(() => this.cutBy('timeout', new AnswerTimeout(timeoutMs)), timeoutMs)
  }

  /** Resolves when the work is done, or when the call is cut short. Rejects if the work does before that. */
  firstOf(work: Promise<unknown>): Promise<'done' | 'cut'> {
    return new Promise((resolve, reject) => {
      if (this.isCutBy) resolve('cut')
      this.onCut = () => resolve('cut')
      work.then(() => resolve('done'), reject)
    })
  }

  end(): void {
    clearTimeout(this.timer)
    this.leaveOuter()
  }

  private cutBy(what: NonNullable<Running['isCutBy']>, reason: unknown): void {
    if (this.isCutBy) return
    this.isCutBy = what
    this.abort(reason)
    this.onCut()
  }
}

const asError = (reason: unknown) => (reason instanceof Error ? reason : new Error(String(reason)))
