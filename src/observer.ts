/**
 * Hooks for measuring (`metrics/metrics.ts` implements them). Each is called after the event, and nothing waits for it.
 * Every hook is optional. Durations are in milliseconds.
 */
import type { ClaimedBatch, CommitResult, StoreUnavailable } from './store/store.js'

/** What woke a processor. */
export type NudgeKind = 'timer' | 'next-due' | 'expired' | 'subscribed'

/**
 * What the work on a batch was at when newer messages superseded it.
 *
 *   waiting   no handler worked on it: its job waited in the queue, for a worker or for its next attempt
 *   running   a handler, or the receiver of its POST, worked on it
 *   due       its handler had finished its work and waited in `commit` for the due time
 */
export type SupersededWhen = 'waiting' | 'running' | 'due'

/** How a commit ended. `again`: it was granted before. */
export type CommitOutcome = Exclude<CommitResult['state'], 'wait'> | 'again'

/**
 * Called with what happens, to measure it. Nothing waits for these calls; each is optional. Durations are milliseconds.
 */
export interface Observer {
  /** A webhook's items, or messages posted by hand, were processed. From the API and `webhook({ observer })`. */
  received?(provider: string, counts: Counts): void
  /** A webhook was refused, see `RejectionReason`. From the API and `webhook({ observer })`. */
  rejected?(provider: string, reason: string): void
  /** An append has returned. */
  appended?(durationMs: number): void
  /**
   * A claim brought this batch, for the first time (`lease` is 1) or again. Inside Lull the step is `claimed`; outside,
   * the first claim is the batch's release: channel `batch-released`, metric `lull_batches_released_total`, field
   * `releasedBy`.
   */
  claimed?(batch: ClaimedBatch): void
  /** A call of the handover has returned; once for each of its batches. `durationMs`: the call's. */
  handedOver?(handover: { kind: string; result: string; durationMs: number }): void
  /**
   * The store has noted that the work on a batch has ended; once a batch (`report-answered.ts`). `durationMs`: since
   * the handover. `replyMs`: since the batch's last message, by the store's clock.
   */
  answered?(result: string, durationMs: number | undefined, replyMs: number | undefined): void
  /** Newer messages superseded a batch; once a batch, from the process that had it. */
  superseded?(when: SupersededWhen): void
  /** A handler worked so long on a batch that was superseded, without its wait in `commit`; once a run. */
  runWasted?(durationMs: number): void
  /** A commit was granted or refused. `waitedMs`: since the call; absent if the caller asked without waiting. */
  committed?(outcome: CommitOutcome, waitedMs?: number): void
  /** A processor was woken. */
  nudged?(kind: NudgeKind): void
  /** So many processors run, this one included, as far as it knows. Only on a store of several partitions. */
  processors?(count: number): void
  /** The key of a canary has expired, of this process or another one. */
  canaryExpired?(name: string): void
  /** A call of Redis failed, for this reason. */
  redisFailed?(kind: StoreUnavailable['reason']): void
  /** A node of a Cluster said that a slot is elsewhere (`moved`), or on its way (`ask`). */
  redirected?(kind: 'moved' | 'ask'): void
  /** A write was done, but fewer replicas than `waitReplicas` had it in time. */
  waitFellShort?(): void
}

/** How a webhook's items were processed: the body of its answer. Corrections are counted only if there were any. */
export interface Counts {
  /** Messages that were stored. */
  accepted: number
  /** Messages whose id the conversation had seen before. */
  duplicates: number
  /** Items that are no message of a person. */
  ignored: number
  /** Of the accepted ones: those that came while their conversation was paused. Absent if there are none. */
  paused?: number
  /** Messages whose text was replaced. */
  edited?: number
  /** Messages that were taken out. */
  revoked?: number
  /** Edits and revocations of messages that no longer wait here. */
  tooLate?: number
}
