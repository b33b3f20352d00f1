/**
 * The batches that this process has claimed and not settled yet: each under a lease, renewed while its handover runs. A
 * lease that is lost (another processor has claimed the batch, or Redis could not be reached in time) aborts the
 * handover's signal.
 */
import { LeaseLost } from '../abort-reasons.js'
import { LazyAbort } from '../lazy-abort.js'
import type { Logger } from '../logger.js'
import { partitionAmong } from '../store/batch-id.js'
import type { ClaimedBatch, Lease, Store } from '../store/store.js'
import { StoreUnavailable } from '../store/store.js'
import { Superseded } from '../superseded.js'

/** Leases are renewed this many times in their length, so that no lease is lost by one or two failures. */
const RENEWALS_A_LEASE = 3

/** A claimed batch while its lease is this process's. */
export class Held extends LazyAbort {
  isSettling = false
  /** Newer messages have superseded the batch: it has no lease any more, and nothing is left to settle. */
  isSuperseded = false

  /** @param endsAtMs by this process's monotonic clock */
  constructor(
    readonly lease: number,
    public endsAtMs: number,
  ) {
    super()
  }

  supersede(reason: Superseded): void {
    this.isSuperseded = true
    this.abort(reason)
  }
}

export class Leases {
  private readonly held = new Map<string, Held>()
  private timer: NodeJS.Timeout | undefined
  private waiting: (() => void)[] = []

  constructor(
    private readonly store: Store,
    private readonly log: Logger,
  ) {}

  get size(): number {
    return this.held.size
  }

  batchIdsIn(partition: number): string[] {
    return [...this.held.keys()].filter(batchId => this.partitionOf(batchId) === partition)
  }

  /** @param claimedAtMs by `performance.now()`, before the claim was sent */
  hold({ batchId, lease }: ClaimedBatch, claimedAtMs: number): Held {
    const held = new Held(lease, claimedAtMs + this.store.rules.leaseMs)
    this.held.set(batchId, held)
    this.timer ??= setInterval(() => void this.renew(), this.store.rules.leaseMs / RENEWALS_A_LEASE)
    return held
  }

  /**
   * The end of the handover, or already of the answer, is being reported to the store. From now on a renewal that finds
   * the lease gone is expected: it may overtake the reply to an acknowledgement, and an answer may overtake the
   * handover's.
   */
  settling(batchId: string): void {
    const held = this.held.get(batchId)
    if (held) held.isSettling = true
  }

  /** The batch is settled, or another processor has it. */
  release(batchId: string): void {
    this.held.delete(batchId)
    if (this.held.size > 0) return
    clearInterval(this.timer)
    this.timer = undefined
    for (const resolve of this.waiting.splice(0)) resolve()
  }

  /** Resolves when no batch is held. */
  whenEmpty(): Promise<void> {
    if (this.held.size === 0) return Promise.resolve()
    return new Promise(resolve => {
      this.waiting.push(resolve)
    })
  }

  abortAll(reason: Error): void {
    for (const held of this.held.values()) held.abort(reason)
  }

  /** Forgets all of them, without a call to Redis. */
  clear(): void {
    for (const batchId of [...this.held.keys()]) this.release(batchId)
  }

  private partitionOf(batchId: string): number {
    return partitionAmong(batchId, this.store.partitions)
  }

  /** In one call for each partition, so that one that is away costs no leases of the others. */
  private async renew(): Promise<void> {
    const parts = new Map<number, Lease[]>()
    for (const [batchId, { lease }] of this.held) {
      const partition = this.partitionOf(batchId)
      const part = parts.get(partition) ?? []
      parts.set(partition, part)
      part.push({ batchId, lease })
    }
    await Promise.all([...parts.values()].map(part => this.renewPart(part)))
  }

  private async renewPart(leases: Lease[]): Promise<void> {
    const sentAtMs = performance.now()
    try {
      const lost = new Map((await this.store.renew(leases)).map(one => [one.batchId, one]))
      for (const { batchId, lease } of leases) {
        const held = this.held.get(batchId)
        if (held?.lease !== lease) continue
        const { superseded } = lost.get(batchId) ?? {}
        if (superseded) held.supersede(new Superseded(batchId, superseded.by))
        else if (lost.has(batchId)) this.lose(batchId, 'another processor has it')
        else held.endsAtMs = sentAtMs + this.store.rules.leaseMs
      }
    } catch (error) {
      // The store logs its outage. Here only the leases that end meanwhile matter.
      if (!(error instanceof StoreUnavailable)) this.log.error({ err: error }, 'leases could not be renewed')
      for (const { batchId, lease } of leases) {
        const held = this.held.get(batchId)
        if (held?.lease === lease && held.endsAtMs <= performance.now())
          this.lose(batchId, 'it could not be renewed in time')
      }
    }
  }

  private lose(batchId: string, why: string): void {
    const held = this.held.get(batchId)
    if (!held || held.isAborted) return
    if (!held.isSettling) this.log.warn({ batchId }, `the lease was lost: ${why}`)
    held.abort(new LeaseLost(batchId, why))
  }
}
