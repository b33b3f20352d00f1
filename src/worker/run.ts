/**
 * One run of a job: the call of the handler, and what may cut it short.
 *
 *     running ─► done | failed                the handler has resolved or rejected
 *        └─ cut ─► done | failed | abandoned  its signal is aborted; after a grace period it is not waited for any more
 *
 * It is cut for one of four reasons: the answer timeout is near, the lock is lost (another worker may have the job
 * now), the worker stops, or newer messages have superseded the batch. In the last case it always ends as `superseded`.
 *
 * Before the call the store is asked whether the batch still holds its conversation: its job may have waited for long,
 * or be an old one that is tried again. If not, the handler is not called. While the store is away the run waits for
 * it; the answer timeout counts from the call.
 */
import type { Batch } from '../batch.js'
import { AskedCommit } from '../handover/asked-commit.js'
import type { Answering, Granting } from '../handover/commits.js'
import type { CommittingHandle } from '../handover/function.js'
import { HandlerContext } from '../handover/handler-context.js'
import { LazyAbort } from '../lazy-abort.js'
import type { Logger } from '../logger.js'
import type { HoldState } from '../store/store.js'
import type { Superseded } from '../superseded.js'

export type Cut = 'timeout' | 'lock' | 'stop'

export interface CutOptions {
  /** How long a handler may still run. */
  graceMs?: number
  /** The reason of its signal. */
  error?: unknown
}

export type RunResult =
  | { result: 'done' }
  /** `isUncommitted`: the answer timeout came while the handler waited for its commit, so nothing was sent. */
  | { result: 'failed'; error: unknown; cut?: Cut; isUncommitted?: true }
  | { result: 'abandoned'; cut: Cut; isUncommitted?: true }
  /** `isAbandoned`: the handler ignores its signal, and may still be running. */
  | { result: 'superseded'; reason: Superseded; isAbandoned: boolean }
  /** The handler was not called. */
  | { result: 'not begun'; state: Exclude<HoldState, 'held'> }

export interface RunOptions {
  attempt: number
  log: Logger
  answerTimeoutMs: number
  /** How long a lock lasts unless it is renewed. Absent: the run does not watch its lock. */
  lockMs?: number
  /** Grants the commits. */
  commits: Granting
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

/** What traces a run: telemetry/job-span.ts. */
export interface RunSpan {
  within<Result>(run: () => Result): Result
  /** The handler, with its commits traced. */
  traced(handle: CommittingHandle): CommittingHandle
}

/** Begins a run, inside its span if there is one. */
export function begin(batch: Batch, handle: CommittingHandle, span: RunSpan | undefined, options: RunOptions): Run {
  if (!span) return new Run(batch, handle, options)
  return span.within(() => new Run(batch, span.traced(handle), options))
}

export class Run {
  readonly result: Promise<RunResult>
  private readonly own = new LazyAbort()
  private readonly answering: Answering
  private readonly asked: AskedCommit
  private isUncommitted = false
  private timeout: NodeJS.Timeout | undefined
  private readonly lock: NodeJS.Timeout | undefined
  private readonly graceMs: number
  private grace: NodeJS.Timeout | undefined
  private reason: Cut | Superseded | undefined
  private abandon: (result: RunResult) => void = () => {}

  constructor(
    private readonly batch: Batch,
    private readonly handle: CommittingHandle,
    private readonly options: RunOptions,
  ) {
    const { answerTimeoutMs, lockMs, commits } = options
    this.graceMs = graceOf(answerTimeoutMs)
    if (lockMs !== undefined) this.lock = setTimeout(() => this.cut('lock'), lockMs)
    this.answering = commits.answering(batch.batchId, reason => this.supersede(reason), batch.answering)
    this.asked = new AskedCommit(() => this.answering.commit())
    const abandoned = new Promise<RunResult>(resolve => {
      this.abandon = resolve
    })
    this.result = Promise.race([
      commits.asksAbout(batch.answering) ? this.workIfHeld() : this.work(),
      abandoned,
    ]).finally(() => {
      this.answering.end()
      for (const timer of [this.timeout, this.lock, this.grace]) clearTimeout(timer)
    })
  }

  /** The lock was renewed. */
  renewed(): void {
    if (!this.reason) this.lock?.refresh()
  }

  /** Aborts the signal. A handler that still runs `graceMs` later is abandoned. The first reason counts. */
  cut(reason: Cut, { graceMs = this.graceMs, error = new Error(REASONS[reason]) }: CutOptions = {}): void {
    if (this.reason) return
    this.isUncommitted = reason === 'timeout' && this.asked.isWaiting
    this.abort(reason, error, graceMs, { result: 'abandoned', cut: reason, ...this.uncommitted })
    this.answering.end(error)
  }

  private supersede(reason: Superseded): void {
    if (!this.reason) this.abort(reason, reason, this.graceMs, { result: 'superseded', reason, isAbandoned: true })
  }

  private abort(reason: Cut | Superseded, error: unknown, graceMs: number, abandoned: RunResult): void {
    this.reason = reason
    this.own.abort(error)
    this.grace = setTimeout(() => this.abandon(abandoned), graceMs)
  }

  private async workIfHeld(): Promise<RunResult> {
    try {
      const state = await this.answering.holdState()
      if (state !== 'held') return { result: 'not begun', state }
    } catch (error) {
      return this.ended({ result: 'failed', error })
    }
    return this.work()
  }

  private async work(): Promise<RunResult> {
    const { own, asked } = this
    const { attempt, log, answerTimeoutMs } = this.options
    this.timeout = setTimeout(() => this.cut('timeout'), answerTimeoutMs - this.graceMs)
    const context = new HandlerContext(own, attempt, log, asked.commit)
    try {
      // Its value is dropped: one that is not JSON would fail a job that is done.
      await this.handle(this.batch, context)
      return this.ended({ result: 'done' })
    } catch (error) {
      return this.ended({ result: 'failed', error })
    }
  }

  /** How it ended, in view of what cut it. */
  private ended(end: { result: 'done' } | { result: 'failed'; error: unknown }): RunResult {
    const { reason } = this
    if (typeof reason === 'object') return { result: 'superseded', reason, isAbandoned: false }
    return end.result === 'failed' && reason ? { ...end, cut: reason, ...this.uncommitted } : end
  }

  private get uncommitted(): { isUncommitted?: true } {
    return this.isUncommitted ? { isUncommitted: true } : {}
  }
}
