/**
 * The gate in front of the claims: how many batches the next one may bring. It is
 *
 *   open     for as many batches as there is room: those that can be handed over at once, less those that are leased and
 *            those that claims under way may bring
 *   full     without room, until a handover or a claim has ended
 *   paused   after trouble of the receiver that is not the batches' fault, until the pause is over
 *   probing  after a pause, for one batch at a time, until the receiver has taken or answered one
 *
 * The partitions share the room. A claim reserves what it asks for, and returns it when its batches are leased. Claims
 * on one server reserve at most half of it: a server that hangs does not keep those of the others waiting.
 */
import type { Handover } from '../handover/handover.js'
import type { Store } from '../store/store.js'
import type { DueTimer } from './due-timer.js'
import type { Leases } from './leases.js'

export class Gate {
  private onOpen: (partition: number) => void = () => {}
  private pausedUntilMs = 0
  private isProbing = false
  /** By server. */
  private readonly reserved = new Map<string, number>()
  /** Partitions whose last claim was refused, the first refused first. */
  private readonly refused = new Set<number>()

  constructor(
    private readonly handover: Pick<Handover, 'concurrency' | 'batchesPerCall'>,
    private readonly leases: Pick<Leases, 'size'>,
    private readonly timer: Pick<DueTimer, 'arm'>,
    private readonly store: Pick<Store, 'partitions'>,
  ) {}

  /** @param claim is called, for each partition that was refused, when the gate opens or after trouble */
  whenOpen(claim: (partition: number) => void): void {
    this.onOpen = claim
  }

  /**
   * Reserves room for a claim on a server, to be given back by `returned`.
   * @returns how many batches it may bring, at most `most`. 0: none; the timer or `whenOpen` brings the next try
   */
  reserve(most: number, partition: number, server: string): number {
    const { pausedForMs } = this
    if (pausedForMs > 0) this.timer.arm(pausedForMs, partition)
    const count = Math.min(pausedForMs > 0 ? 0 : this.shareOf(server), most)
    if (count === 0) this.refused.add(partition)
    else this.refused.delete(partition)
    this.reserved.set(server, this.reservedOn(server) + count)
    return count
  }

  /** The claim has ended, and what it has brought is leased. */
  returned(count: number, server: string): void {
    const left = this.reservedOn(server) - count
    if (left === 0) this.reserved.delete(server)
    else this.reserved.set(server, left)
    this.roomMade()
  }

  /** A handover has ended. */
  roomMade(): void {
    for (const partition of [...this.refused]) {
      if (this.room === 0 || this.pausedForMs > 0) return
      this.open(partition)
    }
  }

  /** The receiver is in trouble. */
  pause(forMs: number): void {
    this.isProbing = true
    this.pausedUntilMs = Math.max(this.pausedUntilMs, performance.now() + forMs)
  }

  /** The receiver has taken or answered a batch: its trouble is over. */
  resume(): void {
    if (!this.isProbing) return
    this.isProbing = false
    this.pausedUntilMs = 0
    for (const partition of [...this.refused]) this.open(partition)
  }

  private open(partition: number): void {
    this.refused.delete(partition)
    this.onOpen(partition)
  }

  private get pausedForMs(): number {
    return this.pausedUntilMs - performance.now()
  }

  /** What one claim may reserve: half of what there is if others may need some at the same time. */
  private shareOf(server: string): number {
    const { room } = this
    if (this.store.partitions === 1) return room
    const ofServer = Math.ceil((room + this.allReserved) / 2) - this.reservedOn(server)
    return Math.ceil(Math.max(Math.min(room, ofServer), 0) / 2)
  }

  private reservedOn(server: string): number {
    return this.reserved.get(server) ?? 0
  }

  private get allReserved(): number {
    return [...this.reserved.values()].reduce((sum, count) => sum + count, 0)
  }

  private get room(): number {
    const taken = this.leases.size + this.allReserved
    const room = this.handover.concurrency * this.handover.batchesPerCall - taken
    return Math.max(this.isProbing ? Math.min(room, 1 - taken) : room, 0)
  }
}
