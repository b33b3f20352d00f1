/** Rules as they can be typed: `quietGapMs=6000 holdTypes=voice,audio`. */
import type { Overrides } from './overrides.js'

export const shownRules = (rules: Overrides): string =>
  Object.entries(rules)
    .map(([name, value]) => `${name}=${shownValue(value)}`)
    .join(' ')

export function shownValue(value: Overrides[keyof Overrides]): string {
  if (typeof value === 'boolean') return value ? 'on' : 'off'
  if (typeof value === 'object') return value.join(',')
  return String(value)
}
