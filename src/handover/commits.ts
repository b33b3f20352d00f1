/**
 * The commits of the batches that this process works on. One subscription serves all of them. A commit before the due
 * time waits with one timer. A notice ends that wait: the batch was superseded, its due time has moved, or notices may
 * have been missed. The commit then asks the store again.
 *
 * It also counts for metrics, for the function handover, the worker and the HTTP routes alike: each commit, each run, and
 * each superseded batch once in this process, however many runs it had.
 */
import type { CommitOutcome, Observer } from '../observer.js'
import type { Store, SupersedeListener } from '../store/store.js'
import { Superseded } from '../superseded.js'

export interface Committed {
  /** It was committed before: an earlier run of the work may have sent its answer. */
  again: boolean
}

/** One run of the work on a batch. */
export interface Answering {
  /**
   * All calls of one run get the same answer, so that a tool and the handler that offers it may both commit. A promise
   * that nobody awaits does no harm: its rejection ends no process.
   * @throws {Superseded} if newer messages have withdrawn the batch. @throws {StoreUnavailable}
   */
  commit(): Promise<Committed>
  /** Ends the run. A commit that still waits rejects with `reason`. */
  end(reason?: unknown): void
}

export class Commits {
  private readonly watched = new Map<string, Runs>()
  private stopListening: (() => Promise<void>) | undefined

  constructor(
    private readonly store: Pick<Store, 'rules' | 'commit' | 'followSuperseded'>,
    private readonly observer: Pick<Observer, 'committed' | 'superseded' | 'runWasted'> = {},
  ) {}

  async start(): Promise<void> {
    if (this.supersedes) this.stopListening ??= await this.store.followSuperseded(this.listener)
  }

  async stop(): Promise<void> {
    const stop = this.stopListening
    this.stopListening = undefined
    await stop?.()
  }

  /** @param onSuperseded called once, by a notice or by a commit that is refused */
  answering(batchId: string, onSuperseded: (reason: Superseded) => void): Answering {
    const runs = this.watched.get(batchId) ?? new Runs(this.observer)
    this.watched.set(batchId, runs)
    const run = new AnsweringRun(batchId, runs, onSuperseded)
    runs.add(run)
    const end = (reason: unknown = new Error(`the run of batch ${batchId} has ended`)) => {
      run.end(reason)
      runs.delete(run)
      if (runs.size === 0) this.watched.delete(batchId)
    }
    let committing: Promise<Committed> | undefined
    const commit = () => {
      if (committing) return committing
      // In `queue` nothing withdraws a batch.
      const asking = this.supersedes ? this.commit(run) : Promise.resolve({ again: false })
      committing = asking
      // After a refusal the next call asks again: Redis may be back.
      asking.catch(() => {
        committing = undefined
      })
      return asking
    }
    return { commit, end }
  }

  private async commit(run: AnsweringRun): Promise<Committed> {
    const askedAtMs = performance.now()
    const count = (outcome: CommitOutcome) => this.observer.committed?.(outcome, performance.now() - askedAtMs)
    for (;;) {
      if (run.refusal) {
        count(run.refusal.outcome)
        throw run.refusal.reason
      }
      if (run.ended) throw run.ended.reason
      run.isWoken = false
      const result = await this.store.commit(run.batchId)
      if (result.state === 'go') {
        count(result.again ? 'again' : 'go')
        return { again: result.again ?? false }
      }
      if (result.state === 'wait') await run.waitForDue(result.waitMs)
      else run.refuse(result.state, result.state === 'superseded' ? result.by : undefined)
    }
  }

  private get supersedes(): boolean {
    return this.store.rules.answering === 'supersede'
  }

  private readonly listener: SupersedeListener = {
    superseded: ({ batchId, by }) => {
      for (const run of this.watched.get(batchId) ?? []) run.refuse('superseded', by)
    },
    moved: ({ batchId }) => {
      for (const run of this.watched.get(batchId) ?? []) run.wake()
    },
    missed: () => {
      for (const runs of this.watched.values()) for (const run of runs) run.wake()
    },
  }
}

type Refused = Exclude<CommitOutcome, 'go' | 'again'>

/** The runs of one batch in this process: more than one if its job or its lease was lost and came back. */
class Runs extends Set<AnsweringRun> {
  private isCounted = false

  constructor(private readonly observer: Pick<Observer, 'superseded' | 'runWasted'>) {
    super()
  }

  superseded({ isWaiting, workedMs }: AnsweringRun): void {
    this.observer.runWasted?.(workedMs)
    if (!this.isCounted) this.observer.superseded?.(isWaiting ? 'due' : 'running')
    this.isCounted = true
  }
}

class AnsweringRun {
  refusal: { outcome: Refused; reason: Superseded } | undefined
  ended: { reason: unknown } | undefined
  /** `wake` was called since this was set to false: a notice that comes while the store is asked is not missed. */
  isWoken = false
  private readonly startedAtMs = performance.now()
  private waitingSinceMs: number | undefined
  private waking: (() => void) | undefined

  constructor(
    readonly batchId: string,
    private readonly runs: Runs,
    private readonly onSuperseded: (reason: Superseded) => void,
  ) {}

  /** It has done its work and waits for the due time. */
  get isWaiting(): boolean {
    return this.waitingSinceMs !== undefined
  }

  get workedMs(): number {
    return (this.waitingSinceMs ?? performance.now()) - this.startedAtMs
  }

  /** The first refusal counts. */
  refuse(outcome: Refused, by: string | undefined): void {
    if (this.refusal) return
    const reason = new Superseded(this.batchId, by)
    this.refusal = { outcome, reason }
    if (outcome === 'superseded') this.runs.superseded(this)
    this.onSuperseded(reason)
    this.wake()
  }

  end(reason: unknown): void {
    this.ended = { reason }
    this.wake()
  }

  /** Resolves after that time, or when `wake` is called. */
  async waitForDue(waitMs: number): Promise<void> {
    if (this.isWoken) return
    this.waitingSinceMs ??= performance.now()
    await new Promise<void>(resolve => {
      const timer = setTimeout(resolve, waitMs)
      this.waking = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  wake(): void {
    this.isWoken = true
    this.waking?.()
  }
}
