/** Batches that went before their time, or whose reason of release is not true. */
import { type Evidence, placeOf, type Run, type Violation } from './evidence.js'

/** Clients and Redis read one clock, and each rounds it. */
const CLOCK_MS = 2

/**
 * By the clients' clock alone. A batch ended by its gap was due no sooner than a gap after its last message was first
 * sent (or the max wait after its first): what was accepted before that belongs to it, and its handler has not begun yet.
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
