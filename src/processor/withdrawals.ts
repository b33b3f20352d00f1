/**
 * Batches that newer messages supersede after their handover. The processor stops to wait for their answers. It also
 * asks the receiver to remove those on which no work has begun, which a worker would only skip.
 *
 * Only the processor that waits for the answer acts on a notice. A missed notice does no harm: a worker asks the store
 * before it calls its handler, and the end of a superseded batch changes nothing.
 *
 * A superseded batch is counted once: here if it was removed, or if its receiver cannot remove it and so works on it (a
 * 202 of `http`); else by the worker or the call that has it.
 */
import type { Handover } from '../handover/handover.js'
import type { Logger } from '../logger.js'
import type { Observer } from '../observer.js'
import type { Answers } from './answers.js'

export interface WithdrawalsParts {
  handover: Pick<Handover, 'withdraw'>
  answers: Pick<Answers, 'forget'>
  log: Logger
  observer: Observer
}

export class Withdrawals {
  constructor(private readonly parts: WithdrawalsParts) {}

  /** A notice of the store. @param isRunning the call that hands it over was aborted, and has counted it */
  onSuperseded(batchId: string, isRunning: boolean): void {
    const { answers, handover, observer } = this.parts
    const known = answers.forget(batchId)
    if (!known) return
    if (handover.withdraw) void this.withdraw(batchId)
    else if (known.isOwn && !isRunning) observer.superseded?.('running')
  }

  /** Never rejects. */
  async withdraw(batchId: string): Promise<void> {
    const { handover, answers, log, observer } = this.parts
    answers.forget(batchId)
    try {
      const removed = (await handover.withdraw?.([batchId])) ?? []
      for (const id of removed) {
        log.debug({ batchId: id }, 'removed from the queue: newer messages superseded it before a worker took it')
        observer.superseded?.('waiting')
      }
    } catch (error) {
      log.debug({ batchId, err: error }, 'a superseded batch could not be removed: its worker skips it')
    }
  }
}
