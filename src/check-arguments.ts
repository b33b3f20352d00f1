/** Checks the arguments that programs give to methods: a wrong one is refused in one line, before anything is done. */

const LONGEST_SHOWN = 60
const NOT_EMPTY = 'it must be a string, and not empty'

/**
 * @param name of the argument
 * @throws {TypeError} unless it is a string that is not empty
 */
export function checkId(name: string, value: unknown): void {
  if (typeof value !== 'string' || value === '') throw new TypeError(`${name}=${shown(value)}: ${NOT_EMPTY}`)
}

/** @throws {TypeError} unless it is a list of strings that are not empty */
export function checkIds(name: string, values: unknown): void {
  if (!Array.isArray(values)) throw new TypeError(`${name}=${shown(values)}: it must be a list of strings`)
  for (const value of values) checkId(name, value)
}

/** @throws {TypeError} unless it is a string; it may be empty */
export function checkText(name: string, value: unknown): void {
  if (typeof value !== 'string') throw new TypeError(`${name}=${shown(value)}: it must be a string`)
}

/** @throws {RangeError} unless it is a whole number, 1 or more: a list of at most so many */
export function checkLimit(limit: unknown): void {
  if (!Number.isInteger(limit) || Number(limit) < 1)
    throw new RangeError(`limit=${shown(limit)}: it must be a whole number, 1 or more`)
}

/** In one line, and short: the value may be anything. */
export function shown(value: unknown): string {
  try {
    return String(typeof value === 'number' ? value : JSON.stringify(value)).slice(0, LONGEST_SHOWN)
  } catch {
    // A BigInt, or an object that contains itself.
    return String(value).slice(0, LONGEST_SHOWN)
  }
}
