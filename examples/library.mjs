// Append from any program, process in any program. Here both are one, on a Redis:
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
  // Resolves: answered, and the conversation's next batch may come. Rejects: it is tried again, later.
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
  // A message's id is what a repeated delivery is known by.
  const { dueInMs } = await batcher.append(person, { messageId: `${process.pid}-${i}`, text })
  console.log(`“${text}”: due in ${dueInMs} ms, unless more comes`)
}

await done
await processor.stop()
await batcher.close()
