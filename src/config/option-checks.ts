/**
 * What the value of an option must be, where no schema of the rules says so: `checkOptions` refuses another one in one
 * line. A value that may hold a secret is not shown.
 */
import { shown } from '../check-arguments.js'

export interface OptionCheck {
  is(value: unknown): boolean
  /** After the name and the value: `it must be …`. */
  must: string
  /** A number or a choice out of its bounds is a `RangeError`, all else a `TypeError`. */
  isBound?: boolean
  /** Its values hold no secret: they are shown. */
  isShown?: boolean
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

export const flag: OptionCheck = {
  is: value => typeof value === 'boolean',
  must: 'it must be true or false',
  isShown: true,
}
export const text: OptionCheck = { is: value => typeof value === 'string', must: 'it must be a string' }
export const aFunction: OptionCheck = { is: value => typeof value === 'function', must: 'it must be a function' }
export const anObject: OptionCheck = { is: isObject, must: 'it must be an object' }

/** A whole number, 1 or more, or no bound at all: how many things are done at once. */
export const atOnce: OptionCheck = {
  is: value => value === Infinity || (Number.isInteger(value) && Number(value) >= 1),
  must: 'it must be a whole number, 1 or more',
  isBound: true,
}

export const wholeFrom = (min: number, max: number): OptionCheck => ({
  is: value => Number.isInteger(value) && Number(value) >= min && Number(value) <= max,
  must: `it must be a whole number from ${min} to ${max}`,
  isBound: true,
})

/** Node's timers take no longer time. */
export const LONGEST_TIMER_MS = 2_147_483_647

/** A time in milliseconds, which may be a fraction. */
export const timeUpTo = (maxMs: number): OptionCheck => ({
  is: value => typeof value === 'number' && value >= 0 && value <= maxMs,
  must: `it must be a number of milliseconds from 0 to ${maxMs}`,
  isBound: true,
})

export const oneOf = <Choice extends string>(choices: readonly Choice[]): OptionCheck => ({
  is: value => choices.some(choice => choice === value),
  must: `it must be one of ${choices.join(', ')}`,
  isBound: true,
})

/** An object that has these methods. @param remedy what to give: `give a Batcher` */
export const withMethods = (names: readonly string[], remedy: string): OptionCheck => ({
  is: value => isObject(value) && names.every(name => typeof Reflect.get(value, name) === 'function'),
  must: remedy,
})

export const logger = withMethods(
  ['debug', 'info', 'warn', 'error'],
  'give a pino instance, or an object with debug, info, warn and error',
)

export function faultOf(name: string, value: unknown, { is, must, isBound, isShown }: OptionCheck): Error | undefined {
  if (is(value)) return undefined
  const line = `${name}${isBound || isShown ? `=${shown(value)}` : ` is ${kindOf(value)}`}: ${must}`
  return isBound ? new RangeError(line) : new TypeError(line)
}

/** `a string`, `null`, `a function`: what a value is, without the value. */
export function kindOf(value: unknown): string {
  if (value === undefined || value === null) return String(value)
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' ? 'another object' : `a ${typeof value}`
}
