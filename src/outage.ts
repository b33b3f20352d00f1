/**
 * Logs an outage once when it begins and once when it has ended, with its length, instead of once a retry.
 */
import type { Logger } from './logger.js'

export class Outage {
  private sinceMs: number | undefined

  /** @param given the log's name for what is away: `Redis at redis://127.0.0.1:6379` */
  constructor(
    private readonly log: Logger,
    private readonly given: string | (() => string),
  ) {}

  private get what(): string {
    return typeof this.given === 'string' ? this.given : this.given()
  }

  /** A call has failed. Only the first one of an outage is logged. */
  began(error: Error): void {
    if (this.sinceMs !== undefined) return
    this.sinceMs = performance.now()
    this.log.error({ err: error.message }, `${this.what} is away: ${error.message}`)
  }

  /** A call has succeeded. Logged only after an outage. */
  ended(): void {
    if (this.sinceMs === undefined) return
    const lastedMs = Math.round(performance.now() - this.sinceMs)
    this.sinceMs = undefined
    this.log.info({ lastedMs }, `${this.what} is back after ${(lastedMs / 1000).toFixed(1)} s`)
  }
}
