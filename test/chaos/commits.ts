/**
 * Finds violations of what `answering: 'supersede'` guarantees. Runs that newer messages have superseded are not
 * forbidden; what is committed counts.
 *
 *   committed twice   a message in two committed batches, or one batch committed afresh by two runs
 *   committed early   before its due time
 *   wrong again       a commit says that the batch was committed before, and nothing can have committed it
 *   overlap           a run of another batch begins during a committed answer, or commits during it
 *   split             the messages of a superseded batch have come into different committed batches
 */
import { type Evidence, grouped, type Run, type Violation, type ViolationKind } from './evidence.js'
import { earliestDue, isFlushed } from './splits.js'

export function commitTroubles(evidence: Evidence, runs: Run[]): Violation[] {
  const committed = runs.filter(isCommitted)
  return [
    ...committedTwice(committed),
    ...committed.flatMap(run => committedEarly(evidence, run)),
    ...committed.flatMap(run => wrongAgain(evidence, runs, run)),
    ...torn(runs, committed),
  ]
}

export const isCommitted = (run: Run): run is Run & { committedAtMs: number } => run.committedAtMs !== undefined

/**
 * Whether two runs may be at work at once: one of them is superseded and has not learnt that yet. It never commits. It
 * may also begin late, with messages that the other one has too.
 */
export function mayOverlap(run: Run, later: Run): boolean {
  if (run.batchId === later.batchId) return false
  if (!isCommitted(run)) return true
  return !isCommitted(later) && later.messageIds.every(messageId => run.messageIds.includes(messageId))
}

function committedTwice(committed: Run[]): Violation[] {
  const batchOf = new Map<string, string>()
  const afresh = new Map<string, Run>()
  const violations: Violation[] = []
  for (const run of committed) {
    for (const messageId of run.messageIds) {
      const other = batchOf.get(messageId)
      if (other !== undefined && other !== run.batchId)
        violations.push(violation('committed twice', run, `${messageId}, in ${other} and ${run.batchId}`))
      batchOf.set(messageId, run.batchId)
    }
    if (run.again) continue
    const other = afresh.get(run.batchId)
    if (other)
      violations.push(violation('committed twice', run, `${run.batchId}, afresh by ${other.run} and ${run.run}`))
    afresh.set(run.batchId, run)
  }
  return violations
}

function committedEarly(evidence: Evidence, run: Run & { committedAtMs: number }): Violation[] {
  const due = earliestDue(evidence, run)
  if (due === undefined || isFlushed(evidence, run)) return []
  const early = (by: number, what: string) =>
    violation('committed early', run, `${run.batchId}, ${Math.round(by)} ms before ${what}`)
  if (run.committedAtMs < due) return [early(due - run.committedAtMs, 'it can have been due')]
  // A due time only moves ahead, and both clocks are this machine's.
  return run.committedAtMs < run.dueAtMs ? [early(run.dueAtMs - run.committedAtMs, 'its due time')] : []
}

/** A commit whose reply was lost may have been granted, also one of the same run. */
function wrongAgain({ disturbances }: Evidence, runs: Run[], run: Run & { committedAtMs: number }): Violation[] {
  if (!run.again) return []
  const { askedAtMs = run.beganAtMs, committedAtMs } = run
  const mayHaveCommitted =
    run.asked > 1 ||
    runs.some(
      other =>
        other !== run && other.batchId === run.batchId && (other.askedAtMs ?? Number.POSITIVE_INFINITY) < committedAtMs,
    ) ||
    disturbances.some(
      ({ worker, fromMs, toMs }) =>
        (worker === undefined || worker === run.worker) && fromMs <= committedAtMs && toMs >= askedAtMs,
    )
  return mayHaveCommitted ? [] : [violation('wrong again', run, `${run.batchId}, which no other run has committed`)]
}

/** What was handed over together stays together: its messages go back as one run. */
function torn(runs: Run[], committed: Run[]): Violation[] {
  const batchOf = new Map(committed.flatMap(({ batchId, messageIds }) => messageIds.map(id => [id, batchId])))
  const firsts = [...grouped(runs, ({ batchId }) => batchId).values()].flatMap(([first]) => first ?? [])
  return firsts.flatMap(run => {
    const batches = new Set(run.messageIds.map(id => batchOf.get(id)).filter(id => id !== undefined))
    return batches.size > 1
      ? [violation('split', run, `the messages of ${run.batchId} were committed in ${[...batches].join(' and ')}`)]
      : []
  })
}

const violation = (kind: ViolationKind, { conversationId }: Run, what: string): Violation => ({
  kind,
  conversationId,
  what,
})
