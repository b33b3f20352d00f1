/**
 * The message ids that conversations have seen, and when. Both maps are in order of time, so what is old enough to be
 * forgotten is in front, and each message that comes takes a few of those with it, of its own conversation and of the one
 * that has been silent longest: memory follows traffic.
 */

const FORGOTTEN_A_MESSAGE = 4

export class SeenIds {
  private readonly conversations = new Map<string, Map<string, number>>()

  constructor(private readonly dedupeMs: number) {}

  has(conversationId: string, messageId: string, nowMs: number): boolean {
    const seenAtMs = this.conversations.get(conversationId)?.get(messageId)
    return seenAtMs !== undefined && seenAtMs > nowMs - this.dedupeMs
  }

  add(conversationId: string, messageId: string, nowMs: number): void {
    const ids = this.conversations.get(conversationId) ?? new Map<string, number>()
    ids.delete(messageId)
    ids.set(messageId, nowMs)
    this.conversations.delete(conversationId)
    this.conversations.set(conversationId, ids)
    this.forgetOld(conversationId, ids, nowMs - this.dedupeMs)
    for (const [silent, itsIds] of this.conversations) {
      this.forgetOld(silent, itsIds, nowMs - this.dedupeMs)
      break
    }
  }

  /** Of a conversation, all. */
  forget(conversationId: string): void {
    this.conversations.delete(conversationId)
  }

  private forgetOld(conversationId: string, ids: Map<string, number>, untilMs: number): void {
    let left = FORGOTTEN_A_MESSAGE
    for (const [messageId, seenAtMs] of ids) {
      if (left === 0 || seenAtMs > untilMs) return
      ids.delete(messageId)
      left -= 1
    }
    if (ids.size === 0) this.conversations.delete(conversationId)
  }

  /** How many ids are kept. */
  get size(): number {
    return [...this.conversations.values()].reduce((sum, ids) => sum + ids.size, 0)
  }
}
