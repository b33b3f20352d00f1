/**
 * The commits of the answers that this process works on, and the notices that end them. One subscription serves
 * all runs (`answering-run.ts`). After it was interrupted, the state of each run's batch is read.
 *
 * It also counts for metrics, for the function handover, the worker and the HTTP routes alike: each commit, each run,
 * and each superseded batch once in this process, however many runs it had.
 */
import type { Batch } from '../batch.js'
import { type Logger, silent } from '../logger.js'
import type { Observer } from '../observer.js'
import type { HoldState, SupersedeListener } from '../store/store.js'
import type { Superseded } from '../superseded.js'
import { AnsweringRun, type CommitStore, type Committed, Runs } from './answering-run.js'
import { RecentNotices } from './recent-notices.js'

export type { Committed } from './answering-run.js'

/** One run of the work on a batch. */
export interface Answering {
  /**
   * Whether the batch still holds its conversation. If not, its answer is not needed: it counts as superseded.
   * @throws the reason that the run was ended with
   */
  holdState(): Promise<HoldState>
  /**
   * Waits for the due time, and for Redis if it is away. All calls of one run get the same answer, so that a tool and
   * the handler that offers it may both commit. A promise that nobody awaits does no harm: its rejection ends no
   * process.
   * @throws {Superseded} if newer messages have superseded the batch
   * @throws the reason that the run was ended with
   */
  commit(): Promise<Committed>
  /** Ends the run. A commit that still waits rejects with `reason`. */
  end(reason?: unknown): void
}

/** How commits are granted and counted. */
export interface CommitsOptions {
  /** Called for each commit, run and superseded batch. */
  observer?: Pick<Observer, 'committed' | 'superseded' | 'runWasted'>
  /** Called for every notice, of whatever process's batch. `isRunning`: a run of it was aborted here. */
  onSuperseded?: (batchId: string, isRunning: boolean) => void
  /**
   * Whether the store is asked about every batch: by default if it supersedes. Else it is asked about those whose own
   * rule says so, since nothing supersedes the others.
   */
  asks?: boolean
  /** Silent by default. */
  log?: Logger
}

const SUBSCRIBE_AGAIN_MS = 1000

/** The commits of the answers that one process works on. */
export class Commits {
  private readonly asksAlways: boolean
  private readonly observer: NonNullable<CommitsOptions['observer']>
  private readonly onSuperseded: NonNullable<CommitsOptions['onSuperseded']>
  private readonly log: Logger
  private readonly watched = new Map<string, Runs>()
  private readonly recent = new RecentNotices()
  private listening: Promise<() => Promise<void>> | undefined
  private stopWaiting: (() => void) | undefined
  private retryTimer: NodeJS.Timeout | undefined
  private stopped = false

  /** @internal */
  constructor(
    private readonly store: CommitStore,
    options: CommitsOptions = {},
  ) {
    this.observer = options.observer ?? {}
    this.onSuperseded = options.onSuperseded ?? (() => {})
    this.log = options.log ?? silent
    this.asksAlways = options.asks ?? store.rules.answering === 'supersede'
  }

  /**
   * Whether the store is asked about a batch.
   * @param rule the batch's own, if its conversation has one
   */
  asksAbout(rule: Batch['answering']): boolean {
    return this.asksAlways || rule === 'supersede'
  }

  /**
   * Subscribes to what is superseded. If nothing can be yet, it subscribes when that changes: when a scope, or a batch
   * that comes, sets `answering` to `supersede`. May be called again: if it has rejected, it tries again.
   */
  async start(): Promise<void> {
    if (this.asksAlways || this.store.rulesInUse.supersede) await this.subscribe()
    else this.stopWaiting ??= this.store.rulesInUse.whenSupersede(() => this.subscribeBeside())
  }

  private async subscribe(): Promise<void> {
    this.listening ??= this.store.followSuperseded(this.listener)
    const { listening } = this
    await listening.catch(error => {
      if (this.listening === listening) this.listening = undefined
      throw error
    })
  }

  /** Tries until it is subscribed. Until then each commit asks the store, and decides. */
  private subscribeBeside(): void {
    if (this.stopped) return
    this.subscribe().catch(error => {
      this.log.debug({ err: error }, 'no subscription to what is superseded; trying again')
      if (!this.stopped) this.retryTimer = setTimeout(() => this.subscribeBeside(), SUBSCRIBE_AGAIN_MS)
    })
  }

  /** Ends the runs that are left: their commits reject. */
  async stop(): Promise<void> {
    this.stopped = true
    this.stopWaiting?.()
    clearTimeout(this.retryTimer)
    for (const runs of this.watched.values())
      for (const run of runs) run.end(new Error(`batch ${run.batchId} was not committed: this program has stopped`))
    const { listening } = this
    this.listening = undefined
    const stop = await listening?.catch(() => undefined)
    await stop?.()
  }

  /**
   * Begins a run of the work on a batch.
   * @param onSuperseded called once, by a notice or by a commit that is refused
   * @param rule the batch's own, if its conversation has one
   */
  answering(batchId: string, onSuperseded: (reason: Superseded) => void, rule?: Batch['answering']): Answering {
    if (!this.asksAbout(rule)) return NEVER_SUPERSEDED
    if (rule) this.store.rulesInUse.add({ answering: rule })
    const { store, observer, watched } = this
    const runs = watched.get(batchId) ?? new Runs(observer)
    watched.set(batchId, runs)
    const leave = () => {
      runs.delete(run)
      if (runs.size === 0 && watched.get(batchId) === runs) watched.delete(batchId)
    }
    const run = new AnsweringRun(batchId, { store, observer, runs, leave, onSuperseded })
    runs.add(run)
    const notice = this.recent.of(batchId)
    // Not before the caller has what this returns.
    if (notice) queueMicrotask(() => run.refuse('superseded', notice.by))
    return { holdState: () => run.holdState(), commit: () => run.commit(), end: reason => run.end(reason) }
  }

  private readonly listener: SupersedeListener = {
    superseded: ({ batchId, by }) => {
      this.recent.add(batchId, by)
      const runs = this.watched.get(batchId)
      for (const run of runs ?? []) run.refuse('superseded', by)
      this.onSuperseded(batchId, runs !== undefined)
    },
    moved: ({ batchId }) => {
      for (const run of this.watched.get(batchId) ?? []) run.wake()
    },
    missed: () => {
      for (const runs of this.watched.values()) for (const run of runs) run.look()
    },
  }
}

/** What a worker needs of `Commits`. */
export type Granting = Pick<Commits, 'asksAbout' | 'start' | 'stop' | 'answering'>

const NEVER_SUPERSEDED: Answering = {
  holdState: async () => 'held',
  commit: async () => ({ again: false }),
  end: () => {},
}

/** For `queue`, where no store is needed. */
export const ALL_GRANTED: Granting = {
  asksAbout: () => false,
  start: async () => {},
  stop: async () => {},
  answering: () => NEVER_SUPERSEDED,
}
