// An OpenTelemetry SDK that prints the name of each span: `node --import=…/printing-sdk.mjs`.
import { NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node'

const exporter = {
  export(spans, done) {
    for (const { name } of spans) process.stderr.write(`span ${name}\n`)
    done({ code: 0 })
  },
  async shutdown() {},
}
new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register()
