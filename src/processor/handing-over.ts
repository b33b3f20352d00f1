/**
 * From claim to settlement: claimed batches go to the handover, and each ends as acknowledged, answered or refused
 * (`nack`). A batch keeps its lease until the store has heard which; while the store is away it is told again and again,
 * so that an outage neither loses an acknowledgement nor costs an attempt.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Handover, HandoverItem, HandoverOutcome } from '../handover/handover.js'
import type { Logger } from '../logger.js'
import type { Observer } from '../observer.js'
import { checkIntervalMs } from '../rules.js'
import type { ClaimedBatch, Store } from '../store/store.js'
import { StoreUnavailable } from '../store/store.js'
import type { Answers } from './answers.js'
import type { Held, Leases } from './leases.js'

const TELL_AGAIN_MS = 250
const FIRST_RETRY_MS = 1000
const LONGEST_RETRY_MS = 60_000

export interface HandingOverEvents {
  /** There is room for more batches. */
  onRoom(): void
  /** The receiver is in trouble that is not the batches': nothing should be claimed for so long. */
  onTrouble(retryAfterMs: number): void
  /** The receiver took a batch. */
  onWell(): void
  /** There is something to do in so many milliseconds. */
  onNext(inMs: number): void
}

interface Claimed extends ClaimedBatch {
  held: Held
}

export class HandingOver {
  private readonly stopping = new AbortController()

  constructor(
    private readonly store: Store,
    private readonly handover: Handover,
    private readonly leases: Leases,
    private readonly answers: Answers,
    private readonly log: Logger,
    private readonly events: HandingOverEvents,
    private readonly observer: Observer = {},
  ) {}

  /** How many more batches can be taken. */
  get room(): number {
    return this.handover.concurrency * this.handover.batchesPerCall - this.leases.size
  }

  /**
   * Resolves when all of them are settled; never rejects.
   * @param claimedAtMs by `performance.now()`, before the claim was sent
   */
  async take(batches: ClaimedBatch[], claimedAtMs: number): Promise<void> {
    const claimed = batches.map(batch => ({ ...batch, held: this.leases.hold(batch, claimedAtMs) }))
    const calls: Claimed[][] = []
    for (let i = 0; i < claimed.length; i += this.handover.batchesPerCall)
      calls.push(claimed.slice(i, i + this.handover.batchesPerCall))
    await Promise.all(calls.map(call => this.call(call)))
  }

  /** Stops telling the store again what it could not hear. */
  stop(): void {
    this.stopping.abort()
  }

  private async call(claimed: Claimed[]): Promise<void> {
    for (const { batchId, batch } of claimed) this.answers.remember(batchId, batch.conversationId)
    const startedAtMs = performance.now()
    const outcomes = await this.outcomesOf(claimed)
    const durationMs = performance.now() - startedAtMs
    const taken: Claimed[] = []
    const others: Promise<void>[] = []
    claimed.forEach((batch, i) => {
      const outcome = outcomes[i] ?? {
        result: 'failed',
        counts: true,
        error: new Error('the handover said nothing of it'),
      }
      this.observer.handedOver?.({ kind: this.handover.kind, result: outcome.result, durationMs })
      if (outcome.result === 'answered') this.observer.answered?.(outcome.outcome, durationMs)
      if (outcome.result === 'taken') {
        taken.push(batch)
        return
      }
      this.answers.forget(batch.batchId)
      others.push(outcome.result === 'answered' ? this.answered(batch, outcome) : this.failed(batch, outcome))
    })
    if (taken.length > 0) {
      await this.settle(taken, () => this.store.ack(taken.map(({ batchId }) => batchId)))
      for (const { batchId, batch } of taken)
        this.log.info({ batchId, conversationId: batch.conversationId }, 'handed over')
      // No claim has heard of these yet, and so none has said when they are to be looked at.
      if (this.store.rules.order === 'serial') this.events.onNext(checkIntervalMs(this.store.rules))
    }
    await Promise.all(others)
    if (taken.length > 0) this.events.onWell()
    this.events.onRoom()
  }

  private async outcomesOf(claimed: Claimed[]): Promise<HandoverOutcome[]> {
    const items: HandoverItem[] = claimed.map(({ batch, attempt, held }) => ({
      batch,
      attempt,
      get signal() {
        return held.signal
      },
    }))
    try {
      return await this.handover.handOver(items)
    } catch (error) {
      const reason = error instanceof Error ? error : new Error(String(error))
      return items.map(() => ({ result: 'failed', counts: false, error: reason }))
    }
  }

  private async answered(batch: Claimed, { outcome }: Extract<HandoverOutcome, { result: 'answered' }>): Promise<void> {
    await this.settle([batch], async () => {
      const { freed, dueInMs } = await this.store.answered(batch.batchId, outcome, undefined, batch.lease)
      const { batchId, batch: about } = batch
      if (freed) this.log.info({ batchId, conversationId: about.conversationId, outcome }, 'answered')
      if (dueInMs !== undefined) this.events.onNext(dueInMs)
    })
    this.events.onWell()
  }

  private async failed(batch: Claimed, outcome: Extract<HandoverOutcome, { result: 'failed' }>): Promise<void> {
    const { batchId, lease, attempt } = batch
    const delayMs = outcome.retryAfterMs ?? Math.min(FIRST_RETRY_MS * 2 ** (attempt - 1), LONGEST_RETRY_MS)
    const error = outcome.error.message.split('\n')[0] ?? ''
    if (!outcome.counts) this.events.onTrouble(delayMs)
    await this.settle([batch], async () => {
      const result = await this.store.nack({ batchId, lease, delayMs, counts: outcome.counts, error })
      const about = { batchId, conversationId: batch.batch.conversationId, attempt, error }
      if (result === 'dead')
        this.log.error(about, 'the batch is dead: its last attempt failed. `lull dead redrive` tries again')
      else if (outcome.counts && result === 'retry') this.log.warn({ ...about, delayMs }, 'the handover failed')
      if (result === 'retry') this.events.onNext(delayMs)
    })
  }

  /** Tells the store until it has heard, the lease is lost, or the processor stops. Then the batches are let go. */
  private async settle(batches: Claimed[], tell: () => Promise<void>): Promise<void> {
    for (const { batchId } of batches) this.leases.settling(batchId)
    while (!(await this.told(tell, batches))) {
      if (this.stopping.signal.aborted) break
      await delay(TELL_AGAIN_MS, undefined, { signal: this.stopping.signal }).catch(() => {})
    }
    for (const { batchId } of batches) this.leases.release(batchId)
  }

  private async told(tell: () => Promise<void>, batches: Claimed[]): Promise<boolean> {
    try {
      await tell()
      return true
    } catch (error) {
      if (error instanceof StoreUnavailable) return batches.every(({ held }) => held.isAborted)
      this.log.error({ err: error, batchIds: batches.map(({ batchId }) => batchId) }, 'a handover could not be settled')
      return true
    }
  }
}
