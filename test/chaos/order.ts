/** Finds violations of order: inside a batch, between batches, and two answers of one conversation at once. */
import { mayOverlap } from './commits.js'
import { type Evidence, placeOf, type Run, type Violation, wasAway } from './evidence.js'

/** Inside a batch. */
export function disorderInside(runs: Run[]): Violation[] {
  return runs.flatMap(({ batchId, conversationId, messageIds }) => {
    const places = messageIds.map(placeOf)
    const isOrdered = places.every((place, i) => i === 0 || place > (places[i - 1] ?? 0))
    return isOrdered
      ? []
      : [{ kind: 'out of order' as const, conversationId, what: `inside ${batchId}: ${messageIds.join(' ')}` }]
  })
}

/** Between batches. @param runs in their order: that of their beginnings, or of their commits */
export function disorder({ disturbances, rules }: Evidence, runs: Run[]): Violation[] {
  const violations: Violation[] = []
  let last = 0
  let lastRun: Run | undefined
  const seen = new Set<string>()
  for (const run of runs) {
    const places = run.messageIds.map(placeOf)
    const first = places[0] ?? 0
    const isLate = first <= last && lastRun?.batchId !== run.batchId
    // A worker that wakes up after its lock has ended may finish, or begin, what another worker has handled meanwhile.
    const wasAsleep = seen.has(run.batchId) && wasAway(disturbances, run.worker, run, rules.lockMs)
    if (isLate && !wasAsleep)
      violations.push({
        kind: 'out of order',
        conversationId: run.conversationId,
        what: `${run.messageIds[0]} (${run.batchId}) after ${lastRun?.messageIds.at(-1)} (${lastRun?.batchId})`,
      })
    seen.add(run.batchId)
    if (first > last) {
      last = places.at(-1) ?? last
      lastRun = run
    }
  }
  return violations
}

export function overlaps({ disturbances, rules }: Evidence, runs: Run[], counts: { excused: number }): Violation[] {
  const violations: Violation[] = []
  runs.forEach((run, i) => {
    for (const later of runs.slice(i + 1)) {
      if (later.beganAtMs >= run.endedAtMs) continue
      if (rules.answering === 'supersede' && mayOverlap(run, later)) continue
      if (
        wasAway(disturbances, run.worker, run, rules.lockMs) ||
        wasAway(disturbances, later.worker, later, rules.lockMs)
      )
        counts.excused += 1
      else
        violations.push({
          kind: 'overlap',
          conversationId: run.conversationId,
          what: `${run.batchId} (${run.run}, until ${run.endedAtMs}) and ${later.batchId} (${later.run}, from ${later.beganAtMs})`,
        })
    }
  })
  return violations
}
