/**
 * How open batches grow, for the readers of `/events`: the latest state of each conversation, a few times a second. It
 * comes from the channel `batch-updated`; the history has no step for a single message.
 */
import type { Growth as Update } from '../store/store.js'
import { eventOf } from './live-reader.js'

type Growth = Pick<Update, 'conversationId' | 'batchId' | 'count' | 'dueInMs'>

/** As many conversations as the page shows. */
const MOST_PENDING = 1000

export class PendingGrowth {
  private readonly pending = new Map<string, Growth & { atMs: number }>()
  private leftOut = 0

  /** @returns whether this is the first one pending */
  add({ conversationId, batchId, count, dueInMs }: Growth): boolean {
    const isFirst = this.pending.size === 0
    if (this.pending.size >= MOST_PENDING && !this.pending.has(conversationId)) this.leftOut += 1
    else this.pending.set(conversationId, { conversationId, batchId, count, dueInMs, atMs: performance.now() })
    return isFirst
  }

  /** @returns what is pending as one event, for how many conversations, and how many did not fit */
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
