/**
 * The ends of answers. The processor that handed a batch over remembers it, and reports to the store when the receiver
 * says that the work has ended: with N processors still one call.
 *
 * What no processor remembers (its processor died, the event was missed, the job was removed) is found by the checks
 * that claims return. The processor that gets a check asks the receiver, and from then on listens for that batch too.
 * It lets the processor that handed the batch over report first, so that the history notes the end once. Checks are far
 * apart, so a report that fails because the store is away is repeated.
 *
 * `report-answered.ts` says which report counts.
 */
import type { AnswerState, Handover } from '../handover/handover.js'
import type { Logger } from '../logger.js'
import type { Observer } from '../observer.js'
import { type AnswerReport, type HandedOver, reportAnswered } from '../report-answered.js'
import { partitionAmong } from '../store/batch-id.js'
import type { AnswerCheck, AnswerOutcome, ClaimedBatch, Store } from '../store/store.js'
import { StoreUnavailable } from '../store/store.js'
import type { Traces } from '../telemetry/traces.js'
import type { DueTimer } from './due-timer.js'

/** Batches remembered: some 20 MB. The oldest are forgotten first; checks find those. */
const MOST_REMEMBERED = 100_000
/** Grace period for the processor that handed a batch over. */
const OTHERS_FIRST_MS = 100
const RETRY_MS = 500
/** Failed reports that are repeated. Checks find the others. */
const MOST_UNREPORTED = 10_000
const SKIPPED =
  'a worker skipped a batch that is to be answered: it is put back into the queue. If this comes again and again, the worker has another REDIS_URL or LULL_PREFIX than the processor'
/** Batches that one question to the receiver names. */
const BATCHES_A_QUESTION = 200

interface Remembered extends HandedOver {
  conversationId: string
  /** This process handed it over. */
  isOwn: boolean
  /** The receiver has said that it has the batch. Until then it may not know it, which is no end of the work. */
  isTaken: boolean
}

export interface AnswersParts {
  store: Store
  handover: Pick<Handover, 'states' | 'repeat' | 'withdraw'>
  /** Told when a conversation's next batch is due. */
  timer: Pick<DueTimer, 'due'>
  log: Logger
  observer: Observer
  traces?: Traces | undefined
}

export class Answers {
  private readonly handedOver = new Map<string, Remembered>()
  private readonly unreported = new Map<string, AnswerOutcome>()
  private readonly checks = new Set<Promise<void>>()
  private retryTimer: NodeJS.Timeout | undefined
  private stopped = false
  private leaving = false

  constructor(private readonly parts: AnswersParts) {}

  /** Call it before the handover: the answer may come before the handover's acknowledgement. */
  remember(batchId: string, conversationId: string, traceparent?: string): void {
    const { handedOverAtMs = performance.now() } = this.handedOver.get(batchId) ?? {}
    this.listenFor(batchId, { conversationId, handedOverAtMs, isOwn: true, isTaken: false, traceparent })
  }

  /** The receiver has the batch. */
  taken(batchId: string): void {
    const known = this.handedOver.get(batchId)
    if (known) known.isTaken = true
  }

  /** Its answer is not waited for any more. Returns what was remembered of it. */
  forget(batchId: string): { isOwn: boolean } | undefined {
    const known = this.handedOver.get(batchId)
    this.handedOver.delete(batchId)
    this.unreported.delete(batchId)
    return known
  }

  /**
   * The handover's own reply was the answer: removes the batch from those that are remembered.
   * @returns reports the end; to be called again if it rejects because the store is away
   */
  endWithReply(ended: Pick<ClaimedBatch, 'batchId' | 'batch' | 'lease'>, outcome: AnswerOutcome): () => Promise<void> {
    const { batchId, lease, batch } = ended
    const known = this.handedOver.get(batchId)
    this.handedOver.delete(batchId)
    const { conversationId } = batch
    let isRetry = false
    return () => {
      const report = {
        batchId,
        outcome,
        conversationId,
        lease,
        isFirst: known !== undefined,
        isRetry,
        handedOver: known,
      }
      isRetry = true
      return this.report(report)
    }
  }

