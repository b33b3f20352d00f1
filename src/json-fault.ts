/**
 * Whether a value stays what it is when it is written as JSON and read again: what a program stores with a message comes
 * out of Redis as it went in, or is refused.
 */

/** Also ends the walk through an object that contains itself. */
const MOST_LEVELS = 100

export interface JsonFault {
  /** From the value on: `.order.items[2]`, `''` for the value itself. */
  path: string
  /** `is a Date`, `is nested deeper than 100 levels`. */
  what: string
}

/** The first part of `value` that JSON would lose or change; `undefined` if there is none. */
export function jsonFault(value: unknown, path = '', level = 0): JsonFault | undefined {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return undefined
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : { path, what: `is ${value}` }
  if (typeof value !== 'object') return { path, what: value === undefined ? 'is undefined' : `is a ${typeof value}` }
  if (level === MOST_LEVELS) return { path: '', what: `is nested deeper than ${MOST_LEVELS} levels` }
  if (Array.isArray(value))
    return firstFault(value.entries(), each => jsonFault(each[1], `${path}[${each[0]}]`, level + 1))
  if (!isPlain(value)) return { path, what: `is a ${value.constructor.name}` }
  return firstFault(Object.entries(value), ([name, each]) =>
    // JSON leaves a field out that is undefined, which reads the same.
    each === undefined ? undefined : jsonFault(each, `${path}.${name}`, level + 1),
  )
}

/** Made by `{}`, perhaps in another realm as in Jest, and of no class. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

function firstFault<Each>(all: Iterable<Each>, faultOf: (each: Each) => JsonFault | undefined): JsonFault | undefined {
  for (const each of all) {
    const fault = faultOf(each)
    if (fault) return fault
  }
  return undefined
}
