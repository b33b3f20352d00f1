/** The logger that Lull calls. It has pino's call shape, so a pino instance can be passed as it is. */
export interface Logger {
  /** What only a developer needs: each batch's steps, texts of handlers' refusals. */
  debug(fields: object, message: string): void
  /** What happened: an append, a handover, a pause. */
  info(fields: object, message: string): void
  /** What somebody should look at: an outage, a handover that failed. */
  warn(fields: object, message: string): void
  /** What Lull cannot go on with. */
  error(fields: object, message: string): void
  /** As pino's. Without it all lines are made, and the logger leaves out what it does not write. */
  isLevelEnabled?(level: string): boolean
}

/** Whether a line of the level debug is worth making: there is one for each request. */
export const logsDebug = (log: Logger): boolean => log.isLevelEnabled?.('debug') ?? true

const nothing = () => {}

/** The library's default. */
export const silent: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing }
