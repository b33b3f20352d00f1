// Meta's webhook in a Fastify 5 app (`npm install fastify lull`).
//
//     WHATSAPP_APP_SECRET=… WHATSAPP_VERIFY_TOKEN=… REDIS_URL=redis://127.0.0.1:6379 PORT=3000 node examples/fastify.mjs
import Fastify from 'fastify'
import { Batcher, Processor, toFastify, webhook } from 'lull'

const options = {
  redis: process.env.REDIS_URL ?? 'redis://127.0.0.1:6379',
  prefix: 'fastify-example',
  quietGapMs: 1000,
}
const batcher = new Batcher(options)
const processor = new Processor({
  ...options,
  handle: batch => console.log(`${batch.conversationId}: ${batch.text.replaceAll('\n', ' · ')}`),
})

const meta = { appSecret: process.env.WHATSAPP_APP_SECRET, verifyToken: process.env.WHATSAPP_VERIFY_TOKEN }
const receive = webhook({ batcher, provider: 'meta', providers: { meta } })

const app = Fastify()
app.register(toFastify(receive), { prefix: '/webhook' })
app.post('/echo', async request => request.body)
app.addHook('onReady', async () => {
  await processor.start()
})
// Fastify calls it when the requests that have come are answered.
app.addHook('onClose', async () => {
  await processor.stop()
  await batcher.close()
})

const address = await app.listen({ port: Number(process.env.PORT ?? 3000), host: '127.0.0.1' })
console.log(`listening on ${address}`)

process.once('SIGTERM', () => app.close())
