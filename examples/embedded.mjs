// The smallest program: no Redis, everything in this process's memory. It prints one batch and ends.
//
//     node examples/embedded.mjs
import { Batcher, MemoryStore, Processor } from 'lull'

const store = new MemoryStore({ quietGapMs: 2000 })
const batcher = new Batcher({ store })
const processor = new Processor({
  store,
  handle(batch) {
    console.log(`${batch.chatId} said: ${batch.text.replaceAll('\n', ' · ')}`)
    // A running processor keeps the program alive. Not awaited: stop() waits for this call.
    processor.stop()
  },
})
await processor.start()

await batcher.append('79990000011@c.us', { messageId: 'm1', text: 'hi' })
await batcher.append('79990000011@c.us', { messageId: 'm2', text: 'a cake, please' })
