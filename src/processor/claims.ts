/**
 * Claims, one at a time: however many nudges come while one runs, one more follows it. Each asks for as many batches as
 * there is room for, and its answer says when to come again.
 */
import type { Logger } from '../logger.js'
import type { Observer } from '../observer.js'
import type { ClaimedBatch, ClaimResult, Store } from '../store/store.js'
import { StoreUnavailable } from '../store/store.js'

const BATCHES_A_CLAIM = 200
/** Reaching it ends a claim: some 10 ms of Redis's time. */
const BYTES_A_CLAIM = 1024 * 1024
/** After a claim that failed. A connection that comes back, or a nudge, is usually sooner. */
const RETRY_MS = 1000

export interface ClaimsOptions {
  store: Store
  owner: string
  log: Logger
  observer?: Observer
  /** How many batches can be taken now. */
  room: () => number
  /** The batches that the process holds already. */
  holding: () => string[]
  /** What a claim brought. `claimedAtMs` by `performance.now()`, before it was sent. */
  onClaimed: (batches: ClaimedBatch[], claimedAtMs: number) => void
  onChecks: (checks: ClaimResult['checks']) => void
  /** There is something to do in so many milliseconds. */
  onNext: (inMs: number) => void
}

export class Claims {
  /** Batches that claims have brought so far. */
  brought = 0
  private running: Promise<void> | undefined
  private again = false
  private stopped = false
  /** The reply of the last claim was lost: Redis may have leased batches to this process that it knows nothing of. */
  private inDoubt = false
  /** The last claim could have brought more, had there been room. */
  private starved = false
  private pausedUntilMs = 0
  /** After trouble the receiver is tried with one batch. */
  private probing = false

  constructor(private readonly options: ClaimsOptions) {}

  /** Claims now, or once more when the claim that runs has ended. Never rejects; resolves when nothing is due any more. */
  wake(): Promise<void> {
    if (this.stopped) return Promise.resolve()
    this.again = true
    this.running ??= this.run().finally(() => {
      this.running = undefined
    })
    return this.running
  }

  /** Resolves when no claim runs any more; none will start. */
  async stop(): Promise<void> {
    this.stopped = true
    await this.running
  }

  /** There is room again: claims if the last claim lacked it. */
  roomMade(): void {
    if (this.starved) void this.wake()
  }

  pause(forMs: number): void {
    this.probing = true
    this.pausedUntilMs = Math.max(this.pausedUntilMs, performance.now() + forMs)
    this.options.onNext(forMs)
  }

  resume(): void {
    if (!this.probing) return
    this.probing = false
    this.pausedUntilMs = 0
    void this.wake()
  }

  private async run(): Promise<void> {
    while (this.again && !this.stopped) {
      this.again = false
      const pausedForMs = this.pausedUntilMs - performance.now()
      if (pausedForMs > 0) {
        this.options.onNext(pausedForMs)
        return
      }
      await this.claim()
    }
  }

  private async claim(): Promise<void> {
    const { store, owner, log, room, holding, onClaimed, onChecks, onNext } = this.options
    const maxBatches = Math.min(room(), this.probing ? 1 - holding().length : BATCHES_A_CLAIM)
    // Without room there is nothing to ask for: `roomMade` comes back to it.
    this.starved = maxBatches <= 0
    if (this.starved) return
    try {
      if (this.inDoubt) await store.giveBack(owner, holding())
      this.inDoubt = false
      const claimedAtMs = performance.now()
      const result = await this.claimOrDoubt(maxBatches)
      this.brought += result.batches.length
      for (const batch of result.batches) this.options.observer?.claimed?.(batch)
      this.report(result)
      if (result.batches.length > 0) onClaimed(result.batches, claimedAtMs)
      if (result.checks.length > 0) onChecks(result.checks)
      if (result.nextInMs === 0) this.again = true
      else if (result.nextInMs !== undefined) onNext(result.nextInMs)
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) log.error({ err: error }, 'a claim failed')
      onNext(RETRY_MS)
    }
  }

  private async claimOrDoubt(maxBatches: number): Promise<ClaimResult> {
    try {
      return await this.options.store.claim({ owner: this.options.owner, maxBatches, maxBytes: BYTES_A_CLAIM })
    } catch (error) {
      this.inDoubt = true
      throw error
    }
  }

  private report({ batches, dead, troubles }: ClaimResult): void {
    const { log } = this.options
    for (const { batchId, batch, headerLost, attempt, lease, lateMs } of batches) {
      const about = { batchId, conversationId: batch.conversationId }
      if (headerLost === 'vanished')
        log.warn(
          about,
          'the header of a batch vanished before its time, by a hand that is not Lull’s; its messages are all there',
        )
      if (attempt > 1) log.warn({ ...about, attempt }, 'a batch is handed over again')
      else if (lease === 1)
        log.info({ ...about, releasedBy: batch.releasedBy, count: batch.messages.length, lateMs }, 'released')
    }
    for (const { batchId, conversationId, error } of dead)
      log.error(
        { batchId, conversationId, error },
        'the batch is dead: its attempts are used up. `lull dead redrive` tries again',
      )
    for (const { conversationId, error } of troubles)
      log.warn({ conversationId, error }, 'a conversation could not be read')
  }
}
