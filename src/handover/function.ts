/**
 * The handover to a function in this process: the batch is answered when its promise settles. The processor renews the
 * lease while the function runs.
 */
import type { Batch } from '../batch.js'
import { LazyAbort } from '../lazy-abort.js'
import { type Logger, silent } from '../logger.js'
import type { Commits, Committed } from './commits.js'
import type { Handover, HandoverItem, HandoverOutcome } from './handover.js'

export interface HandleContext {
  /** Aborted when the lease is lost, the answer timeout has passed, or the program stops. */
  signal: AbortSignal
  attempt: number
  log: Logger
}

/** Works on a batch. Resolves: answered. Rejects: tried again, up to `maxAttempts` times. */
export type Handle = (batch: Batch, context: HandleContext) => unknown | Promise<unknown>

export interface CommittingContext extends HandleContext {
  /**
   * Call it before the first thing that cannot be taken back. Waits for the due time. All calls of one run get the
   * same answer.
   * @throws {Superseded} if newer messages have withdrawn the batch: `signal` is aborted then, too. What `signal` was
   *   aborted with, if the run was cut short
   */
  commit(): Promise<Committed>
}

/** A `Handle` that may commit: see `answering` in src/rules.ts. */
export type CommittingHandle = (batch: Batch, context: CommittingContext) => unknown | Promise<unknown>

export interface FunctionHandoverOptions {
  handle: CommittingHandle
  /** How many calls run at once. */
  concurrency?: number
  /** After this time a call's signal is aborted, and its conversation continues without it. */
  answerTimeoutMs: number
  /** Grants the commits. */
  commits: Commits
}

const CONCURRENCY = 16

export function functionHandover({
  handle,
  concurrency = CONCURRENCY,
  answerTimeoutMs,
  commits,
}: FunctionHandoverOptions): Handover {
  if (typeof handle !== 'function') throw new TypeError('handle is not a function: give one that takes a batch')
  let log = silent

  const call = async ({ batch, attempt, signal }: HandoverItem): Promise<HandoverOutcome> => {
    const running = new Running(signal, answerTimeoutMs)
    const answering = commits.answering(batch.batchId, reason => running.supersede(reason))
    const context = {
      get signal() {
        return running.signal
      },
      attempt,
      log,
      commit: () => answering.commit(),
    }
    const work = (async () => handle(batch, context))()
    try {
      const first = await Promise.race([work.then(() => 'done' as const), running.cut])
      if (first === 'done' && running.isCutBy !== 'newer messages') return { result: 'answered', outcome: 'completed' }
    } catch (error) {
      if (running.isCutBy === undefined) return { result: 'failed', counts: true, error: asError(error) }
    } finally {
      running.end()
      answering.end(running.reason)
    }
    work.catch(error =>
      log.debug({ batchId: batch.batchId, err: error }, 'a handler ended after its signal was aborted'),
    )
    if (running.isCutBy === 'newer messages') return { result: 'superseded' }
    if (running.isCutBy === 'timeout') return { result: 'answered', outcome: 'timeout' }
    return { result: 'failed', counts: false, error: asError(signal.reason) }
  }

  return {
    kind: 'function',
    batchesPerCall: 1,
    concurrency,
    async start(context) {
      log = context.log
      await commits.start()
    },
    handOver: items => Promise.all(items.map(call)),
    stop: () => commits.stop(),
  }
}

/**
 * One call while it runs. The answer timeout or the processor (a lost lease, a stop) may cut it short. A handler that
 * ignores its signal runs on, but its conversation does not wait for it.
 */
class Running {
  isCutBy: 'timeout' | 'processor' | 'newer messages' | undefined
  reason: unknown
  readonly cut: Promise<'cut'>
  private readonly own = new LazyAbort()
  private readonly timer: NodeJS.Timeout
  private resolve: (word: 'cut') => void = () => {}

  constructor(
    private readonly outer: AbortSignal,
    timeoutMs: number,
  ) {
    this.cut = new Promise(resolve => {
      this.resolve = resolve
    })
    this.timer = setTimeout(() => this.cutBy('timeout', new Error(`no answer within ${timeoutMs} ms`)), timeoutMs)
    if (outer.aborted) this.onOuter()
    else outer.addEventListener('abort', this.onOuter, { once: true })
  }

  /** The handler's signal. */
  get signal(): AbortSignal {
    return this.own.signal
  }

  end(): void {
    clearTimeout(this.timer)
    this.outer.removeEventListener('abort', this.onOuter)
  }

  /** The handler's signal is aborted. What it does afterwards is no failed attempt. */
  supersede(reason: Error): void {
    this.cutBy('newer messages', reason)
  }

  private readonly onOuter = () => this.cutBy('processor', this.outer.reason)

  private cutBy(what: NonNullable<Running['isCutBy']>, reason: unknown): void {
    if (this.isCutBy) return
    this.isCutBy = what
    this.reason = reason
    this.own.abort(reason)
    this.resolve('cut')
  }
}

const asError = (reason: unknown) => (reason instanceof Error ? reason : new Error(String(reason)))
