/**
 * `now` as a clock that never goes back: when the machine's is set back, this one goes on from where it was, or every
 * batch would wait for as long as that was.
 */
export function steady(now: () => number): () => number {
  let lastMs = Number.NEGATIVE_INFINITY
  let aheadMs = 0
  return () => {
    const readMs = Math.floor(now())
    aheadMs = Math.max(aheadMs, lastMs - readMs)
    lastMs = readMs + aheadMs
    return lastMs
  }
}
