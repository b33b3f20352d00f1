/**
 * One run of a job: the call of the handler, and what may cut it short.
 *
 *     running ─► done | failed                the handler has resolved or rejected
 *        └─ cut ─► done | failed | abandoned  its signal is aborted; after a grace period it is not waited for any more
 *
 * It is cut for one of three reasons: the answer timeout is near, the lock is lost (another worker may have the job
 * now), or the worker stops.
 */
import type { Batch } from '../batch.js'
import type { Handle } from '../handover/function.js'
import { LazyAbort } from '../lazy-abort.js'
import type { Logger } from '../logger.js'

export type Cut = 'timeout' | 'lock' | 'stop'

export type RunResult =
  | { result: 'done' }
  | { result: 'failed'; error: unknown; cut?: Cut }
  | { result: 'abandoned'; cut: Cut }

export interface RunOptions {
  attempt: number
  log: Logger
  answerTimeoutMs: number
  /** How long a lock lasts unless it is renewed. */
  lockMs: number
}

const LONGEST_GRACE_MS = 5000
const GRACE_SHARE = 0.1

/** How much of `ms` a handler has left once its signal is aborted. */
export const graceOf = (ms: number) => Math.min(ms * GRACE_SHARE, LONGEST_GRACE_MS)

const REASONS: Record<Cut, string> = {
  timeout: 'the answer timeout is near',
  lock: 'the job’s lock was lost: another worker may have it now',
  stop: 'the worker is stopping',
}

export class Run {
  readonly result: Promise<RunResult>
  private readonly own = new LazyAbort()
  private readonly timeout: NodeJS.Timeout
  private readonly lock: NodeJS.Timeout
  private readonly graceMs: number
  private grace: NodeJS.Timeout | undefined
  private reason: Cut | undefined
  private abandon: (result: RunResult) => void = () => {}

  constructor(
    private readonly batch: Batch,
    handle: Handle,
    private readonly options: RunOptions,
  ) {
    const { answerTimeoutMs, lockMs } = options
    this.graceMs = graceOf(answerTimeoutMs)
    this.timeout = setTimeout(() => this.cut('timeout'), answerTimeoutMs - this.graceMs)
    this.lock = setTimeout(() => this.cut('lock'), lockMs)
    const abandoned = new Promise<RunResult>(resolve => {
      this.abandon = resolve
    })
    this.result = Promise.race([this.work(handle), abandoned]).finally(() => {
      for (const timer of [this.timeout, this.lock, this.grace]) clearTimeout(timer)
    })
  }

  /** The lock was renewed. */
  renewed(): void {
    if (!this.reason) this.lock.refresh()
  }

  /** Aborts the signal. A handler that still runs `graceMs` later is abandoned. The first reason counts. */
  cut(reason: Cut, graceMs = this.graceMs): void {
    if (this.reason) return
    this.reason = reason
    this.own.abort(new Error(REASONS[reason]))
    this.grace = setTimeout(() => this.abandon({ result: 'abandoned', cut: reason }), graceMs)
  }

  private async work(handle: Handle): Promise<RunResult> {
    const { own } = this
    const { attempt, log } = this.options
    const context = {
      get signal() {
        return own.signal
      },
      attempt,
      log,
    }
    try {
      // Its value is dropped: one that is not JSON would fail a job that is done.
      await handle(this.batch, context)
      return { result: 'done' }
    } catch (error) {
      return { result: 'failed', error, ...(this.reason && { cut: this.reason }) }
    }
  }
}
