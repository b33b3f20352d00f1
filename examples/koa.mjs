// Meta's webhook in a Koa app (`npm install koa @koa/router lull`).
//
//     WHATSAPP_APP_SECRET=… WHATSAPP_VERIFY_TOKEN=… REDIS_URL=redis://127.0.0.1:6379 PORT=3000 node examples/koa.mjs
import Router from '@koa/router'
import Koa from 'koa'
import { Batcher, Processor, toKoa, webhook } from 'lull'

const options = {
  redis: process.env.REDIS_URL ?? 'redis://127.0.0.1:6379',
  prefix: 'koa-example',
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

const router = new Router().all('/webhook', toKoa(receive))
const server = new Koa()
  .use(router.routes())
  .listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => console.log(`listening on ${server.address().port}`))

process.once('SIGTERM', async () => {
  // First the requests, then what they need.
  await new Promise(resolve => server.close(resolve))
  await processor.stop()
  await batcher.close()
})
