/**
 * The processor: woken by a timer and by nudges, it claims what is due and hands it over.
 *
 *     timer, nudges ─► gate ─► claims ─► handing over ─► settled (acknowledged, answered, or refused)
 *                                           └► answers ─► timer: the conversation's next batch
 *
 * Each partition of the store has claims and a due time of its own; all else is there once. Several processors divide
 * the partitions among themselves (ranks.ts): that is a hint, which decides who claims first and not who may.
 *
 *     start    open the store, subscribe to what is superseded, start the handover, follow the stored settings, check the
 *              answers under way, switch expiry events on, meet the other processors, start the timer, listen for nudges
 *     stop     stop claiming, let the other processors know, drain, leave the answers to others, give back what is left, close
 */
import { randomBytes } from 'node:crypto'
import { ProcessorStopping } from '../abort-reasons.js'
import { checkOptions, type NamesOf } from '../config/known-options.js'
import { LONGEST_TIMER_MS, timeUpTo } from '../config/option-checks.js'
import { Commits } from '../handover/commits.js'
import { type CommittingHandle, functionHandover } from '../handover/function.js'
import type { Handover } from '../handover/handover.js'
import { type Logger, silent } from '../logger.js'
import type { Observer } from '../observer.js'
import { processName } from '../process-name.js'
import { shortAnswerTimeout } from '../rules.js'
import { StoredSettings } from '../settings/stored-settings.js'
import { refuseUnknownOptions } from '../store/option-names.js'
import type { RedisSource } from '../store/redis/source.js'
import { type Store, type StoreIdentity, StoreUnavailable } from '../store/store.js'
import { type StoreOptions, storeOf } from '../store/store-options.js'
import { Traces } from '../telemetry/traces.js'
import { within } from '../within.js'
import { Answers } from './answers.js'
import { DueTimer } from './due-timer.js'
import { Expiries } from './expiries.js'
import { ensureExpiryEvents } from './expiry-events.js'
import { Gate } from './gate.js'
import { HandingOver } from './handing-over.js'
import { Leases } from './leases.js'
import { Members } from './members.js'
import { Nudges } from './nudges.js'
import { Partitions } from './partitions.js'
import { Ranks } from './ranks.js'
import { Withdrawals } from './withdrawals.js'

const STOP_TIMEOUT_MS = 25_000
/** The share of a stop's time that is left to handovers once their signals are aborted. */
const ABORT_SHARE = 0.1

/**
 * Where batches go: one of two.
 * @typeParam Meta of each message's `meta`
 */
export type Destination<Meta = unknown> =
  | {
      /** Where batches go: `bullmq()`, `http()`, or one of your own. */
      handover: Handover
      /** Not beside `handover`. */
      handle?: undefined
      /** Not beside `handover`, which has its own. */
      concurrency?: undefined
    }
  | {
      /** Instead of `handover`: a function of your own. When its promise resolves the batch is answered. */
      handle: CommittingHandle<Meta>
      /**
       * How many calls of `handle` run at once.
       * @defaultValue 16
       */
      concurrency?: number
      /** Not beside `handle`. */
      handover?: undefined
    }

/**
 * A store (`redis` or `store`), where batches go (`handle` or `handover`), and how. A union: to add fields of your own,
 * intersect it (`type Own = ProcessorOptions & { … }`), since an interface cannot extend it.
 * @typeParam Meta of each message's `meta`
 */
export type ProcessorOptions<Meta = unknown> = StoreOptions & Destination<Meta> & ProcessingOptions

/** What only a `Processor` has an option for. */
export interface ProcessingOptions {
  /**
   * Whether `Ex` may be added to Redis's `notify-keyspace-events`. Without it batches are released on time all the same,
   * by timers and by `next-due`.
   * @defaultValue true
   */
  configureRedis?: boolean
}

/** How a processor stops. */
export interface ProcessorStopOptions {
  /**
   * How long a stop may take, in milliseconds.
   * @defaultValue 25000
   */
  timeoutMs?: number
}

const STOP_OPTIONS: NamesOf<ProcessorStopOptions> = { timeoutMs: timeUpTo(LONGEST_TIMER_MS) }

/**
 * Claims the batches that are due, and hands them over. Run at least one for a system; several share the load. It keeps
 * the Node process alive from `start` to `stop`.
 * @typeParam Meta of each message's `meta`, as `handle` expects it
 */
export class Processor<Meta = unknown> {
  /** Its own, or the one that was given. */
  readonly store: Store
  /** This processor in the history: unique to this object's life. */
  readonly owner: string
  private readonly log: Logger
  private readonly observer: Observer
  private readonly name: string
  private readonly redis: RedisSource | undefined
  private readonly handover: Handover
  private readonly configureRedis: boolean
  private readonly ranks: Ranks
  private readonly timer: DueTimer
  private readonly expiries: Expiries
  private readonly leases: Leases
  private readonly answers: Answers
  private readonly handingOver: HandingOver
  private readonly partitions: Partitions
  private readonly commits: Commits
  private readonly traces: Traces | undefined
  /** What other processes append by: here they say only what to expect (`rulesInUse`). */
  private readonly stored: StoredSettings
  /** In the order of opening. */
  private readonly closers: (() => unknown)[] = []
  /** Of a store of several partitions. */
  private members: Members | undefined
  private opened: Promise<StoreIdentity> | undefined
  private started: Promise<StoreIdentity> | undefined
  private stopped: Promise<void> | undefined

  /** @throws {RangeError | TypeError} for an option that can't be used */
  constructor(options: ProcessorOptions<Meta>) {
    refuseUnknownOptions<ProcessorOptions<Meta>>('Processor', options)
    const store = storeOf(options, 'processor')
    const { log = silent, observer = {}, name = processName('processor') } = options
    this.store = store
    this.log = log
    this.observer = observer
    this.redis = options.redis
    this.name = name
    this.owner = `${name}.${randomBytes(3).toString('hex')}`
    this.handover = handoverFrom(options, store)
    this.configureRedis = options.configureRedis ?? true
    if (!options.store) this.closers.push(() => store.close())

    this.ranks = new Ranks(this.owner)
    this.timer = new DueTimer(this.ranks)
    const { handover, owner, timer } = this
    // Only a store without partitions has them: it is partition 0.
    const expiries = new Expiries(() => timer.due(0))
    const leases = new Leases(store, log)
    const gate = new Gate(handover, leases, timer, store)
    const traces = options.telemetry && new Traces(options.telemetry)
    const answers = new Answers({ store, handover, timer, log, observer, traces })
    const withdrawals = new Withdrawals({ handover, answers, log, observer })
    const commits = new Commits(store, {
      // A call that adds jobs to a queue does not work on their batches.
      observer: handover.withdraw ? {} : observer,
      onSuperseded: (batchId, isRunning) => withdrawals.onSuperseded(batchId, isRunning),
      log,
    })
    const parts = { store, handover, leases, answers, commits, withdrawals, gate, timer, log, observer, traces }
    const handingOver = new HandingOver(parts)
    this.expiries = expiries
    this.traces = traces
    this.leases = leases
    this.answers = answers
    this.commits = commits
    this.stored = new StoredSettings(store, log)
    this.handingOver = handingOver
    this.partitions = new Partitions({
      store,
      owner,
      gate,
      timer,
      expiries,
      leases,
      handingOver,
      answers,
      log,
      observer,
    })
  }

  /**
   * Resolves to the store's identity when the processor runs.
   * @throws one line that names what is wrong and the remedy; nothing is left open then
   */
  start(): Promise<StoreIdentity> {
    this.started ??= this.startAll().catch(async error => {
      await this.closeAll()
      throw error
    })
    return this.started
  }

  /**
   * Claims nothing more, lets running handovers end, aborts their signals towards the end of `timeoutMs`, and gives
   * back what is left then, for another processor to claim at once. May be called twice, or before `start`.
   * @throws {TypeError | RangeError} for an option that cannot be used; it has not stopped then
   */
  async stop(options: ProcessorStopOptions = {}): Promise<void> {
    checkOptions('stop()', options, STOP_OPTIONS)
    const { timeoutMs = STOP_TIMEOUT_MS } = options
    this.stopped ??= this.stopAll(performance.now() + timeoutMs)
    await this.stopped
  }

  /** Resolves if it can claim; rejects with one line that says why not. */
  async ready(): Promise<void> {
    if (!this.started || this.stopped) throw new StoreUnavailable('other', 'the processor is not running')
    await this.started
    await this.store.ready()
  }

  /**
   * Claims and hands over what is due now, without a timer or a subscription: for a cron job, or a program that appends
   * where no processor runs. Resolves when that is handed over, and also what it made room for (the next batch of the
   * same conversation). What cannot be claimed now, as Redis is away, stays due for the next call.
   *
   * In serial order the next batch of a conversation waits until its last one is answered. `handle` and an HTTP receiver
   * that responds 200 end it in this call, `batcher.answered` and its route whenever they are called. With `bullmq()`
   * the next call notices which jobs have ended since the last one.
   */
  async claimOnce(): Promise<void> {
    await this.open()
    await this.answers.checkAll()
    await this.partitions.claimAll()
  }

  private async startAll(): Promise<StoreIdentity> {
    const identity = await this.open()
    this.closers.push(() => this.stored.stop())
    await this.stored.start()
    await this.answers.checkAll()
    await this.ensureExpiryEvents('first')
    await this.meetOthers()
    this.startTimer()
    await this.listen(identity)
    this.logStart(identity)
    return identity
  }

  private async stopAll(deadlineMs: number): Promise<void> {
    await this.stopClaiming(deadlineMs)
    await this.drain(deadlineMs)
    await this.leaveAnswers(deadlineMs)
    await this.giveBack()
    await this.closeAll()
  }

  private open(): Promise<StoreIdentity> {
    this.opened ??= this.openAll().catch(error => {
      this.opened = undefined
      throw error
    })
    return this.opened
  }

