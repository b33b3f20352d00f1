/**
 * Notices when this machine, or this process with its proxies, stood still: a worker's lock may end by that alone, as it
 * does when the worker is frozen, and that must not be taken for a fault of Lull's.
 */
import type { Disturbance } from './evidence.js'

const TICK_MS = 100
const STALL_MS = 500

export class Stalls {
  readonly seen: Disturbance[] = []
  private lastMs = Date.now()
  private readonly timer = setInterval(() => this.tick(), TICK_MS)

  stop(): void {
    clearInterval(this.timer)
  }

  private tick(): void {
    const now = Date.now()
    if (now - this.lastMs > STALL_MS) this.seen.push({ kind: 'stall', fromMs: this.lastMs, toMs: now })
    this.lastMs = now
  }
}
