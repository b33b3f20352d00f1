/** Which processors run, so that they can divide the partitions among themselves. */

/** A processor counts as running for so long after its last `renew`. */
export const PROCESSOR_TTL_MS = 25_000

/** The processors that run. */
export interface ProcessorList {
  /**
   * `owner` runs. Resolves to all that run, itself included. Publishes a change if `owner` is new, or if another one's
   * time is over.
   */
  renew(owner: string): Promise<string[]>
  /** `owner` stops. Publishes that. */
  leave(owner: string): Promise<void>
  /**
   * Calls `listener` when processors have come or gone, and when such changes may have been missed, until the returned
   * function is called. Rejects if the store cannot be reached.
   */
  follow(listener: () => void): Promise<() => Promise<void>>
}
