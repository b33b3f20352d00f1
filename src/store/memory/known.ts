/** What is known of a conversation beside its messages: `lua/shared/state.lua`. */

/** A pause, holds and signs of typing. */
export interface Known {
  /**
   * `causes`: the own messages that paused it, by their ids, each until when; `otherwiseMs`: until when it would be
   * paused without them.
   */
  paused?: { untilMs: number; keep: 'drop' | 'collect'; causes?: Map<string, number>; otherwiseMs?: number }
  /** `worthMs`: how long the sign holds; absent if it said that the typing has ended. */
  typed?: { atMs: number; worthMs?: number }
  /** `batchId`: the only batch that it holds back. */
  holds?: Map<string, { atMs: number; batchId?: string }>
}
