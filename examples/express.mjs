// Meta's webhook in an Express 5 app that parses JSON for all of its routes (`npm install express lull`).
//
//     WHATSAPP_APP_SECRET=… WHATSAPP_VERIFY_TOKEN=… REDIS_URL=redis://127.0.0.1:6379 PORT=3000 node examples/express.mjs
import express from 'express'
import { Batcher, Processor, toNode, webhook } from 'lull'

const options = {
  redis: process.env.REDIS_URL ?? 'redis://127.0.0.1:6379',
  prefix: 'express-example',
  quietGapMs: 1000,
}
const batcher = new Batcher(options)
const processor = new Processor({
  ...options,
  handle: batch => console.log(`${batch.conversationId}: ${batch.text.replaceAll('\n', ' · ')}`),
})
await processor.start()

const meta = { appSecret: process.env.WHATSAPP_APP_SECRET, verifyToken: process.env.WHATSAPP_VERIFY_TOKEN }
const receive = webhook({ batcher, provider: 'meta', providers: { meta } })

/** A signature covers the bytes of the body, so the parser keeps them for the webhook. */
function verify(request, _response, bytes) {
  if (request.originalUrl.startsWith('/webhook')) request.rawBody = bytes
}

const app = express()
// Meta's bodies have up to 3 MB; Express reads 100 kB unless told otherwise.
app.use(express.json({ limit: '4mb', verify }))
app.all('/webhook', toNode(receive))
app.post('/echo', (request, response) => response.json(request.body))

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () =>
  console.log(`listening on ${server.address().port}`),
)

process.once('SIGTERM', async () => {
  // First the requests, then what they need.
  await new Promise(resolve => server.close(resolve))
  await processor.stop()
  await batcher.close()
})
