/**
 * Notices appends that no processor will release: Redis reports how many subscribers were notified, and none means that
 * no processor uses the same Redis, database and prefix.
 */
import type { Batcher } from '../batcher.js'
import type { Logger } from '../logger.js'
import type { AppendResult } from '../store/store.js'
import { MINUTE_MS, Throttle } from '../throttle.js'

export class NoProcessor {
  private readonly warnings = new Throttle(MINUTE_MS)

  /** @param onNoProcessor called after each such append */
  constructor(
    private readonly batcher: Batcher,
    private readonly log: Logger,
    private readonly onNoProcessor: () => void = () => {},
  ) {}

  readonly afterAppend = ({ listeners }: AppendResult): void => {
    if (listeners !== 0) return
    if (this.warnings.isDue()) this.warn()
    this.onNoProcessor()
  }

  private warn(): void {
    this.batcher.open().then(
      ({ address, db, prefix }) =>
        this.log.warn(
          { address, db, prefix },
          `no processor is subscribed on ${address}, database ${db}, prefix ${prefix}: start one with the same REDIS_URL and LULL_PREFIX`,
        ),
      // The store has logged the error, and the warning is repeated in a minute.
      () => {},
    )
  }
}
