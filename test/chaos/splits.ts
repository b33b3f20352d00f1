/** Finds batches that were released before they were due, or whose reason of release is wrong. */
import { type Evidence, placeOf, type Run, type Violation } from './evidence.js'

/** Clients and Redis read the same clock, and each rounds it. */
const CLOCK_MS = 2

/**
 * Uses the clients' clock alone. A batch that ended by its gap was due a gap after its last message was first sent, or
 * later (or the max wait after its first one). Messages accepted before that belong to it, and its handler begins after
 * that.
 */
export function splits({ rules, sent, flushes }: Evidence, runs: Run[]): Violation[] {
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
            `${Math.round(run.releasedAtMs - last.firstSentAtMs)} ms after its last message: its header should have lived longer`,
          )
        break
      case 'maxMessages':
        if (messages.length !== rules.maxMessages) add(`the cap is ${rules.maxMessages}`)
        break
      case 'direct':
        if (!(messages.length === 1 && first.direct) && !next?.direct)
          add('neither a message of it nor the next one is direct')
        break
      case 'flush':
        if (!flushes.some(flush => flush.conversationId === run.conversationId && flush.firstSentAtMs <= run.beganAtMs))
          add('no client flushed it')
        break
      default:
        add('a reason that nothing in this run can cause')
    }
  }
  return violations
}
