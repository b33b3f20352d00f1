/**
 * An outage is logged once when it begins and once when it has ended, with its length: not once a retry.
 */
import type { Logger } from './logger.js'

export class Outage {
  private sinceMs: number | undefined

  /** @param what is away, as the log names it: `Redis at redis://127.0.0.1:6379` */
  constructor(
    private readonly log: Logger,
    private readonly what: string,
  ) {}

  /** It fails. Every call but the first of an outage is silent. */
  began(error: Error): void {
    if (this.sinceMs !== undefined) return
    this.sinceMs = performance.now()
    this.log.error({ err: error.message }, `${this.what} is away: ${error.message}`)
  }

  /** It works. Silent where no outage was. */
  ended(): void {
    if (this.sinceMs === undefined) return
    const lastedMs = Math.round(performance.now() - this.sinceMs)
    this.sinceMs = undefined
    this.log.info({ lastedMs }, `${this.what} is back after ${(lastedMs / 1000).toFixed(1)} s`)
  }
}
