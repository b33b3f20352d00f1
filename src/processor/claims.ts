/**
 * The claims of one partition, one at a time: however many nudges come while one runs, exactly one more follows it. Each
 * asks for as many batches as the gate admits; its reply says when the next thing is due. A claim that fails is
 * repeated later, and other partitions are not affected.
 */
import type { Logger } from '../logger.js'
import type { Observer } from '../observer.js'
import type { ClaimResult, Store } from '../store/store.js'
import { StoreUnavailable } from '../store/store.js'
import type { Answers } from './answers.js'
import type { ClaimSlots } from './claim-slots.js'
import type { DueTimer } from './due-timer.js'
import type { Expiries } from './expiries.js'
import type { Gate } from './gate.js'
import type { HandingOver } from './handing-over.js'
import type { Leases } from './leases.js'

const BATCHES_A_CLAIM = 200
/** A claim ends at the batch that reaches this many bytes: some 10 ms of Redis's time. */
const BYTES_A_CLAIM = 1024 * 1024
/** After a claim that failed. A connection that comes back, or a nudge, is usually sooner. */
const RETRY_MS = 1000
/** After a claim in a partition that is on its way to another node of a Cluster: seldom away for longer than a second. */
const RETRY_MOVING_MS = 500

export interface ClaimsParts {
  store: Store
  owner: string
  partition: number
  gate: Gate
  slots: ClaimSlots
  timer: Pick<DueTimer, 'arm' | 'due'>
  expiries: Pick<Expiries, 'claimed'>
  leases: Pick<Leases, 'batchIdsIn'>
  handingOver: Pick<HandingOver, 'handOver'>
  answers: Pick<Answers, 'check'>
  log: Logger
  observer?: Observer
}

export class Claims {
  /** Batches and checks that claims have brought so far. */
  brought = 0
  /** Resolves when nothing more can be claimed; `undefined`: no claim runs. */
  running: Promise<void> | undefined
  private again = false
  private stopped = false
  /** The reply of the last claim was lost: Redis may have leased batches to this process that it does not know of. */
  private inDoubt = false

  constructor(private readonly parts: ClaimsParts) {}

  /**
   * Claims now, or once more when the running claim has ended. Never rejects; resolves when nothing more can be
   * claimed.
   */
  wake(): Promise<void> {
    if (this.stopped) return Promise.resolve()
    this.again = true
    this.running ??= this.run()
    return this.running
  }

  /** Resolves when no claim runs any more; none will start. */
  async stop(): Promise<void> {
    this.stopped = true
    await this.running
  }

  private async run(): Promise<void> {
    const { store, slots, partition } = this.parts
    while (this.again && !this.stopped) {
      const server = store.serverOf?.(partition) ?? ''
      await slots.run(server, () => this.claimIfAdmitted(server))
    }
    // In the same turn as the last look at `again`: a wake in between would be lost.
    this.running = undefined
  }

  private async claimIfAdmitted(server: string): Promise<void> {
    if (this.stopped) return
    const { gate, partition } = this.parts
    this.again = false
    const maxBatches = gate.reserve(BATCHES_A_CLAIM, partition, server)
    if (maxBatches === 0) return
    try {
      await this.claim(maxBatches)
    } finally {
      gate.returned(maxBatches, server)
    }
  }

  private async claim(maxBatches: number): Promise<void> {
    const { store, owner, partition, leases, handingOver, answers, timer, expiries, log, observer } = this.parts
    try {
      if (this.inDoubt) await store.giveBack(owner, leases.batchIdsIn(partition), partition)
      this.inDoubt = false
      const claimedAtMs = performance.now()
      const result = await this.claimOrDoubt(maxBatches)
      this.brought += result.batches.length + result.checks.length
      for (const batch of result.batches) {
        expiries.claimed(batch.batch.conversationId)
        observer?.claimed?.(batch)
      }
      this.report(result)
      if (result.batches.length > 0) void handingOver.handOver(result.batches, claimedAtMs)
      if (result.checks.length > 0) void answers.check(result.checks)
      if (result.nextInMs === 0) this.again = true
      else if (result.nextInMs !== undefined) timer.due(result.nextInMs, partition)
    } catch (error) {
      const isAway = error instanceof StoreUnavailable
      if (!isAway) log.error({ err: error }, 'a claim failed')
      timer.arm(isAway && error.reason === 'moving' ? RETRY_MOVING_MS : RETRY_MS, partition)
    }
  }

  private async claimOrDoubt(maxBatches: number): Promise<ClaimResult> {
    const { store, owner, partition } = this.parts
    try {
      return await store.claim({ owner, partition, maxBatches, maxBytes: BYTES_A_CLAIM })
    } catch (error) {
      this.inDoubt = true
      throw error
    }
  }

  private report({ batches, dead, troubles }: ClaimResult): void {
    const { log } = this.parts
    for (const { batchId, batch, headerLost, attempt, lease, lateMs } of batches) {
      const { conversationId, releasedBy, messages } = batch
      if (headerLost === 'vanished')
        log.warn(
          { batchId, conversationId },
          'the header of a batch was deleted before its time, and not by Lull; its messages are all there',
        )
      if (attempt > 1) log.warn({ batchId, conversationId, attempt }, 'a batch is handed over again')
      else if (lease === 1) log.info({ batchId, conversationId, releasedBy, count: messages.length, lateMs }, 'claimed')
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
