/**
 * The one timer of a processor: when the next thing is due, as far as it has heard. It is only ever moved earlier, and
 * never sleeps longer than a heartbeat, since it may have missed what it was not told. After bee-queue's eager timer.
 */
export class DueTimer {
  private timer: NodeJS.Timeout | undefined
  private firesAtMs = Number.POSITIVE_INFINITY
  private running = false

  /** @param fire is called when the time has come; whoever it calls arms the timer again */
  constructor(
    private readonly fire: () => void,
    private readonly heartbeatMs: number,
  ) {}

  start(): void {
    this.running = true
    this.arm(this.heartbeatMs)
  }

  /** May be called twice, or before `start`. */
  stop(): void {
    this.running = false
    this.clear()
  }

  /** Something is due in `inMs` milliseconds: fires then, unless it fires before that anyway. */
  arm(inMs: number): void {
    if (!this.running) return
    const delayMs = Math.min(Math.max(inMs, 0), this.heartbeatMs)
    const firesAtMs = performance.now() + delayMs
    if (firesAtMs >= this.firesAtMs) return
    this.clear()
    this.firesAtMs = firesAtMs
    this.timer = setTimeout(() => {
      this.clear()
      this.arm(this.heartbeatMs)
      this.fire()
    }, delayMs)
  }

  private clear(): void {
    clearTimeout(this.timer)
    this.timer = undefined
    this.firesAtMs = Number.POSITIVE_INFINITY
  }
}
