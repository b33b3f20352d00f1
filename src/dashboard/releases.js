/** What was released: how late, and how many batches a minute for which reason. Times are the server's. */

/** The history is read so far back at a (re)connection. */
export const STEPS_READ = 1000
export const MINUTES_SHOWN = 30
/** Why a batch is released, in the order of the chart. */
export const REASONS = ['gap', 'early', 'maxWait', 'maxMessages', 'maxBytes', 'flush', 'direct', 'recovery']
const KEPT_LATENESSES = 2000
const LATENESS_WINDOW_MS = 600_000
const MINUTE_MS = 60_000

export class Releases {
  /** The history before this time is not known. */
  knownFromMs = 0
  /** { atMs, lateMs } */
  claims = []
  /** minute → reason → count */
  minutes = new Map()
  /** { atMs, count } of superseded batches */
  superseded = []

  /** @param steps of the history, the oldest first */
  start(steps) {
    this.claims = []
    this.superseded = []
    this.minutes.clear()
    this.knownFromMs = steps.length < STEPS_READ ? 0 : steps[0].atMs
    for (const step of steps) this.apply(step)
  }

  apply({ step, atMs, detail }) {
    if (step === 'superseded') this.supersede(atMs, 1)
    if (step !== 'claimed') return
    this.claims.push({ atMs, lateMs: Number(detail.lateMs ?? 0) })
    if (this.claims.length > 2 * KEPT_LATENESSES) this.claims.splice(0, KEPT_LATENESSES)
    this.count(atMs, detail.reason ?? 'unknown', 1)
  }

  /** Steps that came too fast to be sent one by one. */
  sum({ reasons, lateMs, steps }, atMs) {
    if (steps.superseded) this.supersede(atMs, steps.superseded)
    for (const [reason, count] of Object.entries(reasons)) this.count(atMs, reason, count)
    for (const late of lateMs) this.claims.push({ atMs, lateMs: late })
  }

  /** In the last ten minutes. */
  lateness(nowMs) {
    const from = nowMs - LATENESS_WINDOW_MS
    const late = this.claims.flatMap(claim => (claim.atMs >= from ? [claim.lateMs] : [])).sort((a, b) => a - b)
    const at = share => late[Math.min(Math.floor(late.length * share), late.length - 1)]
    return { count: late.length, p50: at(0.5), p99: at(0.99) }
  }

  since(fromMs) {
    let count = 0
    for (let i = this.claims.length - 1; i >= 0 && this.claims[i].atMs >= fromMs; i--) count += 1
    return count
  }

  supersededSince(fromMs) {
    return this.superseded.reduce((sum, { atMs, count }) => (atMs >= fromMs ? sum + count : sum), 0)
  }

  supersede(atMs, count) {
    this.superseded = this.superseded.filter(one => one.atMs > atMs - LATENESS_WINDOW_MS)
    this.superseded.push({ atMs, count })
  }

  count(atMs, reason, count) {
    const minute = Math.floor(atMs / MINUTE_MS)
    const counts = this.minutes.get(minute) ?? {}
    counts[reason] = (counts[reason] ?? 0) + count
    this.minutes.set(minute, counts)
    for (const old of this.minutes.keys()) if (old < minute - MINUTES_SHOWN) this.minutes.delete(old)
  }
}
