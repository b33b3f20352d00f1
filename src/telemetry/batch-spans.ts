/**
 * The spans of a claimed batch, in a trace of their own:
 *
 *     release          links to the traces of all its messages; from the claim until the store has noted how it went
 *     ├─ handover      the call that gives it to its receiver. Of a function it is `process`: the work itself
 *     │  └─ commit     a wait for the due time
 *     └─ answered      the store notes the end of the work (`traces.ts`)
 */
import type { Committed } from '../handover/commits.js'
import type { Handover, HandoverOutcome } from '../handover/handover.js'
import { isOwnWords } from '../handover/kept-error.js'
import type { ClaimedBatch } from '../store/store.js'
import { isSuperseded } from '../superseded.js'
import type { TelemetrySpanContext } from './api.js'
import { errorType, type LiveSpan } from './live-span.js'
import type { Spans } from './spans.js'
import { spanContextFrom } from './traceparent.js'

/** As many links as the SDK keeps of a span by default. */
const MOST_LINKS = 128

export class BatchSpans {
  private readonly release: LiveSpan
  private readonly call: LiveSpan
  private readonly sendsHeaders: boolean

  constructor(
    private readonly spans: Spans,
    claimed: ClaimedBatch,
    { kind, traced = {} }: Pick<Handover, 'kind' | 'traced'>,
    destination: string | undefined,
  ) {
    const { batch, batchId, attempt, lateMs, traceparents = [] } = claimed
    this.release = spans.startMessaging(
      {
        name: 'release',
        type: 'receive',
        destination,
        links: traceparents.slice(0, MOST_LINKS).flatMap(linked),
        attributes: {
          'messaging.batch.message_count': batch.messages.length,
          'lull.batch.id': batchId,
          'lull.batch.supersedes': batch.supersedes,
          'lull.provider': batch.provider,
          'lull.release.reason': batch.releasedBy,
          'lull.release.late_ms': lateMs,
          'lull.release.wait_ms': batch.releasedAtMs - batch.firstAtMs,
          'lull.attempt': attempt,
        },
      },
      spans.root,
    )
    const { operation = 'send', system, destination: receiver, server, sendsHeaders = false } = traced
    this.sendsHeaders = sendsHeaders
    this.call = spans.startMessaging(
      {
        name: operation === 'process' ? 'process' : 'handover',
        type: operation,
        system,
        destination: operation === 'process' ? destination : receiver,
        attributes: {
          'messaging.message.id': batchId,
          'lull.batch.id': batchId,
          'lull.handover': kind,
          'lull.attempt': attempt,
          'server.address': server,
        },
      },
      this.release.inner,
    )
  }

  /** The parent of what follows the handover. */
  get traceparent(): string | undefined {
    return this.release.traceparent
  }

  headers(): Record<string, string> {
    return this.call.headers()
  }

  /** Runs a call that hands over this batch alone. */
  within<Result>(handOver: () => Result): Result {
    return this.sendsHeaders ? this.call.withinSilently(handOver) : this.call.within(handOver)
  }

  commit(ask: () => Promise<Committed>): Promise<Committed> {
    return commitSpan(this.spans, this.call, ask)
  }

  handedOver(outcome: HandoverOutcome): void {
    const { call } = this
    const result = outcome.result === 'answered' ? outcome.outcome : outcome.result
    call.set({ 'lull.outcome': result })
    if (outcome.result === 'failed') call.fail(errorType(outcome.error), ownWords(outcome.error))
    else if (result === 'timeout') call.fail('timeout')
    call.end()
    this.release.set({ 'lull.outcome': result })
  }

  /** The store has noted how the handover ended. */
  settled(): void {
    this.release.end()
  }
}

/** A commit that the work waits for. A refusal is no error. */
export async function commitSpan(spans: Spans, work: LiveSpan, ask: () => Promise<Committed>): Promise<Committed> {
  const span = spans.start('commit', { kind: 'internal' }, work.inner)
  try {
    const { again } = await ask()
    span.set({ 'lull.outcome': again ? 'again' : 'go' })
    return { again }
  } catch (error) {
    if (isSuperseded(error)) span.set({ 'lull.outcome': 'superseded' })
    else span.fail(errorType(error))
    throw error
  } finally {
    span.end()
  }
}

/** A handler's error may quote what a person wrote, and traces often leave the house. */
const ownWords = ({ message }: Error) => (isOwnWords(message) ? message : undefined)

function linked(traceparent: string): TelemetrySpanContext[] {
  const spanContext = spanContextFrom(traceparent)
  return spanContext ? [spanContext] : []
}
