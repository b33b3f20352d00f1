/** Makes Lull's spans. Names and attributes follow OpenTelemetry's conventions for messaging. docs/telemetry.md lists them. */
import {
  checkTelemetryApi,
  SPAN_KIND,
  type TelemetryApi,
  type TelemetryAttributes,
  type TelemetryContext,
  type TelemetrySpanContext,
  type TelemetryTracer,
} from './api.js'
import { LiveSpan } from './live-span.js'
import { spanContextFrom } from './traceparent.js'

export type SpanKind = keyof typeof SPAN_KIND

export interface SpanRequest {
  kind: SpanKind
  attributes?: TelemetryAttributes
  links?: TelemetrySpanContext[]
}

export interface MessagingRequest extends Omit<SpanRequest, 'kind'> {
  /** The name of the operation, which begins the span's. */
  name: string
  type: 'send' | 'receive' | 'process' | 'settle'
  /** `lull` by default. */
  system?: string | undefined
  /** A name with few values: a prefix, a queue. */
  destination?: string | undefined
}

/** By the type of the operation, as the conventions say. */
const KINDS = { send: 'producer', receive: 'client', process: 'consumer', settle: 'client' } as const

export class Spans {
  private readonly tracer: TelemetryTracer

  /** @throws {TypeError} for anything else than the module `@opentelemetry/api` */
  constructor(private readonly api: TelemetryApi) {
    checkTelemetryApi(api)
    this.tracer = api.trace.getTracer('lull')
  }

  get active(): TelemetryContext {
    return this.api.context.active()
  }

  get root(): TelemetryContext {
    return this.api.ROOT_CONTEXT
  }

  /** Whether a span is active in this call: of an instrumented HTTP server, say. */
  get isInSpan(): boolean {
    return this.api.trace.getSpanContext(this.active) !== undefined
  }

  start(name: string, { kind, attributes = {}, links = [] }: SpanRequest, parent: TelemetryContext): LiveSpan {
    const options = { kind: SPAN_KIND[kind], attributes, links: links.map(context => ({ context })) }
    return new LiveSpan(this.api, this.tracer.startSpan(name, options, parent), parent)
  }

  startMessaging(
    { name, type, system = 'lull', destination, attributes, links }: MessagingRequest,
    parent: TelemetryContext,
  ): LiveSpan {
    const all = {
      'messaging.system': system,
      'messaging.operation.name': name,
      'messaging.operation.type': type,
      ...(destination && { 'messaging.destination.name': destination }),
      ...attributes,
    }
    const request = { kind: KINDS[type], attributes: all, ...(links && { links }) }
    return this.start(destination ? `${name} ${destination}` : name, request, parent)
  }

  /** The context that headers carry; the root if they carry none. */
  from(headers: Record<string, string>): TelemetryContext {
    return this.api.propagation.extract(this.root, headers)
  }

  /** The context below a span that has ended. */
  below(traceparent: string | undefined): TelemetryContext {
    const spanContext = traceparent === undefined ? undefined : spanContextFrom(traceparent)
    return spanContext ? this.api.trace.setSpanContext(this.root, spanContext) : this.root
  }

  traceIdOf(context: TelemetryContext): string | undefined {
    return this.api.trace.getSpanContext(context)?.traceId
  }
}
