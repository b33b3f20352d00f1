/** Refuses options whose names Lull does not know: a mistyped one would otherwise have no effect. */
import { rulesSchema } from '../rules.js'
import { meantBy } from './meant.js'

export const RULE_NAMES = Object.keys(rulesSchema.shape)

/** Each option by its name; the compiler finds one that is missing. */
export type NamesOf<Options> = Record<keyof Options, true>

/**
 * @param taker what takes the options: `bullmq()`
 * @throws {TypeError} naming the first unknown one, and the name that is probably meant
 */
export function refuseUnknown(taker: string, options: object, names: readonly string[]): void {
  for (const name of Object.keys(options)) {
    if (names.includes(name)) continue
    const meant = meantBy(name, names)
    throw new TypeError(`${name} is no option of ${taker}${meant === undefined ? '' : `: did you mean ${meant}?`}`)
  }
}
