// The library's processor as a process, with a handler that commits. The rules come from the environment, as for `lull`.
import { Processor } from '../../dist/esm/index.js'
import handle from './committing-handler.mjs'

const { REDIS_URL, LULL_PREFIX, LULL_QUIET_GAP_MS, LULL_EARLY_START_MS, LULL_LEASE_MS, LULL_BATCH_TTL_MS } = process.env

const processor = new Processor({
  redis: REDIS_URL,
  prefix: LULL_PREFIX,
  answering: 'supersede',
  quietGapMs: Number(LULL_QUIET_GAP_MS),
  earlyStartMs: Number(LULL_EARLY_START_MS),
  leaseMs: Number(LULL_LEASE_MS),
  batchTtlMs: Number(LULL_BATCH_TTL_MS),
  handle,
})
process.once('SIGTERM', async () => {
  await processor.stop()
  process.exit()
})
await processor.start()
console.log('processor started')
