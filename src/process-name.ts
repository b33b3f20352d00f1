import { hostname } from 'node:os'

/** A process's name in `CLIENT LIST` and in the history: `lull.<role>.<host>.<pid>`. */
export const processName = (role: string): string =>
  `lull.${role}.${hostname().replace(/[^\w.-]/g, '_')}.${process.pid}`