  /**
   * Makes a check of every batch that is being answered due, for the next claim to bring them. To be called before the
   * first claim: some may have ended while no processor listened, and those of a dead processor have no listener. And
   * when a server may have taken over: it need not have the ends that were reported to the one before it.
   * @param partition only of this one
   */
  async checkAll(partition?: number): Promise<void> {
    if (this.canAsk) await this.attempt(() => this.parts.store.checkAllNow(partition))
  }

  /** Makes other processors listen for the answers that are still to come. To be followed by `stop`. */
  async leaveToOthers(): Promise<void> {
    this.leaving = true
    if (this.canAsk) await this.attempt(() => this.parts.store.checkNow([...this.handedOver.keys()]))
  }

  /** Repeats no report any more. */
  stop(): void {
    this.stopped = true
    clearTimeout(this.retryTimer)
  }

  /** The receiver says that the work has ended. */
  async onAnswered(batchId: string, outcome: AnswerOutcome): Promise<void> {
    const known = this.handedOver.get(batchId)
    if (known && !known.isOwn) await new Promise(resolve => setTimeout(resolve, OTHERS_FIRST_MS))
    if (this.handedOver.has(batchId)) await this.end(batchId, outcome)
  }

  /** Events of the receiver may have been missed: asks about every batch that it has. */
  async onResumed(): Promise<void> {
    const isTaken = (batchId: string) => this.handedOver.get(batchId)?.isTaken
    const remembered = [...this.handedOver.keys()].filter(isTaken)
    for (let i = 0; i < remembered.length; i += BATCHES_A_QUESTION) {
      const batchIds = remembered.slice(i, i + BATCHES_A_QUESTION)
      const states = await this.ask(batchIds)
      // One that was forgotten meanwhile has ended, or is claimed anew.
      await Promise.all(batchIds.map(async (batchId, j) => isTaken(batchId) && this.endIfEnded(batchId, states?.[j])))
    }
  }

  /** Batches that have held their conversations for a while. */
  async check(checks: AnswerCheck[]): Promise<void> {
    const check = this.checkEach(checks)
    this.checks.add(check)
    await check.finally(() => this.checks.delete(check))
  }

  /** Resolves when the checks that run have ended. */
  async whenChecked(): Promise<void> {
    await Promise.all(this.checks)
  }

  private async checkEach(checks: AnswerCheck[]): Promise<void> {
    for (let i = 0; i < checks.length; i += BATCHES_A_QUESTION) {
      const part = checks.slice(i, i + BATCHES_A_QUESTION)
      // Their processor may be gone: listen for them from now on, so that an answer that comes while we ask is noticed
      // too.
      for (const { batchId, conversationId, handedOverForMs } of part) {
        if (this.handedOver.has(batchId)) continue
        this.listenFor(batchId, {
          conversationId,
          handedOverAtMs: performance.now() - handedOverForMs,
          isOwn: false,
          isTaken: true,
        })
      }
      const states = await this.ask(part.map(({ batchId }) => batchId))
      if (!states) return
      await Promise.all(part.map((check, j) => this.judge(check, states[j])))
    }
  }

  private listenFor(batchId: string, batch: Remembered): void {
    this.handedOver.set(batchId, batch)
    if (this.handedOver.size <= MOST_REMEMBERED) return
    for (const oldest of this.handedOver.keys()) {
      this.handedOver.delete(oldest)
      return
    }
  }

  private async judge(check: AnswerCheck, state: AnswerState | undefined): Promise<void> {
    const { batchId, workerAttempt, workingForMs } = check
    const { store } = this.parts
    if (state?.state !== 'active') return this.endIfEnded(batchId, state)
    // Left to other processors: do not put their check off.
    if (this.leaving) return
    if (state.workerAttempt !== workerAttempt) {
      await this.attempt(() => store.workerStarted(batchId, state.workerAttempt))
      return
    }
    if (workingForMs !== undefined && workingForMs >= store.rules.answerTimeoutMs) await this.end(batchId, 'timeout')
  }

