/** The answer to a batch must not be sent: newer messages superseded the batch before its commit, or it is over. */
export class Superseded extends Error {
  /** Tells it apart, whichever build it comes from. */
  override name = 'Superseded'
  /** The same. */
  readonly code = 'ERR_SUPERSEDED'
  /** The batch whose answer must not be sent. */
  readonly batchId: string
  /** The batch that has its messages now. Absent if they were dropped or forgotten, and for another cause. */
  readonly by?: string

  /**
   * @param by the batch that has its messages now. Absent if they were dropped or forgotten, and for another cause
   * @param cause as a commit is refused. `unknown`: Lull does not remember what ended the batch
   */
  constructor(batchId: string, by?: string, cause: keyof typeof CAUSES = 'superseded') {
    super(`batch ${batchId} ${by === undefined ? CAUSES[cause] : `was superseded by batch ${by}: ${NOT_SENT}`}`)
    this.batchId = batchId
    if (by !== undefined) this.by = by
  }
}

const NOT_SENT = 'its answer must not be sent'

const CAUSES = {
  superseded: `is gone, its messages were dropped or forgotten: ${NOT_SENT}`,
  answered: 'has been answered: another answer must not be sent',
  unknown: `is not known: it ended long ago, or was forgotten or discarded: ${NOT_SENT}`,
}

/** By name: the reason may come from the CommonJS build and this file from the ESM one, whose classes differ. */
export const isSuperseded = (reason: unknown): boolean => reason instanceof Error && reason.name === 'Superseded'
