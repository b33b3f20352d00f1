/**
 * From claim to settlement: claimed batches go to the handover, and each ends as acknowledged (`ack`), answered,
 * refused (`nack`) or superseded. A batch keeps its lease until the store has noted which. While the store is away the
 * call is repeated, so that an outage neither loses an acknowledgement nor costs an attempt.
 *
 * A batch that newer messages supersede meanwhile has its signal aborted, whatever the handover is. However the
 * handover ends then, nothing is left to settle: the batch's messages are in another one.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Batch } from '../batch.js'
import type { Answering, Commits } from '../handover/commits.js'
import type { Handover, HandoverItem, HandoverOutcome } from '../handover/handover.js'
import { keptError } from '../handover/kept-error.js'
import { WithSignal } from '../lazy-abort.js'
import type { Logger } from '../logger.js'
import type { Observer } from '../observer.js'
import { checkIntervalMs } from '../rules.js'
import { partitionAmong } from '../store/batch-id.js'
import type { ClaimedBatch, Store } from '../store/store.js'
import { StoreUnavailable } from '../store/store.js'
import type { BatchSpans } from '../telemetry/batch-spans.js'
import type { Traces } from '../telemetry/traces.js'
import type { Answers } from './answers.js'
import type { DueTimer } from './due-timer.js'
import type { Gate } from './gate.js'
import type { Held, Leases } from './leases.js'
import type { Withdrawals } from './withdrawals.js'

const SETTLE_AGAIN_MS = 250
const FIRST_RETRY_MS = 1000
const LONGEST_RETRY_MS = 60_000
const NO_OUTCOME = 'the handover reported no outcome for it'
const SUPERSEDED: HandoverOutcome = { result: 'superseded' }

export interface HandingOverParts {
  store: Store
  handover: Handover
  leases: Leases
  answers: Answers
  commits: Pick<Commits, 'answering'>
  withdrawals: Pick<Withdrawals, 'withdraw'>
  gate: Gate
  timer: Pick<DueTimer, 'arm'>
  log: Logger
  observer: Observer
  traces?: Traces | undefined
}

interface Claimed extends Pick<ClaimedBatch, 'batchId' | 'batch' | 'attempt' | 'lease'> {
  held: Held
  answering: Answering
  /** With telemetry. */
  spans: BatchSpans | undefined
}

export class HandingOver {
  private readonly stopping = new AbortController()

  constructor(private readonly parts: HandingOverParts) {}

  /**
   * Resolves when all of the batches are settled; never rejects.
   * @param claimedAtMs by `performance.now()`, before the claim was sent
   */
  async handOver(batches: ClaimedBatch[], claimedAtMs: number): Promise<void> {
    const { leases, handover, commits, traces } = this.parts
    const claimed = batches.map(one => {
      const { batchId, batch, attempt, lease } = one
      const held = leases.hold(one, claimedAtMs)
      const answering = commits.answering(batchId, reason => held.supersede(reason), batch.answering)
      return { batchId, batch, attempt, lease, held, answering, spans: traces?.batch(one, handover) }
    })
    const calls: Claimed[][] = []
    for (let i = 0; i < claimed.length; i += handover.batchesPerCall)
      calls.push(claimed.slice(i, i + handover.batchesPerCall))
    await Promise.all(calls.map(call => this.call(call)))
  }

  /** Repeats no call to the store any more. */
  stop(): void {
    this.stopping.abort()
  }

  private partitionOf(batchId: string): number {
    return partitionAmong(batchId, this.parts.store.partitions)
  }

  private async call(claimed: Claimed[]): Promise<void> {
    const { answers, gate } = this.parts
    for (const { batchId, batch, spans } of claimed) answers.remember(batchId, batch.conversationId, spans?.traceparent)
    const taken: Claimed[] = []
    const others: Promise<void>[] = []
    for (const { batch, outcome } of await this.outcomesOf(claimed)) {
      if (outcome.result === 'taken') taken.push(batch)
      else if (outcome.result === 'answered') others.push(this.answered(batch, outcome))
      else if (outcome.result === 'superseded') this.superseded(batch)
      else others.push(this.failed(batch, outcome))
    }
    if (taken.length > 0) await this.acknowledge(taken)
    await Promise.all(others)
    for (const { spans } of claimed) spans?.settled()
    if (taken.length > 0) gate.resume()
    gate.roomMade()
  }

  private async outcomesOf(claimed: Claimed[]): Promise<{ batch: Claimed; outcome: HandoverOutcome }[]> {
    const { handover, observer } = this.parts
    const items = claimed.map(batch => new Item(batch))
    const startedAtMs = performance.now()
    let outcomes: HandoverOutcome[]
    try {
      outcomes = await this.within(claimed, () => handover.handOver(items))
    } catch (error) {
      outcomes = items.map(() => failed(error, false))
    }
    for (const { answering, held } of claimed) answering.end(held.reason)
    const durationMs = performance.now() - startedAtMs
    return claimed.map((batch, i) => {
      const outcome = batch.held.isSuperseded ? SUPERSEDED : (outcomes[i] ?? failed(NO_OUTCOME, true))
      observer.handedOver?.({ kind: handover.kind, result: outcome.result, durationMs })
      batch.spans?.handedOver(outcome)
      return { batch, outcome }
    })
  }

