// The processor beside a Next app: a program of its own, since nothing in Next runs between two requests.
//
//     REDIS_URL=redis://127.0.0.1:6379 node processor.mjs
import { Processor } from 'lull'

const processor = new Processor({
  redis: process.env.REDIS_URL ?? 'redis://127.0.0.1:6379',
  prefix: 'nextjs-example',
  quietGapMs: 1000,
  handle: batch => console.log(`${batch.conversationId}: ${batch.text.replaceAll('\n', ' · ')}`),
})
await processor.start()
console.log('waiting for batches')

process.once('SIGTERM', () => processor.stop())
