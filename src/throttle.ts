/** Limits how often something that may happen at every request is done: a log line, say. */
export class Throttle {
  private nextAtMs = 0

  constructor(
    private readonly intervalMs: number,
    private readonly now = Date.now,
  ) {}

  /** True at most once in an interval. */
  isDue(): boolean {
    if (this.now() < this.nextAtMs) return false
    this.nextAtMs = this.now() + this.intervalMs
    return true
  }
}

export const MINUTE_MS = 60_000
