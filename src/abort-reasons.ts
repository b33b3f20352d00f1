/**
 * Why a handler's `signal` was aborted, apart from `Superseded`: its `reason`. Tell them apart by `name` or `code`: the
 * package's ESM and CommonJS builds have classes of their own.
 */

/** The answer took longer than `answerTimeoutMs`. Its conversation continues without it. */
export class AnswerTimeout extends Error {
  /** Tells it apart, whichever build it comes from. */
  override name = 'AnswerTimeout'
  /** The same. */
  readonly code = 'ERR_ANSWER_TIMEOUT'
  /** The time that was allowed, in milliseconds. */
  readonly answerTimeoutMs: number

  constructor(answerTimeoutMs: number) {
    super(`no answer within ${answerTimeoutMs} ms`)
    this.answerTimeoutMs = answerTimeoutMs
  }
}

/** The processor stops, and its time to do so is nearly over. The batch is handed over again by another one. */
export class ProcessorStopping extends Error {
  /** Tells it apart, whichever build it comes from. */
  override name = 'ProcessorStopping'
  /** The same. */
  readonly code = 'ERR_PROCESSOR_STOPPING'

  constructor() {
    super('the processor is stopping')
  }
}

/** The processor does not hold the batch any more: another one may hand it over. */
export class LeaseLost extends Error {
  /** Tells it apart, whichever build it comes from. */
  override name = 'LeaseLost'
  /** The same. */
  readonly code = 'ERR_LEASE_LOST'
  /** The batch that was under the lease. */
  readonly batchId: string

  constructor(batchId: string, why: string) {
    super(`the lease of batch ${batchId} was lost: ${why}`)
    this.batchId = batchId
  }
}
