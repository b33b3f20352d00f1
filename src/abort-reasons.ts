/**
 * Why a handler's `signal` was aborted, apart from `Superseded`: its `reason`. Tell them apart by `name` or `code`: the
 * package's ESM and CommonJS builds have classes of their own.
 */

/** The answer took longer than `answerTimeoutMs`. Its conversation continues without it. */
export class AnswerTimeout extends Error {
  override name = 'AnswerTimeout'
  readonly code = 'ERR_ANSWER_TIMEOUT'

  constructor(readonly answerTimeoutMs: number) {
    super(`no answer within ${answerTimeoutMs} ms`)
  }
}

/** The processor stops, and its time to do so is nearly over. The batch is handed over again by another one. */
export class ProcessorStopping extends Error {
  override name = 'ProcessorStopping'
  readonly code = 'ERR_PROCESSOR_STOPPING'

  constructor() {
    super('the processor is stopping')
  }
}

/** The processor does not hold the batch any more: another one may hand it over. */
export class LeaseLost extends Error {
  override name = 'LeaseLost'
  readonly code = 'ERR_LEASE_LOST'

  constructor(
    readonly batchId: string,
    why: string,
  ) {
    super(`the lease of batch ${batchId} was lost: ${why}`)
  }
}
