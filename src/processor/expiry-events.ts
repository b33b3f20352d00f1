import type { Logger } from '../logger.js'
import type { Store } from '../store/store.js'

/**
 * Makes Redis announce expired keys, and logs if it was changed or cannot be. A `CONFIG SET` is lost when Redis
 * restarts, so this is repeated after each resubscription; only the first time it warns.
 * @param mayChange whether `Ex` may be added to `notify-keyspace-events`
 */
export async function ensureExpiryEvents(
  store: Pick<Store, 'ensureNotifications'>,
  { mayChange, log, when }: { mayChange: boolean; log: Logger; when: 'first' | 'again' },
): Promise<void> {
  const { result, flags, error } = await store.ensureNotifications(mayChange)
  if (result === 'added') {
    log.info({ flags }, `notify-keyspace-events is now "${flags}": E and x were added, for the expiry of shadow keys`)
    return
  }
  if (when === 'again' || result === 'there' || result === 'unneeded') return
  const why =
    result === 'off' ? 'lacks Ex, and LULL_CONFIGURE_REDIS is off' : 'may lack Ex, and may not be changed here'
  log.warn(
    { flags, ...(error === undefined ? {} : { error }) },
    `notify-keyspace-events ${why}: it works all the same, by timer and next-due; set it in redis.conf, or by your provider’s console`,
  )
}
