/**
 * The ends of answers. The processor that handed a batch over remembers it, and acts when the receiver says that the work
 * has ended: N processors, one call. What nobody remembers (its processor died, the event was missed, the job was removed)
 * is found by the checks that claims return: whoever gets one asks the receiver, and listens for the batch from then on, too;
 * but whoever handed it over goes first, so that its end is noted once. Checks are seldom; so an end that the store could not hear
 * of, as it was away, is told again.
 */
import type { AnswerState, Handover } from '../handover/handover.js'
import type { Logger } from '../logger.js'
import type { Observer } from '../observer.js'
import type { AnswerCheck, AnswerOutcome, Store } from '../store/store.js'
import { StoreUnavailable } from '../store/store.js'

/** Batches remembered: some 20 MB. The oldest are forgotten first; checks find those. */
const REMEMBERED = 100_000
/** What another processor handed over it has the time to tell of, if it stands. */
const OTHERS_FIRST_MS = 100
/** How often the store is told again of the ends that it could not hear of. */
const TELL_AGAIN_MS = 500
/** Ends that are told again; of others the store hears by checks. */
const MOST_UNHEARD = 10_000
/** Batches asked about in one go. */
const ASKED_AT_ONCE = 200

interface HandedOver {
  conversationId: string
  /** By this process's monotonic clock. */
  handedOverAtMs: number
  /** This process handed it over. */
  isOwn: boolean
}

export class Answers {
  private readonly handedOver = new Map<string, HandedOver>()
  private readonly unheard = new Map<string, AnswerOutcome>()
  private again: NodeJS.Timeout | undefined
  private stopped = false
  private leaving = false

  /** @param onFreed a conversation is free; its next batch is due in so many milliseconds */
  constructor(
    private readonly store: Store,
    private readonly handover: Handover,
    private readonly log: Logger,
    private readonly onFreed: (dueInMs: number) => void,
    private readonly observer: Observer = {},
  ) {}

  /** To be called before the handover: its answer may overtake its acknowledgement. */
  remember(batchId: string, conversationId: string): void {
    const { handedOverAtMs = performance.now() } = this.handedOver.get(batchId) ?? {}
    this.listenFor(batchId, { conversationId, handedOverAtMs, isOwn: true })
  }

  private listenFor(batchId: string, batch: HandedOver): void {
    this.handedOver.set(batchId, batch)
    if (this.handedOver.size <= REMEMBERED) return
    for (const oldest of this.handedOver.keys()) {
      this.handedOver.delete(oldest)
      return
    }
  }

  forget(batchId: string): void {
    this.handedOver.delete(batchId)
  }

  /**
   * Before the first claim: it brings a check of every batch that is being answered. The ends of some may have come while nobody
   * listened, and of those of a processor that has died nobody would hear.
   */
  async takeOver(): Promise<void> {
    if (this.canAsk) await this.attempt(() => this.store.checkNow())
  }

  /** Others are to listen for the ends that are still to come. To be followed by `stop`. */
  async handOn(): Promise<void> {
    this.leaving = true
    if (this.canAsk) await this.attempt(() => this.store.checkNow([...this.handedOver.keys()]))
  }

  /** Tells the store nothing again. */
  stop(): void {
    this.stopped = true
    clearTimeout(this.again)
  }

  /** The receiver's word. */
  async onAnswered(batchId: string, outcome: AnswerOutcome): Promise<void> {
    const known = this.handedOver.get(batchId)
    if (known && !known.isOwn) await new Promise(resolve => setTimeout(resolve, OTHERS_FIRST_MS))
    if (this.handedOver.has(batchId)) await this.end(batchId, outcome)
  }

  /** The receiver's words may have been missed: asks about every batch remembered. */
  async onResumed(): Promise<void> {
    const remembered = [...this.handedOver.keys()]
    for (let i = 0; i < remembered.length; i += ASKED_AT_ONCE) {
      const batchIds = remembered.slice(i, i + ASKED_AT_ONCE)
      const states = await this.ask(batchIds)
      await Promise.all(batchIds.map((batchId, j) => this.endIfEnded(batchId, states?.[j])))
    }
  }

