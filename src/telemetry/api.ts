/**
 * The part of the module `@opentelemetry/api` that Lull calls. The program gives the module (`telemetry: otel`), so
 * Lull imports nothing, and programs that have no such package compile.
 */

/** What a call carries with it: OpenTelemetry's `Context`. */
export interface TelemetryContext {
  /** One of its values. */
  getValue(key: symbol): unknown
  /** A copy with this value. */
  setValue(key: symbol, value: unknown): TelemetryContext
  /** A copy without this value. */
  deleteValue(key: symbol): TelemetryContext
}

/** Which span it is: OpenTelemetry's `SpanContext`. */
export interface TelemetrySpanContext {
  /** 32 hexadecimal digits. */
  traceId: string
  /** 16 hexadecimal digits. */
  spanId: string
  /** 1: it is sampled. */
  traceFlags: number
  /** It comes from another process. */
  isRemote?: boolean
}

/** Facts about a span by name. */
export type TelemetryAttributes = Record<string, string | number | boolean | string[] | undefined>

/** OpenTelemetry's `Span`. */
export interface TelemetrySpan {
  /** Which span it is. */
  spanContext(): TelemetrySpanContext
  /** Adds facts. */
  setAttributes(attributes: TelemetryAttributes): unknown
  /** Says whether it has failed. */
  setStatus(status: { code: number; message?: string }): unknown
  /** Ends it now. */
  end(): void
}

/** How a span begins. */
export interface TelemetrySpanOptions {
  /** OpenTelemetry's `SpanKind`. */
  kind: number
  /** What is known of it from the beginning. */
  attributes: TelemetryAttributes
  /** Spans of other traces. */
  links?: {
    /** Which span it is. */
    context: TelemetrySpanContext
  }[]
}

/** OpenTelemetry's `Tracer`. */
export interface TelemetryTracer {
  /** Begins a span. */
  startSpan(name: string, options: TelemetrySpanOptions, parent: TelemetryContext): TelemetrySpan
}

/** The module `@opentelemetry/api`, version 1, or the part of it that Lull calls. */
export interface TelemetryApi {
  /** The context without a span. */
  readonly ROOT_CONTEXT: TelemetryContext
  /** Spans. */
  readonly trace: {
    /** What begins the spans of one library. */
    getTracer(name: string): TelemetryTracer
    /** The span of a context. */
    getSpanContext(context: TelemetryContext): TelemetrySpanContext | undefined
    /** A copy with this span. */
    setSpan(context: TelemetryContext, span: TelemetrySpan): TelemetryContext
    /** A copy with a span that runs elsewhere, or has ended. */
    setSpanContext(context: TelemetryContext, spanContext: TelemetrySpanContext): TelemetryContext
  }
  /** The contexts of calls. */
  readonly context: {
    /** That of this call. */
    active(): TelemetryContext
    /** Runs a function in a context. */
    with<Result>(context: TelemetryContext, run: () => Result): Result
  }
  /** Contexts in headers. */
  readonly propagation: {
    /** Writes a context into headers. */
    inject(context: TelemetryContext, carrier: Record<string, string>): void
    /** Reads a context from headers. */
    extract(context: TelemetryContext, carrier: Record<string, string>): TelemetryContext
  }
}

/** As OpenTelemetry numbers them. */
export const SPAN_KIND = { internal: 0, server: 1, client: 2, producer: 3, consumer: 4 } as const

/** @throws {TypeError} with the remedy, for anything else than the module */
export function checkTelemetryApi(api: TelemetryApi): void {
  const isModule = typeof api === 'object' && api !== null && 'ROOT_CONTEXT' in api && 'trace' in api
  if (!isModule)
    throw new TypeError(
      "telemetry is not OpenTelemetry's API: give the module, import * as otel from '@opentelemetry/api'",
    )
}
