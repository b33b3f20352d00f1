/**
 * Notices when this machine, or this process with its proxies, stalls. A stall alone may end a worker's lock, as
 * freezing the worker does, and must not be counted as a fault of Lull.
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
