/** Newer messages superseded a batch before its answer was committed. Its answer must not be sent. */
export class Superseded extends Error {
  override name = 'Superseded'
  readonly code = 'ERR_SUPERSEDED'

  /** @param by the batch that has its messages now; absent if they were dropped, or if that is not known any more */
  constructor(
    readonly batchId: string,
    readonly by?: string,
  ) {
    super(`batch ${batchId} was superseded${by === undefined ? '' : ` by batch ${by}`}: do not send its answer`)
  }
}

/** By name: the reason may come from the CommonJS build and this file from the ESM one, whose classes differ. */
export const isSuperseded = (reason: unknown): boolean => reason instanceof Error && reason.name === 'Superseded'