  /** A call for one batch runs inside that batch's span. */
  private within<Result>([only]: Claimed[], call: () => Result): Result {
    return only?.spans && this.parts.handover.batchesPerCall === 1 ? only.spans.within(call) : call()
  }

  private async acknowledge(taken: Claimed[]): Promise<void> {
    const { store, answers, timer, log } = this.parts
    for (const { batchId } of taken) answers.taken(batchId)
    await this.settle(taken, () => store.ack(taken.map(({ batchId }) => batchId)))
    for (const { batchId, batch } of taken) log.info({ batchId, conversationId: batch.conversationId }, 'handed over')
    // Schedule their first check: no claim has returned these batches as something to check yet.
    if (store.rules.order !== 'serial') return
    for (const partition of new Set(taken.map(({ batchId }) => this.partitionOf(batchId))))
      timer.arm(checkIntervalMs(store.rules), partition)
  }

  private async answered(batch: Claimed, { outcome }: Extract<HandoverOutcome, { result: 'answered' }>): Promise<void> {
    await this.settle([batch], this.parts.answers.endWithReply(batch, outcome))
    this.parts.gate.resume()
  }

  private superseded({ batchId, batch: { conversationId }, held }: Claimed): void {
    const why = held.reason instanceof Error ? held.reason.message : 'superseded by newer messages'
    this.parts.log.info({ batchId, conversationId }, why)
    // The receiver may have taken it all the same.
    void this.parts.withdrawals.withdraw(batchId)
    this.parts.leases.release(batchId)
    this.parts.gate.resume()
  }

  private async failed(batch: Claimed, outcome: Extract<HandoverOutcome, { result: 'failed' }>): Promise<void> {
    const { store, answers, gate, timer, log } = this.parts
    const { batchId, lease, attempt } = batch
    answers.forget(batchId)
    const delayMs = outcome.retryAfterMs ?? Math.min(FIRST_RETRY_MS * 2 ** (attempt - 1), LONGEST_RETRY_MS)
    const error = keptError(outcome.error, batch.batch)
    log.debug({ batchId, err: outcome.error }, 'the error of the handover, as it was thrown')
    if (!outcome.counts) gate.pause(delayMs)
    await this.settle([batch], async () => {
      const result = await store.nack({ batchId, lease, delayMs, counts: outcome.counts, error })
      const about = { batchId, conversationId: batch.batch.conversationId, attempt, error }
      if (result === 'dead')
        log.error(about, 'the batch is dead: its last attempt failed. `lull dead redrive` tries again')
      else if (outcome.counts && result === 'retry') log.warn({ ...about, delayMs }, 'the handover failed')
      if (result === 'retry') timer.arm(delayMs, this.partitionOf(batchId))
    })
  }

  /**
   * Repeats `call` until the store has noted it, the leases are lost, or the processor stops. Then releases the leases.
   */
  private async settle(batches: Claimed[], call: () => Promise<void>): Promise<void> {
    const { leases } = this.parts
    for (const { batchId } of batches) leases.settling(batchId)
    while (!(await this.isSettled(call, batches))) {
      if (this.stopping.signal.aborted) break
      await delay(SETTLE_AGAIN_MS, undefined, { signal: this.stopping.signal }).catch(() => {})
    }
    for (const { batchId } of batches) leases.release(batchId)
  }

  private async isSettled(call: () => Promise<void>, batches: Claimed[]): Promise<boolean> {
    try {
      await call()
      return true
    } catch (error) {
      if (error instanceof StoreUnavailable) return batches.every(({ held }) => held.isAborted)
      const batchIds = batches.map(({ batchId }) => batchId)
      this.parts.log.error({ err: error, batchIds }, 'a handover could not be settled')
      return true
    }
  }
}

/** A claimed batch as the handover gets it. */
class Item extends WithSignal implements HandoverItem {
  readonly batch: Batch
  readonly attempt: number
  readonly commit: HandoverItem['commit']
  readonly traceHeaders: HandoverItem['traceHeaders']

  constructor({ batch, attempt, held, answering, spans }: Claimed) {
    super(held)
    this.batch = batch
    this.attempt = attempt
    this.commit = () => (spans ? spans.commit(() => answering.commit()) : answering.commit())
    this.traceHeaders = spans?.headers()
  }
}

const failed = (error: unknown, counts: boolean) =>
  ({
    result: 'failed',
    counts,
    error: error instanceof Error ? error : new Error(String(error)),
  }) satisfies HandoverOutcome
