/** A span that runs: the code inside it, how it ends, and what carries it to another process. */
import type { TelemetryApi, TelemetryAttributes, TelemetryContext, TelemetrySpan, TelemetrySpanContext } from './api.js'
import { traceparentOf } from './traceparent.js'

const ERROR = 2
/** Of `@opentelemetry/core`, whose `suppressTracing` sets it: instrumented HTTP clients then add neither span nor header. */
const SUPPRESSED = Symbol.for('OpenTelemetry SDK Context Key SUPPRESS_TRACING')

export class LiveSpan {
  private readonly context: TelemetryContext

  constructor(
    private readonly api: TelemetryApi,
    private readonly span: TelemetrySpan,
    parent: TelemetryContext,
  ) {
    this.context = api.trace.setSpan(parent, span)
  }

  get spanContext(): TelemetrySpanContext {
    return this.span.spanContext()
  }

  get traceparent(): string | undefined {
    return traceparentOf(this.spanContext)
  }

  /** The context of a span that begins below this one: the active one, if it belongs to the same trace. */
  get inner(): TelemetryContext {
    const active = this.api.context.active()
    const isOurs = this.api.trace.getSpanContext(active)?.traceId === this.spanContext.traceId
    return isOurs ? active : this.context
  }

  within<Result>(run: () => Result): Result {
    return this.api.context.with(this.context, run)
  }

  /** As `within`, for a call that carries `headers` itself. */
  withinSilently<Result>(run: () => Result): Result {
    return this.api.context.with(this.context.setValue(SUPPRESSED, true), run)
  }

  /** What carries the trace, by header: `traceparent`, or what the program's propagators write. */
  headers(): Record<string, string> {
    const headers: Record<string, string> = {}
    this.api.propagation.inject(this.context, headers)
    return headers
  }

  set(attributes: TelemetryAttributes): void {
    this.span.setAttributes(attributes)
  }

  /** @param message holds nothing that a person wrote */
  fail(type: string, message?: string): void {
    this.span.setAttributes({ 'error.type': type })
    this.span.setStatus({ code: ERROR, ...(message === undefined ? {} : { message }) })
  }

  end(): void {
    this.span.end()
  }

  /** Runs `work` inside, and ends with it. Of its error only the type is recorded. */
  async around<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await this.within(work)
    } catch (error) {
      this.fail(errorType(error))
      throw error
    } finally {
      this.end()
    }
  }
}

/** As `error.type` names it: Redis's and Node's codes, else the name of the class. */
export function errorType(error: unknown): string {
  if (!(error instanceof Error)) return '_OTHER'
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}
