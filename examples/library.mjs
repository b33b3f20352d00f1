// Messages in and batches out, on Redis. Batcher and Processor may be in different programs; here they are in one.
//
//     REDIS_URL=redis://127.0.0.1:6379 node examples/library.mjs
import { Batcher, Processor } from 'lull'

const options = {
  redis: process.env.REDIS_URL ?? 'redis://127.0.0.1:6379',
  prefix: 'library-example',
  quietGapMs: 1000,
}
const batcher = new Batcher(options)

let answered
const done = new Promise(resolve => {
  answered = resolve
})

const processor = new Processor({
  ...options,
  // If it resolves, the batch is answered and the conversation's next one may come. If it rejects, it is called again.
  async handle(batch, { attempt }) {
    console.log(
      `${batch.conversationId} said, in ${batch.messages.length} messages (attempt ${attempt}):\n${batch.text}`,
    )
    answered()
  },
})
await processor.start()

const person = 'shop/79990000011@c.us'
for (const [i, text] of ['hi', "I'd like to order", 'a cake', 'for Saturday'].entries()) {
  // Lull recognises a repeated delivery by the message's id.
  const { dueInMs } = await batcher.append(person, { messageId: `${process.pid}-${i}`, text })
  console.log(`“${text}”: due in ${dueInMs} ms, unless more comes`)
}

await done
await processor.stop()
await batcher.close()
