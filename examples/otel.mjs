// What Lull traces: two webhooks, the batch of both, the work on it. Without a collector and without Redis; the traces are
// printed. docs/telemetry.md has the rest.
//
//     npm i lull @opentelemetry/api @opentelemetry/sdk-trace-node
//     node examples/otel.mjs
import * as otel from '@opentelemetry/api'
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node'
import { Batcher, MemoryStore, Processor, webhook } from 'lull'

// In production: an OTLPTraceExporter in a BatchSpanProcessor.
const exporter = new InMemorySpanExporter()
new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register()
const tracer = otel.trace.getTracer('bot')

const store = new MemoryStore({ quietGapMs: 500 })
const batcher = new Batcher({ store, telemetry: otel })
const receive = webhook({ batcher, providers: { generic: { unsigned: true } } })

const processor = new Processor({
  store,
  telemetry: otel,
  async handle(batch) {
    // Your own spans, and those of instrumented libraries, are inside `process`.
    await tracer.startActiveSpan('ask the model', async span => {
      await new Promise(resolve => setTimeout(resolve, 50))
      span.end()
    })
    console.log(`answered ${batch.messages.length} messages\n`)
    // Not awaited: stop() waits for this call.
    processor.stop().then(printTraces)
  },
})
await processor.start()

for (const text of ['hi', 'a cake, please']) {
  const body = JSON.stringify({ messageId: text, chatId: '79990000011@c.us', text })
  await receive(
    new Request('http://localhost/webhook', { method: 'POST', headers: { 'content-type': 'application/json' }, body }),
  )
}

function printTraces(spans = exporter.getFinishedSpans(), parentId = undefined, indent = '') {
  for (const span of spans) {
    if (span.parentSpanContext?.spanId !== parentId) continue
    const ms = (span.duration[0] * 1e3 + span.duration[1] / 1e6).toFixed(1)
    const kind = otel.SpanKind[span.kind].toLowerCase()
    const links = span.links.length > 0 ? `  links to ${span.links.length} appends` : ''
    console.log(`${(indent + span.name).padEnd(22)}${kind.padEnd(9)}${ms.padStart(6)} ms${links}`)
    printTraces(spans, span.spanContext().spanId, `${indent}  `)
  }
}
