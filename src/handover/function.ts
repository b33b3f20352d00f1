/**
 * The handover to a function in this process: the batch is answered when its promise settles. The processor renews the
 * lease while the function runs.
 */
import type { Batch } from '../batch.js'
import { LazyAbort } from '../lazy-abort.js'
import { type Logger, silent } from '../logger.js'
import type { Handover, HandoverItem, HandoverOutcome } from './handover.js'

/**
 * Works on a batch. Resolves: answered. Rejects: tried again, up to `maxAttempts` times.
 * `signal` is aborted when the lease is lost, the answer timeout has passed, or the program stops.
 */
export type Handle = (
  batch: Batch,
  context: { signal: AbortSignal; attempt: number; log: Logger },
) => unknown | Promise<unknown>

export interface FunctionHandoverOptions {
  handle: Handle
  /** How many calls run at once. */
  concurrency?: number
  /** After this time a call's signal is aborted, and its conversation continues without it. */
  answerTimeoutMs: number
}

const CONCURRENCY = 16

export function functionHandover({
  handle,
  concurrency = CONCURRENCY,
  answerTimeoutMs,
}: FunctionHandoverOptions): Handover {
  if (typeof handle !== 'function') throw new TypeError('handle is not a function: give one that takes a batch')
  let log = silent

  const call = async ({ batch, attempt, signal }: HandoverItem): Promise<HandoverOutcome> => {
    const running = new Running(signal, answerTimeoutMs)
    const context = {
      get signal() {
        return running.signal
      },
      attempt,
      log,
    }
    const work = (async () => handle(batch, context))()
    try {
      const first = await Promise.race([work.then(() => 'done' as const), running.cut])
      if (first === 'done') return { result: 'answered', outcome: 'completed' }
    } catch (error) {
      if (running.isCutBy === undefined) return { result: 'failed', counts: true, error: asError(error) }
    } finally {
      running.end()
    }
    work.catch(error =>
      log.debug({ batchId: batch.batchId, err: error }, 'a handler ended after its signal was aborted'),
    )
    if (running.isCutBy === 'timeout') return { result: 'answered', outcome: 'timeout' }
    return { result: 'failed', counts: false, error: asError(signal.reason) }
  }

  return {
    kind: 'function',
    batchesPerCall: 1,
    concurrency,
    async start(context) {
      log = context.log
    },
    handOver: items => Promise.all(items.map(call)),
    async stop() {},
  }
}

/**
 * One call while it runs. The answer timeout or the processor (a lost lease, a stop) may cut it short. A handler that
 * ignores its signal runs on, but its conversation does not wait for it.
 */
class Running {
  isCutBy: 'timeout' | 'processor' | undefined
  readonly cut: Promise<'cut'>
  private readonly own = new LazyAbort()
  private readonly timer: NodeJS.Timeout
  private resolve: (word: 'cut') => void = () => {}

  constructor(
    private readonly outer: AbortSignal,
    private readonly timeoutMs: number,
  ) {
    this.cut = new Promise(resolve => {
      this.resolve = resolve
    })
    this.timer = setTimeout(() => this.cutBy('timeout'), timeoutMs)
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

  private readonly onOuter = () => this.cutBy('processor')

  private cutBy(what: 'timeout' | 'processor'): void {
    if (this.isCutBy) return
    this.isCutBy = what
    this.own.abort(what === 'timeout' ? new Error(`no answer within ${this.timeoutMs} ms`) : this.outer.reason)
    this.resolve('cut')
  }
}

const asError = (reason: unknown) => (reason instanceof Error ? reason : new Error(String(reason)))
