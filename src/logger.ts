/** The logger that Lull calls. It has pino's call shape, so a pino instance can be passed as it is. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

const nothing = () => {}

/** The library's default. */
export const silent: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing }
