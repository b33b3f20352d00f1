/**
 * The processor: woken by a timer and by nudges, it claims what is due and hands it over.
 *
 *     timer, nudges ─► claims ─► handing over ─► settled (acknowledged, answered, or refused)
 *                                     └► answers ─► the conversation's next batch
 *
 * It stops in the reverse order: quiet, drain to a deadline, give back what is left.
 */
import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { functionHandover, type Handle } from '../handover/function.js'
import type { Handover } from '../handover/handover.js'
import { type Logger, silent } from '../logger.js'
import type { Observer } from '../observer.js'
import { processName } from '../process-name.js'
import type { RedisSource } from '../store/redis/connection.js'
import { type Store, type StoreIdentity, StoreUnavailable } from '../store/store.js'
import { type StoreOptions, storeFrom } from '../store/store-options.js'
import { Answers } from './answers.js'
import { Claims } from './claims.js'
import { DueTimer } from './due-timer.js'
import { HandingOver, type HandingOverEvents } from './handing-over.js'
import { Leases } from './leases.js'
import { Nudges } from './nudges.js'

/** An idle processor looks this often, in case it has missed what it was not told. */
const HEARTBEAT_MS = 30_000
const STOP_TIMEOUT_MS = 25_000
/** Of a stop's time, what is left to handovers once their signal is aborted. */
const ABORT_SHARE = 0.1

export interface ProcessorOptions extends StoreOptions {
  /** Where batches go: `bullmq()`, `http()`, or one of your own. */
  handover?: Handover
  /** Instead of `handover`: a function of your own. When its promise resolves the batch is answered. */
  handle?: Handle
  /** How many calls of `handle` run at once; 16. */
  concurrency?: number
  /** Whether `Ex` may be added to Redis's `notify-keyspace-events`; `true`. */
  configureRedis?: boolean
}

export class Processor {
  readonly store: Store
  /** As the history names it: unique to this object's life. */
  readonly owner: string
  private readonly log: Logger
  private readonly observer: Observer
  private readonly name: string
  private readonly redis: RedisSource | undefined
  private readonly handover: Handover
  private readonly configureRedis: boolean
  private readonly leases: Leases
  private readonly answers: Answers
  private readonly claims: Claims
  private readonly handingOver: HandingOver
  private readonly timer: DueTimer
  private readonly releases: (() => unknown)[] = []
  private prepared: Promise<StoreIdentity> | undefined
  private starting: Promise<StoreIdentity> | undefined
  private stopping: Promise<void> | undefined

  /** @throws {RangeError | TypeError} for an option that can't be used */
  constructor(options: ProcessorOptions) {
    this.store = options.store ?? storeFrom(options, 'processor')
    this.log = options.log ?? silent
    this.observer = options.observer ?? {}
    this.redis = options.redis
    this.name = options.name ?? processName('processor')
    this.owner = `${this.name}.${randomBytes(3).toString('hex')}`
    this.handover = handoverFrom(options, this.store)
    this.configureRedis = options.configureRedis ?? true
    if (!options.store) this.releases.push(() => this.store.close())

    const { store, handover, log, observer } = this
    const due = (inMs: number) => this.timer.arm(inMs)
    this.timer = new DueTimer(() => {
      observer.nudged?.('timer')
      void this.claims.wake()
    }, HEARTBEAT_MS)
    this.leases = new Leases(store, log)
    this.answers = new Answers(store, handover, log, due, observer)
    const events: HandingOverEvents = {
      onRoom: () => this.claims.roomMade(),
      onWell: () => this.claims.resume(),
      onTrouble: retryAfterMs => this.claims.pause(retryAfterMs),
      onNext: due,
    }
    this.handingOver = new HandingOver(store, handover, this.leases, this.answers, log, events, observer)
    this.claims = new Claims({
      store,
      owner: this.owner,
      log,
      observer,
      room: () => this.handingOver.room,
      holding: () => this.leases.batchIds,
      onClaimed: (batches, claimedAtMs) => void this.handingOver.take(batches, claimedAtMs),
      onChecks: checks => void this.answers.check(checks),
      onNext: due,
    })
  }

  /**
   * Resolves when it stands, with the Redis it stands on.
   * @throws one line that names what is wrong and the remedy; nothing is left open then
   */
  start(): Promise<StoreIdentity> {
    this.starting ??= this.acquire().catch(async error => {
      await this.release()
      throw error
    })
    return this.starting
  }

  /**
   * Claims nothing more, lets running handovers end, aborts their signals towards the end of `timeoutMs`, and gives
   * back what is left then, for another processor to take at once. May be called twice, or before `start`.
   */
  stop({ timeoutMs = STOP_TIMEOUT_MS }: { timeoutMs?: number } = {}): Promise<void> {
    this.stopping ??= this.quiet(timeoutMs)
    return this.stopping
  }

