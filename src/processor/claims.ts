/**
 * Claims, one at a time: however many nudges come while one runs, exactly one more follows it. Each asks for as many
 * batches as the gate admits; its reply says when the next thing is due.
 */
import type { Logger } from '../logger.js'
import type { Observer } from '../observer.js'
import type { ClaimResult, Store } from '../store/store.js'
import { StoreUnavailable } from '../store/store.js'
import type { Answers } from './answers.js'
import type { DueTimer } from './due-timer.js'
import type { Gate } from './gate.js'
import type { HandingOver } from './handing-over.js'
import type { Leases } from './leases.js'

const BATCHES_A_CLAIM = 200
/** A claim ends at the batch that reaches this many bytes: some 10 ms of Redis's time. */
const BYTES_A_CLAIM = 1024 * 1024
/** After a claim that failed. A connection that comes back, or a nudge, is usually sooner. */
const RETRY_MS = 1000

export interface ClaimsParts {
  store: Store
  owner: string
  gate: Gate
  timer: Pick<DueTimer, 'arm'>
  leases: Pick<Leases, 'batchIds'>
  handingOver: Pick<HandingOver, 'handOver'>
  answers: Pick<Answers, 'check'>
  log: Logger
  observer?: Observer
}

export class Claims {
  /** Batches that claims have brought so far. */
  brought = 0
  private running: Promise<void> | undefined
  private again = false
  private stopped = false
  /** The reply of the last claim was lost: Redis may have leased batches to this process that it does not know of. */
  private inDoubt = false

  constructor(private readonly parts: ClaimsParts) {
    parts.gate.whenOpen(() => void this.wake())
  }

  /**
   * Claims now, or once more when the running claim has ended. Never rejects; resolves when nothing more can be
   * claimed.
   */
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

  private async run(): Promise<void> {
    while (this.again && !this.stopped) {
      this.again = false
      const maxBatches = Math.min(this.parts.gate.admits(), BATCHES_A_CLAIM)
      if (maxBatches > 0) await this.claim(maxBatches)
    }
  }

  private async claim(maxBatches: number): Promise<void> {
    const { store, owner, leases, handingOver, answers, timer, log, observer } = this.parts
    try {
      if (this.inDoubt) await store.giveBack(owner, leases.batchIds)
      this.inDoubt = false
      const claimedAtMs = performance.now()
      const result = await this.claimOrDoubt(maxBatches)
      this.brought += result.batches.length
      for (const batch of result.batches) observer?.claimed?.(batch)
      this.report(result)
      if (result.batches.length > 0) void handingOver.handOver(result.batches, claimedAtMs)
      if (result.checks.length > 0) void answers.check(result.checks)
      if (result.nextInMs === 0) this.again = true
      else if (result.nextInMs !== undefined) timer.arm(result.nextInMs)
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) log.error({ err: error }, 'a claim failed')
      timer.arm(RETRY_MS)
    }
  }

  private async claimOrDoubt(maxBatches: number): Promise<ClaimResult> {
    try {
      return await this.parts.store.claim({ owner: this.parts.owner, maxBatches, maxBytes: BYTES_A_CLAIM })
    } catch (error) {
      this.inDoubt = true
      throw error
    }
  }

  private report({ batches, dead, troubles }: ClaimResult): void {
    const { log } = this.parts
    for (const { batchId, batch, headerLost, attempt, lease, lateMs } of batches) {
      const about = { batchId, conversationId: batch.conversationId }
      if (headerLost === 'vanished')
        log.warn(
          about,
          'the header of a batch was deleted before its time, and not by Lull; its messages are all there',
        )
      if (attempt > 1) log.warn({ ...about, attempt }, 'a batch is handed over again')
      else if (lease === 1)
        log.info({ ...about, releasedBy: batch.releasedBy, count: batch.messages.length, lateMs }, 'claimed')
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
