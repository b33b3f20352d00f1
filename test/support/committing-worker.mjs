// Lull's worker as a process, with a short lock and a handler that commits.
import { Commits } from '../../dist/internal/handover/commits.js'
import { rulesFrom } from '../../dist/internal/rules.js'
import { RedisStore } from '../../dist/internal/store/redis/store.js'
import { QueueWorker } from '../../dist/internal/worker/worker.js'
import handle from './committing-handler.mjs'

const { REDIS_URL, LULL_PREFIX, LULL_QUEUE, LULL_QUIET_GAP_MS, LULL_EARLY_START_MS, LOCK_MS } = process.env

const rules = rulesFrom({
  answering: 'supersede',
  quietGapMs: Number(LULL_QUIET_GAP_MS),
  earlyStartMs: Number(LULL_EARLY_START_MS),
})
const store = new RedisStore({ redis: REDIS_URL, prefix: LULL_PREFIX, rules, role: 'worker' })
const worker = new QueueWorker({
  redis: REDIS_URL,
  queue: LULL_QUEUE,
  lockMs: Number(LOCK_MS),
  commits: new Commits(store),
  handle,
})
process.once('SIGTERM', async () => {
  await worker.stop({ timeoutMs: 2000 })
  await store.close()
  process.exit()
})
await store.open()
await worker.start()
console.log('worker started')