  private async endIfEnded(batchId: string, state: AnswerState | undefined): Promise<void> {
    if (state?.state === 'ended') await this.end(batchId, state.outcome)
    if (state?.state === 'skipped') await this.attempt(() => this.endSkipped(batchId))
  }

  /**
   * Its worker took the batch for superseded. It was not if it still holds its conversation: it was dead and waited for
   * its redrive when the worker asked, say. Then a worker gets it again.
   */
  private async endSkipped(batchId: string): Promise<void> {
    const { store, handover, log } = this.parts
    if (!store.rulesInUse.supersede) return this.end(batchId, 'completed')
    const state = await store.holdState(batchId)
    if (state === 'superseded') await handover.withdraw?.([batchId])
    if (state !== 'held') return void this.forget(batchId)
    log.warn({ batchId }, SKIPPED)
    await handover.repeat?.([batchId])
  }

  private async end(batchId: string, outcome: AnswerOutcome): Promise<void> {
    const known = this.handedOver.get(batchId)
    this.handedOver.delete(batchId)
    this.unreported.delete(batchId)
    const report: AnswerReport = {
      batchId,
      outcome,
      conversationId: known?.conversationId,
      // In concurrent order, and after a forget, the batch holds nothing.
      alwaysNoted: known?.isOwn ?? false,
      isFirst: known !== undefined,
      handedOver: known,
    }
    const isReported = await this.attempt(() => this.report(report))
    if (isReported || this.unreported.size >= MOST_UNREPORTED) return
    if (known) this.handedOver.set(batchId, known)
    this.unreported.set(batchId, outcome)
    if (!this.stopped) this.retryTimer ??= setTimeout(() => void this.retry(), RETRY_MS)
  }

  private async report(report: AnswerReport): Promise<void> {
    const { dueInMs } = await reportAnswered(this.parts, report)
    if (dueInMs !== undefined) this.parts.timer.due(dueInMs, this.partitionOf(report.batchId))
  }

  /** Repeats one report of each partition, and its others if that gets through: the store may still be away there. */
  private async retry(): Promise<void> {
    this.retryTimer = undefined
    const parts = new Map<number, [batchId: string, outcome: AnswerOutcome][]>()
    for (const end of this.unreported) {
      const partition = this.partitionOf(end[0])
      const part = parts.get(partition) ?? []
      parts.set(partition, part)
      part.push(end)
    }
    await Promise.all(
      [...parts.values()].map(async ([first, ...others]) => {
        if (!first) return
        await this.end(...first)
        if (!this.unreported.has(first[0])) await Promise.all(others.map(end => this.end(...end)))
      }),
    )
  }

  private partitionOf(batchId: string): number {
    return partitionAmong(batchId, this.parts.store.partitions)
  }

  /**
   * Whether checks have a use: the receiver can report job states, and a batch holds its conversation until its answer.
   */
  private get canAsk(): boolean {
    return this.parts.handover.states !== undefined && this.parts.store.rules.order === 'serial'
  }

  /** If the receiver cannot report job states, a batch counts as active from its handover on. */
  private async ask(batchIds: string[]): Promise<(AnswerState | undefined)[] | undefined> {
    const { handover, log } = this.parts
    if (!handover.states) return batchIds.map(() => ({ state: 'active', workerAttempt: 'handover' }))
    try {
      return await handover.states(batchIds)
    } catch (error) {
      log.debug(
        { err: error },
        'the receiver could not report the states of its batches; it is asked at the next check',
      )
      return undefined
    }
  }

  /** Resolves to false if the store is away. The next check finds what could not be reported. */
  private async attempt(work: () => Promise<void>): Promise<boolean> {
    try {
      await work()
    } catch (error) {
      if (error instanceof StoreUnavailable) return false
      this.parts.log.error({ err: error }, 'the end of an answer could not be noted')
    }
    return true
  }
}
