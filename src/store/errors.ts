/** Why a store refuses a call. */

/** The store cannot be reached or written now. An expected state: try again later. */
export class StoreUnavailable extends Error {
  override name = 'StoreUnavailable'
  constructor(
    readonly reason: /** No connection. */
      | 'connection'
      /** No answer in time: what was asked may have been done. */
      | 'timeout'
      /** Redis is reading its data. */
      | 'loading'
      /** A replica. */
      | 'readonly'
      /** No room for more messages. Claims and answers go on. */
      | 'memory'
      /** A slow script blocks Redis. */
      | 'busy'
      /** Redis cannot save. */
      | 'misconf'
      /** `lull drain`: nothing is accepted until the drain ends. Redis itself is fine. */
      | 'draining'
      /** A Cluster moves the slot to another node, or has moved it: nothing was done. */
      | 'moving'
      /** No node of a Cluster serves the slot, or none answers. */
      | 'cluster'
      /**
       * Too few replicas: Redis refused the write (`min-replicas-to-write`), or it is written, but on fewer replicas
       * than `waitReplicas`. Then it counts as a duplicate when it is sent again.
       */
      | 'replicas'
      /** User, password or rights. */
      | 'auth'
      | 'other',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}

/** A key that Lull needs holds another type, from an older system perhaps. The message names the key and the remedy. */
export class ForeignKey extends Error {
  override name = 'ForeignKey'
}
