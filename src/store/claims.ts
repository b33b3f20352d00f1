/** How batches are claimed, under which leases, and how a handover is refused. */
import type { Batch } from '../batch.js'

/** What a processor claims, and how much of it. */
export interface ClaimRequest {
  /** The processor's name in the history and in `batch-released`. Unique to one life of one process. */
  owner: string
  /** Batches that it takes at most. */
  maxBatches: number
  /**
   * Claims in this partition only. Absent: in all of them, one after the other. Then both limits are those of the whole
   * claim, and what has been due longest comes first within each partition.
   */
  partition?: number
  /** The claim stops at the batch that reaches this many bytes of messages. It always takes one batch. */
  maxBytes: number
}

/** One lease of one batch. Each later lease of the same batch has a higher number. */
export interface Lease {
  /** The batch's id. */
  batchId: string
  /** From 1. */
  lease: number
}

/** A lease that its holder no longer has: another claim took the batch, or it is gone. */
export interface LostLease {
  /** The batch's id. */
  batchId: string
  /** Newer messages superseded the batch. */
  superseded?: {
    /** The batch that has its messages. Absent if they were dropped or forgotten. */
    by?: string
  }
}

/** A batch under a lease. */
export interface ClaimedBatch extends Lease {
  /** What is handed over. */
  batch: Batch
  /** 1 for the first handover. */
  attempt: number
  /** Milliseconds from the batch's may-go time to the claim. */
  lateMs: number
  /** The header was lost: it expired, or another program deleted it before its TTL. */
  headerLost?: 'expired' | 'vanished'
  /** With telemetry: the spans that appended its messages. */
  traceparents?: string[]
}

/**
 * A batch in `answering` whose check is due. The caller asks its receiver for the job's state and calls `answered`, or
 * waits.
 */
export interface AnswerCheck {
  /** The batch's id. */
  batchId: string
  /** The conversation that it holds. */
  conversationId: string
  /** Milliseconds since `ack`. */
  handedOverForMs: number
  /** The attempt that a worker has started. Absent until `workerStarted` was called. */
  workerAttempt?: string
  /** Milliseconds since `workerStarted` was first called for that attempt. The answer timeout counts from there. */
  workingForMs?: number
}

/** A batch that died in this claim: its lease ended, and its attempts are used up. */
export interface DeadNotice {
  /** The batch's id. */
  batchId: string
  /** Its conversation. */
  conversationId: string
  /** One line. */
  error: string
}

/** What a claim brought. */
export interface ClaimResult {
  /**
   * At most one of each partition is claimed again after its lease ended. The others are claimed for the first time.
   */
  batches: ClaimedBatch[]
  /** Batches of whose answers the receiver is to be asked. */
  checks: AnswerCheck[]
  /** Batches that died in this claim. */
  dead: DeadNotice[]
  /** Conversations that a foreign key keeps from being read; they are put off for a while. */
  troubles: {
    /** Its id. */
    conversationId: string
    /** One line that names the key. */
    error: string
  }[]
  /** Milliseconds until there is something to claim, as far as is known now; 0: there is more already. Absent: nothing waits. */
  nextInMs?: number
}

/** A handover that failed. */
export interface NackRequest extends Lease {
  /** Milliseconds until the batch may be claimed again. */
  delayMs: number
  /** Count this attempt. False for failures of the queue, which must not turn batches dead. */
  counts: boolean
  /** One line. */
  error: string
}

/** What became of the batch. `stale`: the batch has another lease or is gone, and nothing was changed. */
export type NackResult = 'retry' | 'dead' | 'stale'
