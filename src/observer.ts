/**
 * What happens, told to whoever measures it (`metrics/metrics.ts` does). Each part of Lull tells what it knows, when it has
 * happened, and waits for nobody; a method that is not there is not called. Durations are in milliseconds.
 */
import type { ClaimedBatch, StoreUnavailable } from './store/store.js'

/** What woke a processor. */
export type NudgeKind = 'timer' | 'next-due' | 'expired' | 'subscribed'

export interface Observer {
  /** A webhook's items, or messages by hand, have become this. */
  received?(provider: string, counts: Counts): void
  /** A webhook was refused. */
  rejected?(provider: string, reason: string): void
  appended?(durationMs: number): void
  requested?(request: { route: string; method: string; code: number; durationMs: number }): void
  claimed?(batch: ClaimedBatch): void
  handedOver?(handover: { kind: string; result: string; durationMs: number }): void
  /** The work on a batch has ended. `durationMs`: since its handover, where that is known. */
  answered?(result: string, durationMs: number | undefined): void
  nudged?(kind: NudgeKind): void
  /** A key expired that was set for this, by this process or another one. */
  canaryExpired?(name: string): void
  redisFailed?(kind: StoreUnavailable['reason']): void
}

/** What became of a webhook's items: the answer's body. Corrections are told of only where there were any. */
export interface Counts {
  accepted: number
  duplicates: number
  ignored: number
  edited?: number
  revoked?: number
  /** Edits and revocations of messages that do not wait here any more. */
  tooLate?: number
}
