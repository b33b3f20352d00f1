/**
 * What Lull traces with the option `telemetry`. A message's trace ends with its append. A batch has a trace of its own,
 * which links to the traces of all its messages.
 *
 *     webhook ─ append   ⇠ link ─   release ─┬─ handover ─ process ─ commit
 *                                            └─ answered
 *
 * In between the stored message keeps the context (`traceparent`), if its trace is sampled. No span holds a text, a name
 * or a conversation's id, which may be a phone number. `lull.batch.id` finds all traces of a batch.
 *
 * Without the option there is no `Traces`, and its callers skip it.
 */
import type { Handover } from '../handover/handover.js'
import type { AnswerOutcome, AppendRequest, AppendResult, ClaimedBatch } from '../store/store.js'
import type { TelemetryApi } from './api.js'
import { BatchSpans } from './batch-spans.js'
import { type JobOfBatch, JobSpan, type TracedJob } from './job-span.js'
import { Spans } from './spans.js'
import { isSampled } from './traceparent.js'
import { type TracedWebhook, WebhookSpan } from './webhook-span.js'

interface ReportedAnswer {
  batchId: string
  outcome: AnswerOutcome
  /** Of the batch's release, if this process handed it over. Else the active span is the parent. */
  traceparent?: string | undefined
}

export class Traces {
  /** The store's prefix, as soon as it is known. */
  destination: string | undefined
  private readonly spans: Spans

  /** @throws {TypeError} for anything else than the module `@opentelemetry/api` */
  constructor(api: TelemetryApi) {
    this.spans = new Spans(api)
  }

  webhook(webhook: TracedWebhook): WebhookSpan {
    return new WebhookSpan(this.spans, webhook)
  }

  /** Appends messages, which keep the context of this span. @param append appends them as they are then */
  append({ messages }: AppendRequest, append: () => Promise<AppendResult>): Promise<AppendResult> {
    const { spans, destination } = this
    const span = spans.startMessaging(
      {
        name: 'append',
        type: 'send',
        destination,
        attributes: { 'messaging.batch.message_count': messages.length, 'lull.provider': messages[0]?.provider },
      },
      spans.active,
    )
    // The link to a span that nobody keeps would cost memory and show nothing.
    const traceparent = isSampled(span.spanContext) ? span.traceparent : undefined
    if (traceparent !== undefined) for (const message of messages) message.traceparent = traceparent
    return span.around(async () => {
      const result = await append()
      span.set({
        'lull.messages.accepted': result.accepted,
        'lull.messages.duplicates': result.duplicates,
        'lull.batch.id': result.batchId,
      })
      return result
    })
  }

  /** A batch that a claim brought, and its handover, which begins now. */
  batch(claimed: ClaimedBatch, handover: Pick<Handover, 'kind' | 'traced'>): BatchSpans {
    return new BatchSpans(this.spans, claimed, handover, this.destination)
  }

  /** A worker's run of a batch's job, which begins now. */
  job(job: TracedJob, of: JobOfBatch): JobSpan {
    return new JobSpan(this.spans, job, of)
  }

  answered<Result>({ batchId, outcome, traceparent }: ReportedAnswer, report: () => Promise<Result>): Promise<Result> {
    const { spans, destination } = this
    const span = spans.startMessaging(
      {
        name: 'answered',
        type: 'settle',
        destination,
        attributes: { 'messaging.message.id': batchId, 'lull.batch.id': batchId, 'lull.outcome': outcome },
      },
      traceparent === undefined ? spans.active : spans.below(traceparent),
    )
    return span.around(report)
  }
}
