/**
 * The one timer of a processor: it fires when the next batch that the processor knows of is due. It is only ever
 * moved earlier, and never sleeps longer than a heartbeat, since a notification may have been missed. After bee-queue's
 * eager timer.
 */
export class DueTimer {
  private timer: NodeJS.Timeout | undefined
  private firesAtMs = Number.POSITIVE_INFINITY
  private onDue: (() => void) | undefined

  constructor(private readonly heartbeatMs: number) {}

  /** @param onDue is called each time the timer fires; it may arm the timer again */
  start(onDue: () => void): void {
    this.onDue = onDue
    this.arm(this.heartbeatMs)
  }

  /** May be called twice, or before `start`. */
  stop(): void {
    this.onDue = undefined
    this.clear()
  }

  /**
   * Something is due in `inMs` milliseconds: fires then, unless it fires before that anyway. Ignored unless started.
   */
  arm(inMs: number): void {
    const { onDue } = this
    if (!onDue) return
    const delayMs = Math.min(Math.max(inMs, 0), this.heartbeatMs)
    const firesAtMs = performance.now() + delayMs
    if (firesAtMs >= this.firesAtMs) return
    this.clear()
    this.firesAtMs = firesAtMs
    this.timer = setTimeout(() => {
      this.clear()
      this.arm(this.heartbeatMs)
      onDue()
    }, delayMs)
  }

  private clear(): void {
    clearTimeout(this.timer)
    this.timer = undefined
    this.firesAtMs = Number.POSITIVE_INFINITY
  }
}
