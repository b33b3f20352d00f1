// Answer while they pause, in one program without Redis. The bot begins after 0.3 s of silence and needs 0.8 s; its
// answer is sent after 1.5 s of silence.
//
//     node examples/early-start.mjs
import { setTimeout as delay } from 'node:timers/promises'
import { Batcher, MemoryStore, Processor } from 'lull'

const store = new MemoryStore({ answering: 'supersede', quietGapMs: 1500, earlyStartMs: 300 })
const batcher = new Batcher({ store })
const begunAtMs = performance.now()
const print = line => console.log(`${((performance.now() - begunAtMs) / 1000).toFixed(1)} s  ${line}`)

const processor = new Processor({
  store,
  async handle(batch, { signal, commit }) {
    const text = batch.text.replaceAll('\n', ' · ')
    print(`the bot begins: ${text}`)
    signal.addEventListener('abort', () => print(`the bot stops: ${signal.reason.message}`))
    // In your bot: `await askModel(batch.text, { signal })`.
    await delay(800, undefined, { signal })
    await commit()
    print(`the bot sends its answer to: ${text}`)
    // A running processor keeps the program alive. Not awaited: stop() waits for this call.
    processor.stop()
  },
})
await processor.start()

for (const [messageId, text] of [
  ['m1', 'hi'],
  ['m2', 'a table for two, please'],
  ['m3', 'on Saturday'],
]) {
  print(`Anna writes: ${text}`)
  await batcher.append('79990000011@c.us', { messageId, text })
  await delay(600)
}
