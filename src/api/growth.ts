/**
 * How open batches grow, for the readers of `/events`: of each conversation only what is true now, a few times a second. The
 * history does not tell it; the store's `batch-updated` does.
 */
import type { Growth as Update } from '../store/store.js'
import { eventOf } from './live-reader.js'

type Growth = Pick<Update, 'conversationId' | 'batchId' | 'count' | 'dueInMs'>

/** As many conversations as the page looks at. */
const MOST_PENDING = 1000

export class PendingGrowth {
  private readonly pending = new Map<string, Growth & { atMs: number }>()
  private leftOut = 0

  /** @returns whether it is the first that is pending */
  add({ conversationId, batchId, count, dueInMs }: Growth): boolean {
    const isFirst = this.pending.size === 0
    if (this.pending.size >= MOST_PENDING && !this.pending.has(conversationId)) this.leftOut += 1
    else this.pending.set(conversationId, { conversationId, batchId, count, dueInMs, atMs: performance.now() })
    return isFirst
  }

  /** What is pending, as one event, and how many conversations it tells of. */
  take(): { text: string; count: number; leftOut: number } {
    const now = performance.now()
    const grown = [...this.pending.values()].map(({ atMs, dueInMs, ...growth }) => ({
      ...growth,
      dueInMs: Math.max(Math.round(dueInMs - (now - atMs)), 0),
    }))
    const { leftOut } = this
    this.clear()
    return { text: eventOf('growth', grown), count: grown.length, leftOut }
  }

  clear(): void {
    this.pending.clear()
    this.leftOut = 0
  }
}
