/**
 * Compares the messages that clients sent and got a 200 for with those that handlers received. It does not use Lull's
 * internals: its evidence is the clients' records, the handlers' log, and the times of the faults. All times are from
 * one machine's clock.
 *
 *   lost          accepted, and no handler has finished it
 *   invented      handled, and no client sent it
 *   duplicated    in two batches, twice in one batch, or its batch came a second time without a reason
 *   out of order  a conversation's messages, inside a batch or between two batches
 *   overlap       two answers of one conversation at once
 *   split         a batch was released before it was due, or its reason is wrong
 *   paused, held  see held-back.ts
 *
 * With `supersede` a message may be in several batches, of which one is committed; see commits.ts.
 *
 * Two things are allowed and counted, since a handler runs *at least* once. A batch comes **again**, whole and under
 * its id, after its handler failed; if its worker was disturbed (killed, frozen, cut off from Redis) between the
 * beginnings of the two runs; or if the worker that begins it again was disconnected until just before. An overlap is
 * **excused** if one of the two workers was disconnected for as long as its lock lasts, during its run or until just
 * before: another worker must take over then, and the first one cannot know that.
 */
import { commitTroubles, isCommitted } from './commits.js'
import { type Evidence, grouped, type Run, runsFrom, type Violation, WAKING_MS, wasAway } from './evidence.js'
import { discarded, heldBack } from './held-back.js'
import { disorder, disorderInside, overlaps } from './order.js'
import { messagesOf, splits } from './splits.js'

export interface Verdict {
  messages: number
  conversations: number
  batches: number
  runs: number
  /** Batches that came again for an allowed reason. */
  again: number
  /** Overlaps that are allowed. */
  excused: number
  /** Messages of which an answer says that a pause has discarded them. */
  discarded: number
  releasedBy: Map<string, number>
  /** Milliseconds from due time to release of the batches that a gap or the max wait ended, sorted. */
  lateMs: number[]
  /** With `supersede`. */
  commits: Commits
  violations: Violation[]
}

export interface Commits {
  /** Committed by a run that was the first to commit its batch. */
  afresh: number
  again: number
  /** Milliseconds from the due time, or from when the run asked if that was later, to the commit; sorted. */
  lateMs: number[]
  /** Runs of batches that were never committed: newer messages have superseded them. */
  superseded: number
  /** The length of these runs together. */
  wastedMs: number
}

export function check(evidence: Evidence): Verdict {
  const runs = runsFrom(evidence)
  const byBatch = grouped(runs, ({ batchId }) => batchId)
  const byConversation = grouped(runs, ({ conversationId }) => conversationId)
  const firsts = [...byBatch.values()].map(([first]) => first).filter(run => run !== undefined)
  const counts = { again: 0, excused: 0 }
  const supersedes = evidence.rules.answering === 'supersede'
  const violations: Violation[] = [
    ...missing(evidence, runs),
    ...duplicates(evidence, byBatch, counts),
    ...[...byConversation.values()].flatMap(own => [
      ...disorderInside(own),
      ...disorder(evidence, supersedes ? byCommit(own) : own),
      ...overlaps(evidence, own, counts),
      ...splits(evidence, own),
      ...heldBack(evidence, own, run => messagesOf(evidence, run)),
      ...(supersedes ? commitTroubles(evidence, own) : []),
    ]),
  ]
  return {
    messages: [...evidence.sent.values()].reduce((sum, { length }) => sum + length, 0),
    conversations: evidence.sent.size,
    batches: byBatch.size,
    runs: runs.length,
    ...counts,
    discarded: [...evidence.sent.values()].flat().filter(({ paused }) => paused === 'yes').length,
    releasedBy: new Map([...grouped(firsts, ({ releasedBy }) => releasedBy)].map(([by, { length }]) => [by, length])),
    lateMs: firsts
      .filter(({ releasedBy }) => releasedBy === 'gap' || releasedBy === 'maxWait')
      .map(({ dueAtMs, releasedAtMs }) => releasedAtMs - dueAtMs)
      .sort((a, b) => a - b),
    commits: commitsOf(runs),
    violations,
  }
}

const byCommit = (runs: Run[]) => runs.filter(isCommitted).sort((a, b) => a.committedAtMs - b.committedAtMs)

function commitsOf(runs: Run[]): Commits {
  const committed = runs.filter(isCommitted)
  const afresh = committed.filter(({ again }) => !again)
  const answered = new Set(committed.map(({ batchId }) => batchId))
  const superseded = runs.filter(({ batchId }) => !answered.has(batchId))
  return {
    afresh: afresh.length,
    again: committed.length - afresh.length,
    lateMs: afresh
      .map(({ committedAtMs, askedAtMs = 0, dueAtMs }) => committedAtMs - Math.max(askedAtMs, dueAtMs))
      .sort((a, b) => a - b),
    superseded: superseded.length,
    wastedMs: superseded
      .filter(({ result }) => result !== 'none')
      .reduce((sum, { beganAtMs, endedAtMs }) => sum + endedAtMs - beganAtMs, 0),
  }
}

function missing(evidence: Evidence, runs: Run[]): Violation[] {
  const { sent, rules } = evidence
  const supersedes = rules.answering === 'supersede'
  const known = new Set([...sent.values()].flat().map(({ messageId }) => messageId))
  const given = new Set(runs.flatMap(({ messageIds }) => messageIds))
  const finished = new Set(
    runs
      .filter(run => run.result === 'done' && (!supersedes || isCommitted(run)))
      .flatMap(({ messageIds }) => messageIds),
  )
  const unfinished = [...sent.values()]
    .flat()
    .filter(({ messageId, acceptedAtMs }) => acceptedAtMs !== undefined && !finished.has(messageId))
  const gone = discarded(evidence, unfinished)
  const lost = unfinished
    .filter(({ messageId }) => !gone.has(messageId))
    .map(({ conversationId, messageId }) => ({
      kind: 'lost' as const,
      conversationId,
      what: `${messageId}, ${given.has(messageId) ? 'which no handler has finished' : 'which no handler received'}`,
    }))
  const invented = [...given]
    .filter(messageId => !known.has(messageId))
    .map(messageId => ({ kind: 'invented' as const, conversationId: '', what: messageId }))
  return [...lost, ...invented]
}

function duplicates(evidence: Evidence, byBatch: Map<string, Run[]>, counts: { again: number }): Violation[] {
  const violations: Violation[] = []
  const batchOf = new Map<string, string>()
  const supersedes = evidence.rules.answering === 'supersede'
  for (const [batchId, [first, ...others]] of byBatch) {
    if (!first) continue
    const { conversationId, messageIds } = first
    const add = (what: string) => violations.push({ kind: 'duplicated', conversationId, what })
    for (const messageId of messageIds) {
      const other = batchOf.get(messageId)
      // With `supersede` only what is committed counts, see commits.ts.
      if (other !== undefined && (!supersedes || other === batchId))
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
  // A worker that wakes up with a batch cannot know at once that another worker has handled it meanwhile.
  if (before.result === 'failed' || wasAway(disturbances, again.worker, again, rules.lockMs)) return true
  return disturbances.some(
    ({ worker, fromMs, toMs }) =>
      (worker === undefined || worker === before.worker) &&
      fromMs <= again.beganAtMs &&
      toMs + WAKING_MS >= before.beganAtMs,
  )
}
