/**
 * Measures how late Redis announces an expired key, in two ways: `natural`, when Redis finds the key by itself (it
 * samples, so with many keys that is late), and `touched`, when a command touches the key, as a claim does with shadow
 * keys.
 *
 * Each scrape may send the next command, so there is at most one a minute, and none without scrapes:
 *
 *     natural: SET, then wait for its expiry   →   touched: SET   →   a minute later, when it is due: touch   →
 *     natural …
 */
import type { Store } from '../store/store.js'

export type CanaryKind = 'natural' | 'touched'

const MINUTE_MS = 60_000
const NATURAL_TTL_MS = 1000
const TOUCHED_TTL_MS = MINUTE_MS
/** A key is still alive in the millisecond in which it ends. */
const TOUCH_AFTER_MS = 2

export class Canary {
  private readonly lagMs = new Map<CanaryKind, number>()
  private readonly dueAtMs = new Map<CanaryKind, number>()
  private next: CanaryKind = 'natural'
  private nextAtMs = 0
  private timer: NodeJS.Timeout | undefined

  /**
   * @param keys of the store whose expiry events reach `onExpired`
   * @param name unique to this process
   */
  constructor(
    private readonly keys: Pick<NonNullable<Store['canary']>, 'set' | 'touch'>,
    private readonly name: string,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /**
   * The last lag of each kind, or how long the current key is overdue if that is more. Sends the next key when it is
   * time.
   */
  async lags(): Promise<Map<CanaryKind, number>> {
    if (this.now() >= this.nextAtMs) {
      this.nextAtMs = this.now() + MINUTE_MS
      await this.send()
    }
    const lags = new Map(this.lagMs)
    for (const [kind, dueAtMs] of this.dueAtMs) {
      const overdueMs = this.now() - dueAtMs
      if (overdueMs > (lags.get(kind) ?? 0)) lags.set(kind, overdueMs)
    }
    return lags
  }

  /** A canary's key has expired, of this process or of another one. */
  onExpired(name: string): void {
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
    // The touch is a command too: it follows a minute later, and the next key a minute after that.
    this.nextAtMs = this.now() + ttlMs + TOUCH_AFTER_MS + MINUTE_MS
    this.timer = setTimeout(() => this.touch(), ttlMs + TOUCH_AFTER_MS)
    this.timer.unref()
  }

  private touch(): void {
    this.keys.touch(this.keyOf('touched')).catch(() => {
      // Redis is away. It will find the key by itself, and the lag will show that.
    })
  }
}
