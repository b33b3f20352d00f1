/**
 * The one place that reports the end of an answer to the store, counts it (`lull_answers_total`) and logs it. A batch
 * counts once, when the store has replied, however the end was noticed:
 *
 *   the handover's own reply (`http` 200, a function)   processor/answers.ts
 *   the queue's event, or a check of the job's state    processor/answers.ts
 *   `POST /batches/:batchId/answered`                   batcher.ts
 *
 * Several processes may report the same end. In serial order the store decides which report counts: the one that ended
 * the hold gets `freed`. In concurrent order a batch that was handed over holds nothing, so the store cannot decide;
 * there the first report of the process that handed the batch over (or that was sent the POST) counts.
 *
 * Not counted: an end that a queue's event reports while Redis fails, if the store noted it and its reply was lost.
 * When the report is repeated nobody can tell whether this process or another one ended the hold.
 */
import type { Logger } from './logger.js'
import type { Observer } from './observer.js'
import type { AnsweredResult, AnswerOutcome, Store } from './store/store.js'
import type { Traces } from './telemetry/traces.js'

export interface AnswerReport {
  batchId: string
  outcome: AnswerOutcome
  /** The batch's, if the reporter knows it. */
  conversationId?: string | undefined
  /** The history notes the end even of a batch that holds nothing (in concurrent order). Needs `conversationId`. */
  alwaysNoted?: boolean
  /** The lease of the handover whose own reply was the answer. Only its holder reports under it. */
  lease?: number
  /** This process has not reported the batch before. */
  isFirst: boolean
  /** An earlier try failed: the store may have noted it, and its reply was lost. */
  isRetry?: boolean
  /** If the reporter knows it. */
  handedOver?: HandedOver | undefined
}

/** The handover of a batch. */
export interface HandedOver {
  /** By this process's monotonic clock. */
  handedOverAtMs: number
  /** The span of the release. */
  traceparent?: string | undefined
}

interface Reporter {
  store: Pick<Store, 'answered' | 'rules'>
  log: Logger
  observer: Observer
  traces?: Traces | undefined
}

/** @throws what `store.answered` throws; nothing was counted then */
export async function reportAnswered(
  { store, log, observer, traces }: Reporter,
  report: AnswerReport,
): Promise<AnsweredResult> {
  const { batchId, outcome, conversationId, alwaysNoted = false, lease, handedOver } = report
  const durationMs = handedOver && performance.now() - handedOver.handedOverAtMs
  const note = () => store.answered(batchId, outcome, alwaysNoted ? conversationId : undefined, lease)
  const traceparent = handedOver?.traceparent
  const result = await (traces ? traces.answered({ batchId, outcome, traceparent }, note) : note())
  if (!counts(report, result, store.rules.order)) return result
  observer.answered?.(outcome, durationMs, result.replyMs)
  const about = conversationId === undefined ? { batchId, outcome } : { batchId, conversationId, outcome }
  if (outcome === 'timeout')
    log.warn(about, 'not answered within LULL_ANSWER_TIMEOUT_MS: its conversation goes on without it')
  else log.info(about, 'answered')
  return result
}

function counts(
  { lease, isFirst, isRetry = false }: AnswerReport,
  { freed }: AnsweredResult,
  order: 'serial' | 'concurrent',
): boolean {
  const isUnderLease = lease !== undefined
  // Only this process reports under this lease: if the batch is gone at a retry, an earlier try ended it and its reply was
  // lost.
  const endedHold = freed || (isUnderLease && isFirst && isRetry)
  if (order === 'serial') return endedHold
  // Under its lease a claimed batch holds its conversation in this order too. If not, another processor has claimed it
  // since.
  return isFirst && (endedHold || !isUnderLease)
}
