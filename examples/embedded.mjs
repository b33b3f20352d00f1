// Without Redis: the same in one process's memory. Nothing outlives the process.
//
//     node examples/embedded.mjs
import { Batcher, MemoryStore, Processor } from 'lull'

const store = new MemoryStore({ quietGapMs: 500 })
const batcher = new Batcher({ store })

let answered
const done = new Promise(resolve => {
  answered = resolve
})
const processor = new Processor({
  store,
  handle(batch) {
    console.log(`${batch.chatId}: ${batch.messages.map(message => message.text).join(' · ')}`)
    answered()
  },
})
await processor.start()

await batcher.append('79990000011@c.us', { messageId: 'm1', text: 'hi' })
await batcher.append('79990000011@c.us', { messageId: 'm2', text: 'a cake, please' })

await done
await processor.stop()
