/**
 * The one timer of a processor. For each partition it keeps the time when the next batch that the processor knows of is
 * due there, and it sleeps until the first of these times. A time is only ever moved earlier, and is never further away
 * than a heartbeat, since a notification may have been missed. After bee-queue's eager timer.
 */

/** How soon this processor acts on what is due in a partition: see `Ranks`. */
export interface Pace {
  /** Without any nudge a partition is claimed this often; infinite: not at all. */
  heartbeatMs(partition: number): number
  /** How long after its due time a batch is claimed. `undefined`: other processors claim it. */
  slackMs(partition: number): number | undefined
}

export class DueTimer {
  private timer: NodeJS.Timeout | undefined
  private firesAtMs = Number.POSITIVE_INFINITY
  /** By partition. */
  private dueAtMs: number[] = []
  private onDue: ((partition: number) => void) | undefined

  constructor(private readonly pace: Pace) {}

  /** @param onDue is called when something is due in a partition; it may arm the timer again */
  start(onDue: (partition: number) => void, partitions = 1): void {
    this.onDue = onDue
    const now = performance.now()
    this.dueAtMs = Array.from({ length: partitions }, (_, partition) => now + this.pace.heartbeatMs(partition))
    this.sleepUntil(Math.min(...this.dueAtMs))
  }

  /** May be called twice, or before `start`. */
  stop(): void {
    this.onDue = undefined
    clearTimeout(this.timer)
    this.timer = undefined
  }

  /**
   * This processor has something to do in `inMs` milliseconds: fires then, unless it fires for this partition before
   * that anyway. Ignored unless started.
   */
  arm(inMs: number, partition = 0): void {
    if (!this.onDue) return
    const atMs = performance.now() + Math.max(inMs, 0)
    if (atMs >= (this.dueAtMs[partition] ?? Number.NEGATIVE_INFINITY)) return
    this.dueAtMs[partition] = atMs
    if (atMs < this.firesAtMs) this.sleepUntil(atMs)
  }

  /** A batch is due in `inMs` milliseconds: the same, if this processor is one of those that claim it. */
  due(inMs: number, partition = 0): void {
    const slackMs = this.pace.slackMs(partition)
    if (slackMs !== undefined) this.arm(Math.max(inMs, 0) + slackMs, partition)
  }

  private sleepUntil(atMs: number): void {
    clearTimeout(this.timer)
    this.firesAtMs = atMs
    const delayMs = Math.max(atMs - performance.now(), 0)
    this.timer = Number.isFinite(delayMs) ? setTimeout(() => this.fire(), delayMs) : undefined
  }

  private fire(): void {
    const now = performance.now()
    // A timer of the runtime may fire a fraction of a millisecond early.
    const untilMs = Math.max(now, this.firesAtMs)
    const due: number[] = []
    let nextMs = Number.POSITIVE_INFINITY
    for (const [partition, atMs] of this.dueAtMs.entries()) {
      if (atMs <= untilMs) {
        due.push(partition)
        this.dueAtMs[partition] = now + this.pace.heartbeatMs(partition)
      }
      nextMs = Math.min(nextMs, this.dueAtMs[partition] ?? nextMs)
    }
    this.sleepUntil(nextMs)
    for (const partition of due) this.onDue?.(partition)
  }
}
