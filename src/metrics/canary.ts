/**
 * How late Redis announces an expired key, measured: `natural`, when Redis finds it by itself (it samples, so with many
 * keys that is late), and `touched`, when a command meets it, as a claim does with shadow keys. At most one command a
 * minute, and none where nobody asks: each question may cost the next one.
 *
 *     natural: SET, its expiry is waited for   →   touched: SET   →   a minute later, when it is due: touch   →   natural …
 */
import type { Store } from '../store/store.js'

export type CanaryKind = 'natural' | 'touched'

const MINUTE_MS = 60_000
const NATURAL_TTL_MS = 1000
const TOUCHED_TTL_MS = MINUTE_MS
/** A key is alive still in the millisecond it is due. */
const TOUCH_AFTER_MS = 2

export class Canary {
  private readonly lagMs = new Map<CanaryKind, number>()
  private readonly dueAtMs = new Map<CanaryKind, number>()
  private next: CanaryKind = 'natural'
  private mayAtMs = 0
  private timer: NodeJS.Timeout | undefined

  /**
   * @param keys of the store whose announcements are heard
   * @param name unique to this process
   */
  constructor(
    private readonly keys: NonNullable<Store['canary']>,
    private readonly name: string,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** The last lag of each kind; of one that is overdue, what it has come to so far. Sends the next canary, if it is time. */
  async ask(): Promise<Map<CanaryKind, number>> {
    if (this.now() >= this.mayAtMs) {
      this.mayAtMs = this.now() + MINUTE_MS
      await this.send()
    }
    const lags = new Map(this.lagMs)
    for (const [kind, dueAtMs] of this.dueAtMs) {
      const overdueMs = this.now() - dueAtMs
      if (overdueMs > (lags.get(kind) ?? 0)) lags.set(kind, overdueMs)
    }
    return lags
  }

  /** A canary has expired: this one's own, or another process's. */
  heard(name: string): void {
    for (const kind of ['natural', 'touched'] as const) {
      const dueAtMs = this.dueAtMs.get(kind)
      if (name !== this.keyOf(kind) || dueAtMs === undefined) continue
      this.dueAtMs.delete(kind)
      this.lagMs.set(kind, Math.max(this.now() - dueAtMs, 0))
    }
  }

  stop(): void {
    clearTimeout(this.timer)
  }

  private readonly keyOf = (kind: CanaryKind) => `${this.name}.${kind}`

  private async send(): Promise<void> {
    const kind = this.next
    const ttlMs = kind === 'natural' ? NATURAL_TTL_MS : TOUCHED_TTL_MS
    await this.keys.set(this.keyOf(kind), ttlMs)
    this.dueAtMs.set(kind, this.now() + ttlMs)
    this.next = kind === 'natural' ? 'touched' : 'natural'
    if (kind === 'natural') return
    // The touch is a command, too: a minute after this one, and a minute before the next.
    this.mayAtMs = this.now() + ttlMs + TOUCH_AFTER_MS + MINUTE_MS
    this.timer = setTimeout(() => this.touch(), ttlMs + TOUCH_AFTER_MS)
    this.timer.unref()
  }

  private touch(): void {
    this.keys.touch(this.keyOf('touched')).catch(() => {
      // Redis is away: it will find the key by itself, and the lag says so.
    })
  }
}