  private async openAll(): Promise<StoreIdentity> {
    const identity = await this.store.open()
    if (this.traces) this.traces.destination = identity.prefix
    this.partitions.open()
    this.closers.push(() => this.commits.stop())
    await this.commits.start()
    this.closers.push(() => this.handover.stop())
    await this.handover.start(
      {
        log: this.log,
        connectionName: this.name,
        partitions: this.store.partitions,
        ...(this.redis === undefined ? {} : { redis: this.redis }),
      },
      {
        onAnswered: (batchId, outcome) => {
          this.leases.settling(batchId)
          void this.answers.onAnswered(batchId, outcome)
        },
        onResumed: () => void this.answers.onResumed(),
      },
    )
    return identity
  }

  /** Divides the partitions among the processors that run. */
  private async meetOthers(): Promise<void> {
    const { store, owner, log } = this
    const { partitions, processors: list } = store
    if (partitions === 1 || !list) return
    const onChange = (members: string[]) => {
      this.observer.processors?.(members.length)
      for (const partition of this.ranks.set(members, partitions)) this.timer.due(0, partition)
    }
    this.members = new Members({ list, owner, onChange, log })
    this.closers.push(() => this.members?.stop())
    await this.members.start()
  }

  private startTimer(): void {
    const onDue = (partition: number) => {
      this.observer.nudged?.('timer')
      void this.partitions.wake(partition)
    }
    this.timer.start(onDue, this.store.partitions)
    this.closers.push(() => this.timer.stop())
  }

  private async listen(identity: StoreIdentity): Promise<void> {
    const actions = {
      wake: (partition: number) => void this.partitions.wake(partition),
      due: (inMs: number, partition: number) => this.timer.due(inMs, partition),
      expired: (conversationId: string) => this.expiries.expired(conversationId),
      resubscribed: (partition: number) => {
        void this.ensureExpiryEvents('again')
        void this.answers.checkAll(partition).then(() => this.partitions.wake(partition))
      },
    }
    const nudges = new Nudges(identity, this.log, actions, this.observer)
    this.closers.push(() => this.expiries.stop())
    this.closers.push(await this.store.listen(nudges.onEvent))
  }

  private ensureExpiryEvents(when: 'first' | 'again'): Promise<void> {
    return ensureExpiryEvents(this.store, { mayChange: this.configureRedis, log: this.log, when })
  }

  private logStart({ address, db, prefix, runId, version }: StoreIdentity): void {
    const { owner, handover } = this
    this.log.info(
      { redis: address, db, prefix, runId, version, owner, handover: handover.kind },
      `processor started on ${address}, database ${db}, prefix ${prefix}, run_id ${runId}`,
    )
    const warning = shortAnswerTimeout(this.store.rules)
    if (warning) this.log.warn({}, warning)
  }

  private async stopClaiming(deadlineMs: number): Promise<void> {
    this.timer.stop()
    // A start that fails rejects to its own caller.
    await this.started?.catch(() => {})
    await within(Promise.all([this.partitions.stop(), this.members?.stop()]), leftUntil(deadlineMs), () => {})
  }

  /** Waits for the handovers that run; aborts their signals shortly before the deadline. */
  private async drain(deadlineMs: number): Promise<void> {
    await within(this.leases.whenEmpty(), leftUntil(deadlineMs) * (1 - ABORT_SHARE), () => {})
    this.leases.abortAll(new ProcessorStopping())
    await within(this.leases.whenEmpty(), leftUntil(deadlineMs), () => {})
    this.handingOver.stop()
  }

  private async leaveAnswers(deadlineMs: number): Promise<void> {
    await within(this.answers.leaveToOthers(), leftUntil(deadlineMs), () => {})
    this.answers.stop()
  }

  private async giveBack(): Promise<void> {
    const count = this.leases.size
    if (count === 0) return
    this.leases.clear()
    try {
      await this.store.giveBack(this.owner)
      this.log.warn({ count }, 'stopped with handovers running: their batches were given back')
    } catch (error) {
      // Redis is away as well.
      this.log.warn(
        { count, err: error },
        'stopped with handovers running: their batches come back when their leases end',
      )
    }
  }

  /** In reverse order of opening. */
  private async closeAll(): Promise<void> {
    for (const close of this.closers.splice(0).reverse()) {
      try {
        await close()
      } catch (error) {
        this.log.warn({ err: error }, 'a part of the processor did not close cleanly')
      }
    }
  }
}

const leftUntil = (deadlineMs: number) => deadlineMs - performance.now()

function handoverFrom<Meta>({ handover, handle, concurrency }: ProcessorOptions<Meta>, store: Store): Handover {
  if (handover && handle) throw new TypeError('handover and handle are both given: one of them is where batches go')
  if (handover && concurrency !== undefined)
    throw new TypeError('concurrency has no effect beside handover: give it to the workers, or to the handover itself')
  if (handover) return handover
  if (!handle) throw new TypeError('handover or handle is missing: say where batches go')
  const { answerTimeoutMs } = store.rules
  return functionHandover({ handle, answerTimeoutMs, ...(concurrency === undefined ? {} : { concurrency }) })
}
