/** The name that a mistyped one probably means. */
import { closest, distance } from 'fastest-levenshtein'

/** With more differing letters than this, it is another word. */
const MOST_TYPOS = 5

export function meantBy(name: string, names: readonly string[]): string | undefined {
  const candidate = closest(name, names)
  return distance(name, candidate) <= MOST_TYPOS ? candidate : undefined
}
