// The library's processor as a process. It prints a line of JSON for each batch: its id and those of its messages.
import { Processor } from '../../dist/esm/index.js'

const { REDIS_URL, LULL_PREFIX, LULL_PARTITIONS, LULL_LEASE_MS } = process.env

const processor = new Processor({
  redis: REDIS_URL,
  prefix: LULL_PREFIX,
  partitions: Number(LULL_PARTITIONS),
  leaseMs: Number(LULL_LEASE_MS),
  handle: ({ batchId, messages }) =>
    console.log(JSON.stringify({ batchId, messageIds: messages.map(({ messageId }) => messageId) })),
})
process.once('SIGTERM', async () => {
  await processor.stop()
  process.exit()
})
await processor.start()
console.log('processor started')
