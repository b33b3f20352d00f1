// Lull's webhook in a server that you already have. Here it is Node's own; Express and Nest take the same function.
//
//     REDIS_URL=redis://127.0.0.1:6379 PORT=3001 node examples/webhook-node.mjs
//     curl http://127.0.0.1:3001/webhook -H 'content-type: application/json' \
//       -d '{"chatId":"me","messageId":"1","text":"hi"}'
import { createServer } from 'node:http'
import { Batcher, Processor, toNode, webhook } from 'lull'

const options = {
  redis: process.env.REDIS_URL ?? 'redis://127.0.0.1:6379',
  prefix: 'webhook-example',
  quietGapMs: 1000,
}
const batcher = new Batcher(options)
const processor = new Processor({ ...options, handle: batch => console.log(`${batch.conversationId}: ${batch.text}`) })
await processor.start()

// `generic` proves nothing, so it has to be named. With a secret: providers: { meta: { appSecret } }.
const receive = toNode(webhook({ batcher, providers: { generic: { unsigned: true } } }))
const server = createServer((request, response) => {
  if (request.url === '/webhook') receive(request, response)
  else response.writeHead(404).end()
})
server.listen(Number(process.env.PORT ?? 3001), '127.0.0.1', () => console.log(`listening on ${server.address().port}`))

process.once('SIGTERM', async () => {
  server.close()
  await processor.stop()
  await batcher.close()
})