  /** Resolves if it can claim; rejects with one line that says why not. */
  async ready(): Promise<void> {
    if (!this.starting || this.stopping) throw new StoreUnavailable('other', 'the processor is not running')
    await this.starting
    await this.store.ready()
  }

  /**
   * Claims and hands over what is due now, without a timer or a subscription: for a program that appends in concurrent
   * order where no processor runs. Resolves when that is handed over, and what it made room for (the next batch of the
   * same conversation) too.
   */
  async claimOnce(): Promise<void> {
    await this.prepare()
    let before: number
    do {
      before = this.claims.brought
      await this.claims.wake()
      await this.leases.empty()
    } while (this.claims.brought > before)
  }

  private prepare(): Promise<StoreIdentity> {
    this.prepared ??= this.openAll().catch(error => {
      this.prepared = undefined
      throw error
    })
    return this.prepared
  }

  private async openAll(): Promise<StoreIdentity> {
    const identity = await this.store.open()
    this.releases.push(() => this.handover.stop())
    await this.handover.start(
      { log: this.log, connectionName: this.name, ...(this.redis === undefined ? {} : { redis: this.redis }) },
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

  private async acquire(): Promise<StoreIdentity> {
    const identity = await this.prepare()
    await this.answers.takeOver()
    await this.announceExpiry('first')
    this.timer.start()
    this.releases.push(() => this.timer.stop())
    const actions = {
      wake: () => void this.claims.wake(),
      due: (inMs: number) => this.timer.arm(inMs),
      resubscribed: () => void this.announceExpiry('again'),
    }
    const nudges = new Nudges(identity, this.log, actions, this.observer)
    this.releases.push(await this.store.listen(nudges.hear))
    const { address, db, prefix, runId } = identity
    this.log.info(
      { redis: address, db, prefix, runId, version: identity.version, owner: this.owner, handover: this.handover.kind },
      `processor started on ${address}, database ${db}, prefix ${prefix}, run_id ${runId}`,
    )
    return identity
  }

  private async quiet(timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs
    this.timer.stop()
    await this.starting?.catch(() => {})
    await within(this.claims.stop(), timeoutMs)
    await within(this.leases.empty(), (deadline - performance.now()) * (1 - ABORT_SHARE))
    this.leases.abortAll(new Error('the processor is stopping'))
    await within(this.leases.empty(), deadline - performance.now())
    this.handingOver.stop()
    await within(this.answers.handOn(), deadline - performance.now())
    this.answers.stop()
    if (this.leases.size > 0) await this.giveBack()
    await this.release()
  }

  private async giveBack(): Promise<void> {
    const count = this.leases.size
    this.leases.clear()
    try {
      await this.store.giveBack(this.owner)
      this.log.warn({ count }, 'stopped with handovers running: their batches were given back')
    } catch (error) {
      // Redis is away as well: the leases run out by themselves.
      this.log.warn(
        { count, err: error },
        'stopped with handovers running: their batches come back when their leases end',
      )
    }
  }

  /** In reverse order of acquisition. */
  private async release(): Promise<void> {
    for (const release of this.releases.splice(0).reverse()) {
      try {
        await release()
      } catch (error) {
        this.log.warn({ err: error }, 'something did not close cleanly')
      }
    }
  }

  /** A `CONFIG SET` is lost when Redis restarts, so this is looked at after each resubscription. */
  private async announceExpiry(when: 'first' | 'again'): Promise<void> {
    const { result, flags, error } = await this.store.ensureNotifications(this.configureRedis)
    if (result === 'added')
      this.log.info(
        { flags },
        `notify-keyspace-events is now "${flags}": E and x were added, for the expiry of shadow keys`,
      )
    else if (when === 'again' || result === 'there') return
    else
      this.log.warn(
        { flags, ...(error === undefined ? {} : { error }) },
        `notify-keyspace-events ${result === 'off' ? 'lacks Ex, and LULL_CONFIGURE_REDIS is off' : 'may lack Ex, and may not be changed here'}: ` +
          'it works all the same, by timer and next-due; set it in redis.conf, or by your provider’s console',
      )
  }
}

function handoverFrom({ handover, handle, concurrency }: ProcessorOptions, store: Store): Handover {
  if (handover && handle) throw new TypeError('handover and handle are both given: one of them is where batches go')
  if (handover) return handover
  if (!handle) throw new TypeError('handover or handle is missing: say where batches go')
  const { answerTimeoutMs } = store.rules
  return functionHandover({ handle, answerTimeoutMs, ...(concurrency === undefined ? {} : { concurrency }) })
}

/** Resolves when `work` has, or after `ms`. */
async function within(work: Promise<unknown>, ms: number): Promise<void> {
  const timer = new AbortController()
  await Promise.race([work, delay(Math.max(ms, 0), undefined, { signal: timer.signal }).catch(() => {})])
  timer.abort()
}
