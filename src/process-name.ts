import { hostname } from 'node:os'

/** How a process calls itself to Redis, and so in `CLIENT LIST` and the history: `lull.<role>.<host>.<pid>`. */
export const processName = (role: string): string =>
  `lull.${role}.${hostname().replace(/[^\w.-]/g, '_')}.${process.pid}`
