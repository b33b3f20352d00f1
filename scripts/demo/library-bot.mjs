// A bot on Lull as a library: webhooks go to a Batcher, and a Processor calls the handler. The handler commits before it
// replies; with `answering: 'queue'` a commit is always granted at once.
import { createServer } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { Batcher, MemoryStore, Processor, toNode, webhook } from '../../dist/esm/index.js'

const { REDIS_URL, LULL_PREFIX, DEMO_WORK_MS, DEMO_RULES, PORT } = process.env
const rules = { ...JSON.parse(DEMO_RULES), dedupeMs: 60_000 }
const redis = REDIS_URL?.startsWith('/') ? { path: REDIS_URL } : REDIS_URL
// What is made with `redis` opens and closes connections of its own.
const options = redis ? { redis, prefix: LULL_PREFIX, ...rules } : { store: new MemoryStore(rules) }

async function handle(batch, { signal, commit }) {
  const texts = batch.messages.map(({ text }) => text)
  const { provisional = false } = batch
  process.send({ kind: 'begun', texts, provisional })
  signal.addEventListener('abort', () => process.send({ kind: 'superseded', texts }), { once: true })
  await delay(Number(DEMO_WORK_MS), undefined, { signal })
  await commit()
  process.send({ kind: 'replied', texts })
}

const batcher = new Batcher(options)
const processor = new Processor({ ...options, handle })
await processor.start()
const receive = toNode(webhook({ batcher, providers: { meta: { unsigned: true } } }))
createServer(receive).listen(Number(PORT), '127.0.0.1', () => process.send({ kind: 'ready' }))
process.once('SIGTERM', async () => {
  await processor.stop()
  await batcher.close()
  process.exit()
})
