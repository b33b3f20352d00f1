/** An OpenTelemetry SDK in this process whose spans stay in memory: registered for the tests of one `describe`. */
import * as otel from '@opentelemetry/api'
import {
  AlwaysOnSampler,
  InMemorySpanExporter,
  NodeTracerProvider,
  type ReadableSpan,
  type Sampler,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-node'
import { until } from './wait.js'

export { otel }

export interface Tracing {
  /** Finished spans, in order of their ends. */
  spans(): ReadableSpan[]
  /** The finished spans of this name (`append …`), as soon as there are so many. */
  named(name: string, count?: number): Promise<[ReadableSpan, ...ReadableSpan[]]>
  sample(sampler: Sampler): void
}

/** To be called in `describe`. Each test starts without spans, and samples all. */
export function tracing(): Tracing {
  const exporter = new InMemorySpanExporter()
  let sampler: Sampler = new AlwaysOnSampler()
  before(() => {
    const current: Sampler = { shouldSample: (...args) => sampler.shouldSample(...args), toString: () => 'current' }
    new NodeTracerProvider({ sampler: current, spanProcessors: [new SimpleSpanProcessor(exporter)] }).register()
  })
  beforeEach(() => {
    exporter.reset()
    sampler = new AlwaysOnSampler()
  })
  after(() => {
    for (const api of [otel.trace, otel.context, otel.propagation]) api.disable()
  })
  const spans = () => exporter.getFinishedSpans()
  return {
    spans,
    named: (name, count = 1) =>
      until(
        () => {
          const [first, ...others] = spans().filter(span => span.name.split(' ')[0] === name)
          return first !== undefined && others.length + 1 >= count ? [first, ...others] : undefined
        },
        {
          what: () =>
            `${count} spans ${name} among ${spans()
              .map(span => span.name)
              .join(', ')}`,
        },
      ),
    sample: next => {
      sampler = next
    },
  }
}

export const idOf = (span: ReadableSpan) => span.spanContext().spanId
export const traceOf = (span: ReadableSpan) => span.spanContext().traceId
export const parentOf = (span: ReadableSpan) => span.parentSpanContext?.spanId
export const linksOf = (span: ReadableSpan) => span.links.map(({ context }) => context.spanId)
