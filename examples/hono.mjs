// Meta's webhook in a Hono app on Node (`npm install hono @hono/node-server lull`).
//
//     WHATSAPP_APP_SECRET=… WHATSAPP_VERIFY_TOKEN=… REDIS_URL=redis://127.0.0.1:6379 PORT=3000 node examples/hono.mjs
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { Batcher, Processor, webhook } from 'lull'

const options = {
  redis: process.env.REDIS_URL ?? 'redis://127.0.0.1:6379',
  prefix: 'hono-example',
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

const app = new Hono()
app.all('/webhook', context => receive(context.req.raw))
app.post('/echo', async context => context.json(await context.req.json()))

const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: Number(process.env.PORT ?? 3000) }, ({ port }) =>
  console.log(`listening on ${port}`),
)

process.once('SIGTERM', async () => {
  // First the requests, then what they need.
  await new Promise(resolve => server.close(resolve))
  await processor.stop()
  await batcher.close()
})
