/** The scripts for batches from their claim on: see `scripts.ts`. */
import { type AnswerOutcome, answeredKeptMs, type HoldState } from '../answers.js'
import type { ClaimRequest, Lease, NackRequest, NackResult } from '../claims.js'
import type { RunReply } from './entries.js'
import type { ScriptRunner } from './script-runner.js'

export interface Ending {
  batchId: string
  outcome: AnswerOutcome
  conversationId?: string | undefined
  lease?: number | undefined
}

export interface Ended {
  freed: boolean
  /** -1 if nothing waits */
  dueInMs: number
  /** Since the batch's last message; -1 if that is not known */
  replyMs: number
}

export type LostReply = [batchId: string, state: 'superseded' | '', by: string]

export type CommitReply =
  | ['go', again?: 1]
  | ['wait', waitMs: number]
  | ['superseded', by: string]
  | ['answered']
  | ['unknown']

export class BatchScripts {
  constructor(private readonly runner: ScriptRunner) {}

  claim({ owner, maxBatches, maxBytes }: ClaimRequest) {
    const { rules } = this.runner
    return this.runner.run<
      [
        batches: RunReply[],
        checks: [
          batchId: string,
          conversationId: string,
          handedOverForMs: number,
          workerAttempt: string,
          workingForMs: number,
        ][],
        dead: [batchId: string, conversationId: string, error: string][],
        troubles: [conversationId: string, error: string, batchId: string][],
        nextInMs: number,
      ]
    >('claim', [
      owner,
      maxBatches,
      maxBytes,
      rules.leaseMs,
      rules.maxAttempts,
      rules.batchTtlMs,
      this.runner.checkMs,
      rules.answerTimeoutMs,
      this.runner.db,
      ...this.runner.storeRules,
      this.runner.longestWaitMs,
    ])
  }

  renew(leases: Lease[]) {
    const { leaseMs, batchTtlMs } = this.runner.rules
    return this.runner.run<LostReply[]>('renew', [
      leaseMs,
      batchTtlMs,
      this.runner.supersedes,
      ...leases.flatMap(({ batchId, lease }) => [batchId, lease]),
    ])
  }

  ack(batchIds: string[], owner: string) {
    const { order, batchTtlMs } = this.runner.rules
    return this.runner.run<[batchId: string, error: string][]>('ack', [
      order,
      this.runner.checkMs,
      batchTtlMs,
      owner,
      this.runner.db,
      ...batchIds,
    ])
  }

  nack({ batchId, lease, delayMs, counts, error }: NackRequest) {
    const { maxAttempts, batchTtlMs } = this.runner.rules
    return this.runner.run<NackResult>('nack', [
      batchId,
      lease,
      delayMs,
      counts ? 1 : 0,
      maxAttempts,
      error,
      batchTtlMs,
      this.runner.db,
      ...this.runner.storeRules,
    ])
  }

  giveBack(owner: string, keep: string[]) {
    return this.runner.run<string[]>('give-back', [owner, this.runner.db, ...keep])
  }

  /** Resolves to how many checks of all batches are still ahead. @param ofAll how many of those become due too */
  checkNow(batchIds: string[], ofAll = 0) {
    return this.runner.run<number>('check-now', [this.runner.db, ofAll, ...batchIds])
  }

  workerStarted(batchId: string, workerAttempt: string) {
    return this.runner.run<null>('worker-started', [
      batchId,
      workerAttempt,
      this.runner.rules.answerTimeoutMs,
      this.runner.checkMs,
    ])
  }

  /** Resolves to each result, in order; to an `Error` for an ending that failed. */
  async answered(endings: Ending[]): Promise<(Ended | Error)[]> {
    const replies = await this.runner.run<(string | [freed: number, dueInMs: number, replyMs: number])[]>('answered', [
      this.runner.db,
      this.runner.supersedes,
      ...this.runner.storeRules,
      answeredKeptMs(this.runner.rules),
      ...endings.flatMap(({ batchId, outcome, conversationId = '', lease = '' }) => [
        batchId,
        outcome,
        conversationId,
        lease,
      ]),
    ])
    return replies.map(reply => {
      if (typeof reply === 'string') return new Error(reply)
      const [freed, dueInMs, replyMs] = reply
      return { freed: freed === 1, dueInMs, replyMs }
    })
  }

  commit(batchId: string) {
    return this.runner.run<CommitReply>('commit', [batchId, this.runner.longestWaitMs])
  }

  holdState(batchId: string) {
    return this.runner.run<HoldState>('hold-state', [batchId])
  }

  redrive(batchIds: string[], by: string) {
    return this.runner.run<string | null>('redrive', [by, this.runner.db, ...batchIds])
  }

  discardDead(batchIds: string[], by: string) {
    return this.runner.run<number>('discard-dead', [by, ...batchIds])
  }
}
