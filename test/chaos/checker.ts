/**
 * Compares what clients sent, and got 200 for, with what handlers were given. It knows nothing of Lull's insides: its
 * evidence is the clients' account, the handlers' account, and what was broken when. All times are of one machine's clock.
 *
 *   lost          accepted, and no handler has finished it
 *   invented      handled, and nobody sent it
 *   duplicated    in two batches, twice in one, or its batch came a second time without a reason
 *   out of order  a conversation's messages, inside a batch or from one batch to the next
 *   overlap       two answers of one conversation at once
 *   split         a batch went before its time, or its reason is not true
 *
 * Two things are counted apart, since a handler is promised to run *at least* once. A batch comes **again**, whole and
 * under its id, when its handler failed, where a disturbance of its worker (killed, frozen, cut off from Redis) touches
 * the time from the beginning of one run to the beginning of the next, or where the worker that begins it again was out of
 * touch until just before. And an overlap is **excused** if one of the two workers was out of touch for as long as its
 * lock lasts, while it ran or until just before: another must take over then, and a sleeper can't know it.
 */
import { type Evidence, grouped, type Run, runsFrom, type Violation, WAKING_MS, wasAway } from './evidence.js'
import { disorder, overlaps } from './order.js'
import { splits } from './splits.js'

export interface Verdict {
  messages: number
  conversations: number
  batches: number
  runs: number
  /** Batches that came again, for a reason. */
  again: number
  /** Overlaps with an excuse. */
  excused: number
  releasedBy: Map<string, number>
  /** From due to release, of those that a gap or the max wait ended, sorted. Milliseconds. */
  lateMs: number[]
  violations: Violation[]
}

export function check(evidence: Evidence): Verdict {
  const runs = runsFrom(evidence)
  const byBatch = grouped(runs, ({ batchId }) => batchId)
  const byConversation = grouped(runs, ({ conversationId }) => conversationId)
  const firsts = [...byBatch.values()].map(([first]) => first).filter(run => run !== undefined)
  const counts = { again: 0, excused: 0 }
  const violations: Violation[] = [
    ...missing(evidence, runs),
    ...duplicates(evidence, byBatch, counts),
    ...[...byConversation.values()].flatMap(own => [
      ...disorder(evidence, own),
      ...overlaps(evidence, own, counts),
      ...splits(evidence, own),
    ]),
  ]
  return {
    messages: [...evidence.sent.values()].reduce((sum, { length }) => sum + length, 0),
    conversations: evidence.sent.size,
    batches: byBatch.size,
    runs: runs.length,
    ...counts,
    releasedBy: new Map([...grouped(firsts, ({ releasedBy }) => releasedBy)].map(([by, { length }]) => [by, length])),
    lateMs: firsts
      .filter(({ releasedBy }) => releasedBy === 'gap' || releasedBy === 'maxWait')
      .map(({ dueAtMs, releasedAtMs }) => releasedAtMs - dueAtMs)
      .sort((a, b) => a - b),
    violations,
  }
}

function missing({ sent }: Evidence, runs: Run[]): Violation[] {
  const known = new Set([...sent.values()].flat().map(({ messageId }) => messageId))
  const given = new Set(runs.flatMap(({ messageIds }) => messageIds))
  const finished = new Set(runs.filter(({ result }) => result === 'done').flatMap(({ messageIds }) => messageIds))
  const lost = [...sent.values()]
    .flat()
    .filter(({ messageId, acceptedAtMs }) => acceptedAtMs !== undefined && !finished.has(messageId))
    .map(({ conversationId, messageId }) => ({
      kind: 'lost' as const,
      conversationId,
      what: `${messageId}, ${given.has(messageId) ? 'which no handler has finished' : 'which no handler was given'}`,
    }))
  const invented = [...given]
    .filter(messageId => !known.has(messageId))
    .map(messageId => ({ kind: 'invented' as const, conversationId: '', what: messageId }))
  return [...lost, ...invented]
}

function duplicates(evidence: Evidence, byBatch: Map<string, Run[]>, counts: { again: number }): Violation[] {
  const violations: Violation[] = []
  const batchOf = new Map<string, string>()
  for (const [batchId, [first, ...others]] of byBatch) {
    if (!first) continue
    const { conversationId, messageIds } = first
    const add = (what: string) => violations.push({ kind: 'duplicated', conversationId, what })
    for (const messageId of messageIds) {
      const other = batchOf.get(messageId)
      if (other !== undefined)
        add(other === batchId ? `${messageId}, twice in ${batchId}` : `${messageId}, in ${other} and ${batchId}`)
      batchOf.set(messageId, batchId)
    }
    let before = first
    for (const run of others) {
      if (run.messageIds.join() !== messageIds.join()) add(`${batchId} came again with other messages`)
      else if (mayComeAgain(evidence, before, run)) counts.again += 1
      else
        add(
          `${batchId} came again ${run.beganAtMs - before.beganAtMs} ms later (${before.run}: ${before.result}, ${run.run})`,
        )
      before = run
    }
  }
  return violations
}

function mayComeAgain({ disturbances, rules }: Evidence, before: Run, again: Run): boolean {
  // A sleeper that wakes with a batch in its hands can't know at once that another has done it meanwhile.
  if (before.result === 'failed' || wasAway(disturbances, again.worker, again, rules.lockMs)) return true
  return disturbances.some(
    ({ worker, fromMs, toMs }) =>
      (worker === undefined || worker === before.worker) &&
      fromMs <= again.beganAtMs &&
      toMs + WAKING_MS >= before.beganAtMs,
  )
}
