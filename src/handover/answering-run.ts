/**
 * One run of the work on a batch, until it is committed, superseded or ended:
 *
 *     working ─► waiting ─► committed     `commit` before the due time waits with one timer; a notice that the due
 *        └─────────┴─► superseded         time has moved, or may have, asks again at once
 *        └─────────┴─► ended              its work is done or was cut short: notices no longer concern it
 *
 * Redis may be away when the work commits. The commit then waits for it until the run ends: by the answer timeout, a
 * lost lock or lease, or a stop. So nothing is sent without a commit, and an outage of seconds repeats no work.
 */
import type { CommitOutcome, Observer, SupersededWhen } from '../observer.js'
import { type HoldState, type Store, StoreUnavailable } from '../store/store.js'
import { Superseded } from '../superseded.js'

/** What commits need of a store. */
export type CommitStore = Pick<Store, 'rules' | 'rulesInUse' | 'commit' | 'holdState' | 'followSuperseded'>

/** A commit that was granted: the answer may be sent. */
export interface Committed {
  /**
   * It was committed before: an earlier run of the work may have sent its answer. Also if Redis granted this commit and
   * its reply was lost.
   */
  again: boolean
}

/** Pause before Redis is asked again after it was away. */
const RETRY_MS = 500

type Refused = Exclude<CommitOutcome, 'go' | 'again'>

/** The runs of one batch in this process: more than one if its job or its lease was lost and came back. */
export class Runs extends Set<AnsweringRun> {
  private isCounted = false

  constructor(private readonly observer: Pick<Observer, 'superseded' | 'runWasted'>) {
    super()
  }

  superseded({ phase, workedMs }: AnsweringRun): void {
    if (phase !== 'waiting') this.observer.runWasted?.(workedMs)
    if (!this.isCounted) this.observer.superseded?.(phase)
    this.isCounted = true
  }
}

interface AnsweringRunParts {
  store: CommitStore
  observer: Pick<Observer, 'committed'>
  runs: Runs
  /** Called when no notice concerns it any more. */
  leave(): void
  onSuperseded(reason: Superseded): void
}

export class AnsweringRun {
  private refusal: { outcome: Refused; reason: Superseded } | undefined
  private committing: Promise<Committed> | undefined
  private isCommitted = false
  private ended: { reason: unknown } | undefined
  private isBegun = true
  private startedAtMs = performance.now()
  private waitingSinceMs: number | undefined
  /** `wake` was called since the store was last asked: a notice that comes while it is asked is not missed. */
  private isWoken = false
  private readonly paused = new Set<() => void>()

  constructor(
    readonly batchId: string,
    private readonly parts: AnsweringRunParts,
  ) {}

  /** What the work is at, as metrics name it. */
  get phase(): SupersededWhen {
    if (!this.isBegun) return 'waiting'
    return this.waitingSinceMs === undefined ? 'running' : 'due'
  }

  get workedMs(): number {
    return (this.waitingSinceMs ?? performance.now()) - this.startedAtMs
  }

  /** To be called before the work begins. */
  async holdState(): Promise<HoldState> {
    this.isBegun = false
    const state = await this.readHold()
    this.isBegun = true
    this.startedAtMs = performance.now()
    return state
  }

  commit(): Promise<Committed> {
    if (!this.committing) {
      const committing = this.commitOnce()
      this.committing = committing
      // After a rejection the next call asks again. This also keeps a promise that nobody awaits from ending the
      // process.
      committing.catch(() => {
        this.committing = undefined
      })
    }
    return this.committing
  }

  private async commitOnce(): Promise<Committed> {
    const askedAtMs = performance.now()
    const count = (outcome: CommitOutcome) => this.parts.observer.committed?.(outcome, performance.now() - askedAtMs)
    try {
      for (;;) {
        const result = await this.asked(() => this.parts.store.commit(this.batchId))
        if (result.state === 'wait') await this.pauseUntilDue(result.waitMs)
        else if (result.state !== 'go') this.refuse(result.state, result.state === 'superseded' ? result.by : undefined)
        else {
          this.isCommitted = true
          // Nothing supersedes it any more.
          this.parts.leave()
          count(result.again ? 'again' : 'go')
          return { again: result.again ?? false }
        }
      }
    } catch (error) {
      if (this.refusal && error === this.refusal.reason) count(this.refusal.outcome)
      throw error
    }
  }

  /** The first refusal counts. */
  refuse(outcome: Refused, by: string | undefined): void {
    if (this.refusal || this.isCommitted || this.ended) return
    const reason = new Superseded(this.batchId, by, outcome)
    this.refusal = { outcome, reason }
    const { runs, leave, onSuperseded } = this.parts
    if (outcome === 'superseded') runs.superseded(this)
    leave()
    onSuperseded(reason)
    this.wake()
  }

  end(reason: unknown = new Error(`the work on batch ${this.batchId} has ended`)): void {
    this.ended ??= { reason }
    this.parts.leave()
    this.wake()
  }

  wake(): void {
    this.isWoken = true
    for (const resume of this.paused) resume()
  }

  /** Notices may have been missed. */
  look(): void {
    this.wake()
    // Rejects only if the run is over by then.
    this.readHold().catch(() => {})
  }

  private async readHold(): Promise<HoldState> {
    const { store } = this.parts
    const state = await this.asked(() => store.holdState(this.batchId))
    if (state === 'superseded') this.refuse(state, await this.readSuccessor())
    else if (state !== 'held') this.refuse(state, undefined)
    return state
  }

  /** The batch that has the messages of this one, which is superseded. */
  private async readSuccessor(): Promise<string | undefined> {
    const result = await this.asked(() => this.parts.store.commit(this.batchId))
    return result.state === 'superseded' ? result.by : undefined
  }

  /** Asks the store until it replies. */
  private async asked<Reply>(ask: () => Promise<Reply>): Promise<Reply> {
    for (;;) {
      this.throwIfOver()
      this.isWoken = false
      try {
        const reply = await ask()
        this.throwIfOver()
        return reply
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error
      }
      await this.pause(RETRY_MS)
    }
  }

  private throwIfOver(): void {
    if (this.refusal) throw this.refusal.reason
    if (this.ended) throw this.ended.reason
  }

  private async pauseUntilDue(waitMs: number): Promise<void> {
    if (this.isWoken) return
    this.waitingSinceMs ??= performance.now()
    await this.pause(waitMs)
  }

  /** Resolves after `ms`, or when it is woken. */
  private async pause(ms: number): Promise<void> {
    this.throwIfOver()
    await new Promise<void>(resolve => {
      const resume = () => {
        clearTimeout(timer)
        this.paused.delete(resume)
        resolve()
      }
      const timer = setTimeout(resume, ms)
      this.paused.add(resume)
    })
  }
}
