// The reference worker as a process, with a short lock and a handler that never ends by itself. It prints what happens.
import { QueueWorker } from '../../dist/internal/worker/worker.js'

const worker = new QueueWorker({
  redis: process.env.REDIS_URL,
  queue: process.env.QUEUE,
  lockMs: Number(process.env.LOCK_MS),
  handle: ({ batchId }, { signal }) =>
    new Promise((_, reject) => {
      console.log(`STARTED ${batchId}`)
      signal.addEventListener('abort', () => {
        console.log(`ABORTED ${batchId}: ${signal.reason.message}`)
        reject(signal.reason)
      })
    }),
})
process.once('SIGTERM', async () => {
  await worker.stop({ timeoutMs: 500 })
  process.exit()
})
await worker.start()
console.log('READY')
