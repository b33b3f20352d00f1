/**
 * The span of a worker's run of a job. The job carries the trace of its handover, as BullMQ's own telemetry has it
 * (`opts.telemetry.metadata`). If BullMQ has made a span of that trace for the job, this one is inside it.
 */
import type { Batch } from '../batch.js'
import type { CommittingHandle } from '../handover/function.js'
import { HandlerContext } from '../handover/handler-context.js'
import type { RunResult } from '../worker/run.js'
import type { TelemetryContext } from './api.js'
import { commitSpan } from './batch-spans.js'
import { errorType, type LiveSpan } from './live-span.js'
import type { Spans } from './spans.js'

/** What is needed of a BullMQ job. */
export interface TracedJob {
  /** Its options; `{ telemetry: { metadata } }` among them. */
  opts?: unknown
}

export interface JobOfBatch {
  batch: Batch
  attempt: number
  /** The queue's name, if it is known. */
  queue?: string | undefined
}

export class JobSpan {
  private readonly span: LiveSpan

  constructor(
    private readonly spans: Spans,
    job: TracedJob,
    { batch, attempt, queue }: JobOfBatch,
  ) {
    this.span = spans.startMessaging(
      {
        name: 'process',
        type: 'process',
        system: 'bullmq',
        destination: queue,
        attributes: {
          'messaging.message.id': batch.batchId,
          'messaging.batch.message_count': batch.messages.length,
          'lull.batch.id': batch.batchId,
          'lull.attempt': attempt,
        },
      },
      parentOf(spans, job),
    )
  }

  within<Result>(run: () => Result): Result {
    return this.span.within(run)
  }

  /** The handler, with a span for each of its commits. */
  traced(handle: CommittingHandle): CommittingHandle {
    const { spans, span } = this
    return (batch, context) => {
      const commit = () => commitSpan(spans, span, context.commit)
      return handle(batch, new HandlerContext(context, context.attempt, context.log, commit))
    }
  }

  ended(result: RunResult): void {
    const { span } = this
    const cut = 'cut' in result ? result.cut : undefined
    // The job goes back to the queue, and the attempt does not count.
    const isGivenBack = cut === 'stop'
    span.set({ 'lull.outcome': isGivenBack ? 'givenBack' : OUTCOMES[result.result], 'lull.cut': cut })
    if (result.result === 'failed' && !isGivenBack) span.fail(errorType(result.error))
    if (result.result === 'abandoned' && !isGivenBack) span.fail(result.cut)
    span.end()
  }
}

const OUTCOMES: Record<RunResult['result'], string> = {
  done: 'completed',
  failed: 'failed',
  abandoned: 'abandoned',
  superseded: 'superseded',
  'not begun': 'superseded',
}

/** The active context only counts if it is of the handover's trace: a worker's loop keeps the one that it began in. */
function parentOf(spans: Spans, { opts }: TracedJob): TelemetryContext {
  const handover = spans.from(headersIn(opts))
  const traceId = spans.traceIdOf(handover)
  return traceId !== undefined && traceId === spans.traceIdOf(spans.active) ? spans.active : handover
}

function headersIn(opts: unknown): Record<string, string> {
  // BullMQ 4 knows the option only by its short name in Redis.
  const metadata = fieldOf(fieldOf(opts, 'telemetry'), 'metadata') ?? fieldOf(opts, 'tm')
  if (typeof metadata !== 'string') return {}
  try {
    const headers: unknown = JSON.parse(metadata)
    if (typeof headers !== 'object' || headers === null) return {}
    return Object.fromEntries(Object.entries(headers).filter(([, value]) => typeof value === 'string'))
  } catch {
    // Another program's.
    return {}
  }
}

const fieldOf = (object: unknown, name: string): unknown =>
  typeof object === 'object' && object !== null ? Reflect.get(object, name) : undefined
