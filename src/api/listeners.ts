/**
 * Whether anybody hears of what is appended. Redis says how many subscribers `next-due` has; none means that no
 * processor stands on the same Redis, database and prefix, which is worth a line.
 */
import type { Batcher } from '../batcher.js'
import type { Logger } from '../logger.js'
import type { AppendResult } from '../store/store.js'
import { MINUTE_MS, Throttle } from '../throttle.js'

export class Listeners {
  private readonly warning = new Throttle(MINUTE_MS)

  constructor(
    private readonly batcher: Batcher,
    private readonly log: Logger,
    private readonly onUnheard: () => void = () => {},
  ) {}

  readonly afterAppend = ({ listeners }: AppendResult): void => {
    if (listeners !== 0) return
    if (this.warning.isDue()) this.warn()
    this.onUnheard()
  }

  private warn(): void {
    this.batcher.open().then(
      ({ address, db, prefix }) =>
        this.log.warn(
          { address, db, prefix },
          `nobody listens to next-due on ${address}, database ${db}, prefix ${prefix}: start a processor with the same REDIS_URL and LULL_PREFIX`,
        ),
      // The store said so itself, and this warning comes again.
      () => {},
    )
  }
}
