/** How the work on a batch is committed, superseded and ended. */
import type { Rules } from '../rules.js'

/** How the work on a batch ended. `removed`: the receiver no longer knows the job. `timeout`: the work took longer than the answer timeout. */
export type AnswerOutcome = 'completed' | 'failed' | 'removed' | 'timeout'

/** What a report of an answer has changed. */
export interface AnsweredResult {
  /**
   * This report ended the batch's hold. False if the batch held nothing, or has a later lease. Of several reports of
   * one answer exactly one gets `true` in serial order, and that one is counted (`report-answered.ts`).
   */
  freed: boolean
  /** Milliseconds until the conversation's next batch is due. Absent if nothing waits. */
  dueInMs?: number
  /** Milliseconds since the batch's last message. Absent if the batch was neither claimed nor handed over. */
  replyMs?: number
}

/** How long a superseded batch is remembered, for a `commit` that comes late: of a worker that was frozen, say. */
export const SUPERSEDED_KEPT_MS = 3_600_000

/**
 * The same for an answered batch. A second run of its work (after a lost lock, say) commits within its own answer
 * timeout. A program that slept for longer learns the same from a commit of a batch that is not remembered: not to send.
 */
export const answeredKeptMs = ({ answerTimeoutMs }: Pick<Rules, 'answerTimeoutMs'>): number =>
  Math.min(answerTimeoutMs + ANSWERED_KEPT_LONGER_MS, SUPERSEDED_KEPT_MS)

const ANSWERED_KEPT_LONGER_MS = 120_000

/**
 * Whether the answer to a batch may be sent.
 *
 * `go`: nothing supersedes the batch any more; `again`: it was committed before, so an earlier run of the work may have
 * sent its answer. `wait`: it is due in `waitMs`. `superseded`: newer messages superseded it, and `by` has its
 * messages; without `by` they were dropped or forgotten. `unknown`: it does not hold its conversation, and it ended
 * long ago (`answeredKeptMs`, `SUPERSEDED_KEPT_MS`), was forgotten, or never began. A dead batch is granted as one that
 * holds its conversation: its receiver may have it all the same.
 */
export type CommitResult =
  | {
      state: 'go'
      /** It was committed before. */
      again?: true
    }
  | {
      state: 'wait'
      /** Milliseconds until it is due. */
      waitMs: number
    }
  | {
      state: 'superseded'
      /** The batch that has its messages. */
      by?: string
    }
  | { state: 'answered' }
  | { state: 'unknown' }

/**
 * Whether a batch is still to be answered. `held`: the batch holds its conversation, whether it is committed or not; or it is dead. The others are as in `CommitResult`: the
 * conversation has gone on without it.
 */
export type HoldState = 'held' | 'superseded' | 'answered' | 'unknown'

/** Notices that end or change the wait for a commit. */
export interface SupersedeListener {
  /** A batch was superseded before its commit, and `by` has its messages. */
  superseded(news: { conversationId: string; batchId: string; by?: string | undefined }): void
  /** The due time of a batch that is being answered has moved. */
  moved(news: { conversationId: string; batchId: string; dueInMs: number }): void
  /** News may have been missed: before now, or while the connection was away. Ask `commit`. */
  missed(): void
}