  /** Batches that have held their conversations for a while. */
  async check(checks: AnswerCheck[]): Promise<void> {
    for (let i = 0; i < checks.length; i += ASKED_AT_ONCE) {
      const part = checks.slice(i, i + ASKED_AT_ONCE)
      // Whoever handed them over may be gone. From now on this process listens for their ends, those that come while it asks too.
      for (const { batchId, conversationId, handedOverForMs } of part) {
        if (this.handedOver.has(batchId)) continue
        this.listenFor(batchId, { conversationId, handedOverAtMs: performance.now() - handedOverForMs, isOwn: false })
      }
      const states = await this.ask(part.map(({ batchId }) => batchId))
      if (!states) return
      await Promise.all(part.map((check, j) => this.judge(check, states[j])))
    }
  }

  private async judge(check: AnswerCheck, state: AnswerState | undefined): Promise<void> {
    const { batchId, take, takenForMs } = check
    if (state?.state !== 'active') return this.endIfEnded(batchId, state)
    // What has been handed on is not put off again.
    if (this.leaving) return
    if (state.take !== take) {
      await this.attempt(() => this.store.taken(batchId, state.take))
      return
    }
    if (takenForMs !== undefined && takenForMs >= this.store.rules.answerTimeoutMs) await this.end(batchId, 'timeout')
  }

  private async endIfEnded(batchId: string, state: AnswerState | undefined): Promise<void> {
    if (state?.state === 'ended') await this.end(batchId, state.outcome)
  }

  private async end(batchId: string, outcome: AnswerOutcome): Promise<void> {
    const known = this.handedOver.get(batchId)
    this.handedOver.delete(batchId)
    this.unheard.delete(batchId)
    const about = { batchId, ...(known && { conversationId: known.conversationId }) }
    const isHeard = await this.attempt(async () => {
      // Named, its end is noted where it holds nothing, too: in concurrent order, or where its conversation was forgotten.
      const named = known?.isOwn ? known.conversationId : undefined
      const { freed, dueInMs } = await this.store.answered(batchId, outcome, named)
      // Counted once, by whoever is heard; not at all where the reply to that is lost.
      const isOurs = this.isSerial ? freed : known !== undefined
      if (isOurs) this.observer.answered?.(outcome, known && performance.now() - known.handedOverAtMs)
      if (outcome === 'timeout')
        this.log.warn(about, 'not answered within LULL_ANSWER_TIMEOUT_MS: its conversation goes on without it')
      else if (isOurs) this.log.info({ ...about, outcome }, 'answered')
      if (dueInMs !== undefined) this.onFreed(dueInMs)
    })
    if (isHeard || this.unheard.size >= MOST_UNHEARD) return
    if (known) this.handedOver.set(batchId, known)
    this.unheard.set(batchId, outcome)
    if (!this.stopped) this.again ??= setTimeout(() => void this.tellAgain(), TELL_AGAIN_MS)
  }

  /** The first alone: while the store is away the others need not be tried. */
  private async tellAgain(): Promise<void> {
    this.again = undefined
    const [first] = this.unheard
    if (!first) return
    await this.end(...first)
    if (this.unheard.has(first[0])) return
    await Promise.all([...this.unheard].map(end => this.end(...end)))
  }

  private get isSerial(): boolean {
    return this.store.rules.order === 'serial'
  }

  /** Of a receiver that can not be asked a look tells nothing; and in concurrent order there is nothing to look at. */
  private get canAsk(): boolean {
    return this.handover.states !== undefined && this.isSerial
  }

  /** A receiver that says nothing about its batches has them from the handover on. */
  private async ask(batchIds: string[]): Promise<AnswerState[] | undefined> {
    if (!this.handover.states) return batchIds.map(() => ({ state: 'active', take: 'handover' }))
    try {
      return await this.handover.states(batchIds)
    } catch (error) {
      this.log.debug({ err: error }, 'the receiver could not be asked about its batches; it will be at the next check')
      return undefined
    }
  }

  /** Resolves to whether the store has heard: it may be away. What it has not is found again by the next check. */
  private async attempt(work: () => Promise<void>): Promise<boolean> {
    try {
      await work()
    } catch (error) {
      if (error instanceof StoreUnavailable) return false
      this.log.error({ err: error }, 'the end of an answer could not be noted')
    }
    return true
  }
}
