/** What is known of a conversation beside its messages: `lua/shared/state.lua`. */

/** A pause, holds and signs of typing. */
export interface Known {
  paused?: { untilMs: number; keep: 'drop' | 'collect' }
  /** `worthMs`: how long the sign holds; absent if it said that the typing has ended. */
  typed?: { atMs: number; worthMs?: number }
  /** `batchId`: the only batch that it holds back. */
  holds?: Map<string, { atMs: number; batchId?: string }>
}
