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
      /** Redis cannot save or replicate. */
      | 'misconf'
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
