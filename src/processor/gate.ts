/**
 * The gate in front of the claims: how many batches the next one may bring. It is
 *
 *   open     for as many batches as there is room: those that can be handed over at once, less those that are leased
 *   full     without room, until a handover has ended
 *   paused   after trouble of the receiver that is not the batches' fault, until the pause is over
 *   probing  after a pause, for one batch at a time, until the receiver has taken or answered one
 */
import type { Handover } from '../handover/handover.js'
import type { DueTimer } from './due-timer.js'
import type { Leases } from './leases.js'

export class Gate {
  private onOpen: () => void = () => {}
  private pausedUntilMs = 0
  private isProbing = false
  /** The last claim was refused because the gate was full. */
  private isWanted = false

  constructor(
    private readonly handover: Pick<Handover, 'concurrency' | 'batchesPerCall'>,
    private readonly leases: Pick<Leases, 'size'>,
    private readonly timer: Pick<DueTimer, 'arm'>,
  ) {}

  /** @param claim is called when the gate opens after it has refused a claim, or after trouble */
  whenOpen(claim: () => void): void {
    this.onOpen = claim
  }

  /** How many batches may be claimed now. 0: none; the timer or `whenOpen` brings the next try. */
  admits(): number {
    const pausedForMs = this.pausedUntilMs - performance.now()
    if (pausedForMs > 0) {
      this.timer.arm(pausedForMs)
      return 0
    }
    const room = Math.max(this.isProbing ? Math.min(this.room, 1 - this.leases.size) : this.room, 0)
    this.isWanted = room === 0
    return room
  }

  /** A handover has ended. */
  roomMade(): void {
    if (this.isWanted) this.onOpen()
  }

  /** The receiver is in trouble. */
  pause(forMs: number): void {
    this.isProbing = true
    this.pausedUntilMs = Math.max(this.pausedUntilMs, performance.now() + forMs)
    this.timer.arm(forMs)
  }

  /** The receiver has taken or answered a batch: its trouble is over. */
  resume(): void {
    if (!this.isProbing) return
    this.isProbing = false
    this.pausedUntilMs = 0
    this.onOpen()
  }

  private get room(): number {
    return this.handover.concurrency * this.handover.batchesPerCall - this.leases.size
  }
}
