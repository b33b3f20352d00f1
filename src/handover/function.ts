/**
 * The handover to a function in this process: its promise is the answer. It runs for as long as the work does, under a
 * lease that is renewed meanwhile.
 */
import type { Batch } from '../batch.js'
import { type Logger, silent } from '../logger.js'
import type { Handover, HandoverItem, HandoverOutcome } from './handover.js'

/**
 * What works on a batch. Resolves: answered. Rejects: tried again, up to `maxAttempts` times.
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
  /** After this long a call's signal is aborted, and its conversation goes on without it. */
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
    const timeout = new AbortController()
    const timer = setTimeout(() => timeout.abort(new Error(`no answer within ${answerTimeoutMs} ms`)), answerTimeoutMs)
    const either = AbortSignal.any([signal, timeout.signal])
    // A handler that heeds no signal is left behind: its conversation must go on.
    const aborted = new Promise<'aborted'>(resolve => {
      if (either.aborted) resolve('aborted')
      either.addEventListener('abort', () => resolve('aborted'), { once: true })
    })
    const work = (async () => handle(batch, { signal: either, attempt, log }))()
    try {
      const first = await Promise.race([work.then(() => 'done' as const), aborted])
      if (first === 'done') return { result: 'answered', outcome: 'completed' }
    } catch (error) {
      if (!either.aborted) return { result: 'failed', counts: true, error: asError(error) }
    } finally {
      clearTimeout(timer)
    }
    work.catch(error =>
      log.debug({ batchId: batch.batchId, err: error }, 'a handler ended after its signal was aborted'),
    )
    if (timeout.signal.aborted) return { result: 'answered', outcome: 'timeout' }
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

const asError = (reason: unknown) => (reason instanceof Error ? reason : new Error(String(reason)))
