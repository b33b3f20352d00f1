/**
 * Refuses options that Lull does not know, and values that it cannot use: a mistyped one would otherwise have no effect,
 * or fail much later.
 */
import { rulesSchema } from '../rules.js'
import { meantBy } from './meant.js'
import { faultOf, kindOf, type OptionCheck } from './option-checks.js'

export const RULE_NAMES = Object.keys(rulesSchema.shape)

/** Each option by its name, with what its value must be, or `true`; the compiler finds one that is missing. */
export type NamesOf<Options> = Record<keyof Options, true | OptionCheck>

/**
 * @param taker what takes the options: `bullmq()`
 * @param known the options with their checks
 * @param others names of options that are checked elsewhere
 * @throws {TypeError} for what is no object, for an unknown name, with the one that is probably meant, and for a value of another kind
 * @throws {RangeError} for a value out of its bounds
 */
export function checkOptions(
  taker: string,
  options: object,
  known: Readonly<Record<string, true | OptionCheck>>,
  others: readonly string[] = [],
): void {
  checkIsObject(taker, options)
  for (const [name, value] of Object.entries(options)) {
    const check = Object.hasOwn(known, name) ? known[name] : undefined
    if (check === undefined && !others.includes(name))
      throw unknownOption(taker, name, [...Object.keys(known), ...others])
    if (check === undefined || check === true || value === undefined) continue
    const fault = faultOf(name, value, check)
    if (fault) throw fault
  }
}

/**
 * An unknown name whose value is `undefined` counts as absent.
 * @throws {TypeError} for what is no object of options, and naming the first unknown option and the one that is probably
 * meant
 */
export function refuseUnknown(taker: string, options: object, names: readonly string[]): void {
  checkIsObject(taker, options)
  for (const [name, value] of Object.entries(options))
    if (value !== undefined && !names.includes(name)) throw unknownOption(taker, name, names)
}

/** A program in JavaScript may give anything. */
function checkIsObject(taker: string, options: unknown): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new TypeError(`${taker} takes an object of options, and got ${kindOf(options)}`)
}

function unknownOption(taker: string, name: string, names: readonly string[]): TypeError {
  const meant = meantBy(name, names)
  return new TypeError(`${name} is no option of ${taker}${meant === undefined ? '' : `: did you mean ${meant}?`}`)
}
