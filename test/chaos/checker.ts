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
 * touch until just before. And an overlap is **excused** if one of the two workers was killed, or out of touch for as long
 * as its lock lasts, while it ran or just before: another must take over then, and a sleeper can't know it.
 */
import type { Flush, SentMessage } from './clients.js'
import type { Told } from './told.js'

export interface Disturbance {
  /** The worker it touched; all of them if it is not named. */
  worker?: string
  kind: string
  fromMs: number
  toMs: number
}

export interface Evidence {
  rules: { quietGapMs: number; maxWaitMs: number; batchTtlMs: number; maxMessages: number; lockMs: number }
  sent: Map<string, SentMessage[]>
  flushes: Flush[]
  told: Told[]
  disturbances: Disturbance[]
}

export const VIOLATIONS = ['lost', 'invented', 'duplicated', 'out of order', 'overlap', 'split'] as const
export type ViolationKind = (typeof VIOLATIONS)[number]

export interface Violation {
  kind: ViolationKind
  conversationId: string
  what: string
}

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

export interface Run {
  run: string
  worker: string
  batchId: string
  conversationId: string
  releasedBy: string
  dueAtMs: number
  releasedAtMs: number
  messageIds: string[]
  beganAtMs: number
  /** For one that told of no end: when its worker was killed, or for ever. */
  endedAtMs: number
  result: 'done' | 'failed' | 'cut' | 'none'
}

/** A worker that has just woken may begin what it took before. */
const WAKING_MS = 1500
/** Clients and Redis read one clock, and each rounds it. */
const CLOCK_MS = 2

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

/** In the order in which they began. */
export function runsFrom({ told, disturbances }: Pick<Evidence, 'told' | 'disturbances'>): Run[] {
  const runs = new Map<string, Run>()
  for (const line of told) {
    if (line.event === 'begin') {
      const { event: _event, atMs, ...about } = line
      runs.set(line.run, { ...about, beganAtMs: atMs, endedAtMs: Number.POSITIVE_INFINITY, result: 'none' })
      continue
    }
    const run = runs.get(line.run)
    if (run) Object.assign(run, { endedAtMs: line.atMs, result: line.result })
  }
  for (const run of runs.values()) {
    if (run.result !== 'none') continue
    const killed = disturbances.find(
      ({ kind, worker, fromMs }) => kind === 'kill' && worker === run.worker && fromMs >= run.beganAtMs,
    )
    if (killed) run.endedAtMs = killed.fromMs
  }
  return [...runs.values()].sort((a, b) => a.beganAtMs - b.beganAtMs)
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

function disorder({ disturbances, rules }: Evidence, runs: Run[]): Violation[] {
  const violations: Violation[] = []
  let last = 0
  let lastRun: Run | undefined
  const seen = new Set<string>()
  for (const run of runs) {
    const places = run.messageIds.map(placeOf)
    if (places.some((place, i) => i > 0 && place <= (places[i - 1] ?? 0)))
      violations.push({
        kind: 'out of order',
        conversationId: run.conversationId,
        what: `inside ${run.batchId}: ${run.messageIds.join(' ')}`,
      })
    const first = places[0] ?? 0
    const isLate = first <= last && lastRun?.batchId !== run.batchId
    // A sleeper that wakes after its lock has ended may finish, or begin, what another has done meanwhile.
    const isSleeper = seen.has(run.batchId) && wasAway(disturbances, run.worker, run, rules.lockMs)
    if (isLate && !isSleeper)
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

/** Node 20 has no Map.groupBy. */
function grouped<T>(items: T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group) group.push(item)
    else groups.set(key, [item])
  }
  return groups
}

const placeOf = (messageId: string) => Number(messageId.slice(messageId.lastIndexOf('-') + 1))

function overlaps({ disturbances, rules }: Evidence, runs: Run[], counts: { excused: number }): Violation[] {
  const violations: Violation[] = []
  runs.forEach((run, i) => {
    for (const later of runs.slice(i + 1)) {
      if (later.beganAtMs >= run.endedAtMs) continue
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

/** Whether a run's worker was killed, or out of touch for as long as a lock lasts, while it ran or just before. */
function wasAway(disturbances: Disturbance[], worker: string, run: Run, lockMs: number): boolean {
  return disturbances.some(
    ({ worker: touched, kind, fromMs, toMs }) =>
      (touched === undefined || touched === worker) &&
      (kind === 'kill' || toMs - fromMs >= lockMs) &&
      fromMs <= run.endedAtMs &&
      toMs + WAKING_MS >= run.beganAtMs,
  )
}

/**
 * By the clients' clock alone. A batch ended by its gap was due no sooner than a gap after its last message was first
 * sent (or the max wait after its first): what was accepted before that belongs to it, and its handler has not begun yet.
 */
function splits({ rules, sent, flushes }: Evidence, runs: Run[]): Violation[] {
  const violations: Violation[] = []
  const batches = [...new Map(runs.toReversed().map(run => [run.batchId, run])).values()]
  for (const run of batches) {
    const own = sent.get(run.conversationId) ?? []
    const add = (what: string) =>
      violations.push({
        kind: 'split',
        conversationId: run.conversationId,
        what: `${run.batchId}, by ${run.releasedBy} of ${run.messageIds.length} (${run.messageIds[0]}…): ${what}`,
      })
    const messages = run.messageIds
      .map(messageId => own[placeOf(messageId) - 1])
      .filter(message => message !== undefined)
    const first = messages[0]
    const last = messages.at(-1)
    if (!first || !last) continue
    const next = own[placeOf(last.messageId)]
    const earliestDue =
      Math.min(last.firstSentAtMs + rules.quietGapMs, first.firstSentAtMs + rules.maxWaitMs) - CLOCK_MS
    switch (run.releasedBy) {
      case 'gap':
      case 'maxWait':
        if (messages.some(({ direct }) => direct)) add('with a direct message in it')
        if (run.beganAtMs < earliestDue) add(`${Math.round(earliestDue - run.beganAtMs)} ms before it was due`)
        if (next?.acceptedAtMs !== undefined && next.acceptedAtMs < earliestDue)
          add(`${next.messageId} had been accepted ${Math.round(earliestDue - next.acceptedAtMs)} ms before it was due`)
        break
      case 'recovery':
        if (run.releasedAtMs < last.firstSentAtMs + rules.batchTtlMs - CLOCK_MS)
          add(
            `${Math.round(run.releasedAtMs - last.firstSentAtMs)} ms after its last message: its header was to live longer`,
          )
        break
      case 'maxMessages':
        if (messages.length !== rules.maxMessages) add(`the cap is ${rules.maxMessages}`)
        break
      case 'direct':
        if (!(messages.length === 1 && first.direct) && !next?.direct) add('no message of it is direct, nor the next')
        break
      case 'flush':
        if (!flushes.some(flush => flush.conversationId === run.conversationId && flush.firstSentAtMs <= run.beganAtMs))
          add('nobody flushed it')
        break
      default:
        add('which nothing here can cause')
    }
  }
  return violations
}
