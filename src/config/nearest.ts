/**
 * The name somebody probably meant: the one of `names` that the fewest typed characters part from `name`.
 */

/** More than this many letters apart, and it is another word. */
const FARTHEST = 5

export function nearest(name: string, names: readonly string[]): string | undefined {
  const ranked = names.map(candidate => ({ candidate, distance: distance(name, candidate) }))
  const best = ranked.toSorted((a, b) => a.distance - b.distance)[0]
  return best && best.distance <= FARTHEST ? best.candidate : undefined
}

/** Levenshtein's: insertions, deletions and replacements, row by row. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, replaced))
    }
    row = next
  }
  return row[b.length] ?? 0
}
