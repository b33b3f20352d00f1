import type { Check } from '../check.js'
import { degraded, ok } from '../finding.js'

const MANAGED = 'managed: notify-keyspace-events Ex in its parameter group or console'

/** Whether Redis publishes the expiry of keys. Without it processors use their timer and `next-due`. */
export const notifications: Check = {
  name: 'notifications',
  look: async ({ store }) => {
    const { result, flags, error } = await store.ensureNotifications(false)
    if (result === 'unneeded') return ok('notifications', 'nothing needs the expiry of keys: there are partitions')
    if (result === 'there') return ok('notifications', `notify-keyspace-events "${flags}"`)
    return result === 'refused'
      ? degraded(
          'notifications',
          `CONFIG is refused here (${answerIn(error)}), so whether expiry is published cannot be read; the timer and next-due work without it`,
          `allow it to this user (+config|get, and +config|set so that a processor can turn it on), or set notify-keyspace-events Ex in redis.conf; ${MANAGED}; the canary below shows whether it is on`,
        )
      : degraded(
          'notifications',
          `notify-keyspace-events "${flags}" lacks Ex: expired shadow keys wake no processor; the timer and next-due work without it`,
          `CONFIG SET notify-keyspace-events ${flags}Ex, or let a processor do it (LULL_CONFIGURE_REDIS=on); ${MANAGED}`,
        )
  },
}

/** Redis's own words, without the advice around them, which is about passwords. */
const answerIn = (error: string | undefined) => /"(.*)"/.exec(error ?? '')?.[1] ?? error
