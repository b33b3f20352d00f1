/**
 * Expired shadow keys and headers: each may mean that a batch is due. Most are of batches that have just been claimed,
 * since the claim itself makes Redis announce the keys that have ended. Those need no claim more.
 *
 * Expiries of a span cause one claim together. A processor whose timer knows of a due batch does not wait for it.
 */
const SPAN_MS = 20

export class Expiries {
  /** Conversations whose keys have expired, and that no claim has brought yet. */
  private readonly unclaimed = new Set<string>()
  /** Claimed within a span, by when: their expiries may come after the claim's reply. */
  private readonly claimedAtMs = new Map<string, number>()
  private timer: NodeJS.Timeout | undefined

  /** @param onDue something may be due now */
  constructor(private readonly onDue: () => void) {}

  expired(conversationId: string): void {
    if (performance.now() - (this.claimedAtMs.get(conversationId) ?? Number.NEGATIVE_INFINITY) < SPAN_MS) return
    this.unclaimed.add(conversationId)
    this.timer ??= setTimeout(() => this.endSpan(), SPAN_MS)
  }

  /** This process has claimed a batch of the conversation. */
  claimed(conversationId: string): void {
    this.unclaimed.delete(conversationId)
    const now = performance.now()
    this.claimedAtMs.delete(conversationId)
    this.claimedAtMs.set(conversationId, now)
    for (const [oldest, atMs] of this.claimedAtMs) {
      if (now - atMs < SPAN_MS) break
      this.claimedAtMs.delete(oldest)
    }
  }

  /** May be called twice. */
  stop(): void {
    clearTimeout(this.timer)
  }

  private endSpan(): void {
    this.timer = undefined
    const { size } = this.unclaimed
    this.unclaimed.clear()
    if (size > 0) this.onDue()
  }
}
