/** Why a store refuses a call. */

/**
 * The store cannot be reached or written now. An expected state: try again later. `reason` says why, and `message` names
 * the remedy.
 */
export class StoreUnavailable extends Error {
  /** Tells it apart, whichever build it comes from. */
  override name = 'StoreUnavailable'
  /** Why the store refuses. */
  readonly reason: Unavailability

  constructor(reason: Unavailability, message: string, options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
  }
}

/**
 * Why a store refuses a call.
 *
 *   connection   no connection
 *   timeout      no answer in time: what was asked may have been done
 *   loading      Redis is reading its data
 *   readonly     a replica
 *   memory       no room for more messages; claims and answers go on
 *   busy         a slow script blocks Redis
 *   misconf      Redis cannot save
 *   draining     `lull drain`: nothing is accepted until the drain ends; Redis itself is fine
 *   moving       a Cluster moves the slot to another node, or has moved it: nothing was done
 *   cluster      no node of a Cluster serves the slot, or none answers
 *   replicas     too few: Redis refused the write (`min-replicas-to-write`), or it is written, but on fewer replicas than
 *                `waitReplicas`; then it counts as a duplicate when it is sent again
 *   auth         user, password or rights
 */
export type Unavailability =
  | 'connection'
  | 'timeout'
  | 'loading'
  | 'readonly'
  | 'memory'
  | 'busy'
  | 'misconf'
  | 'draining'
  | 'moving'
  | 'cluster'
  | 'replicas'
  | 'auth'
  | 'other'

/** A key that Lull needs holds another type, from an older system perhaps. The message names the key and the remedy. */
export class ForeignKey extends Error {
  /** Tells it apart, whichever build it comes from. */
  override name = 'ForeignKey'
}
