// A plain BullMQ worker, as you may have one already: it needs nothing of Lull. Versions 4, 5 and 6 of BullMQ do.
//
//     REDIS_URL=redis://127.0.0.1:6379 node examples/worker-bullmq.mjs
//
// Beside it: `lull api` and `lull processor`.
import { Worker } from 'bullmq'
import { Redis } from 'ioredis'

const connection = new Redis(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379', {
  // BullMQ asks for it: its worker waits for jobs as long as it takes.
  maxRetriesPerRequest: null,
})

const worker = new Worker(
  process.env.LULL_QUEUE ?? 'messages',
  async job => {
    const batch = job.data
    // One person's messages, in order, and their texts joined: answer once.
    console.log(`${batch.conversationId} sent ${batch.messages.length} (${batch.releasedBy}):\n${batch.text}`)
    // When this resolves the batch is answered, and the conversation's next one may come. If it throws, BullMQ tries again.
  },
  // A job whose worker was killed is run again; by default only once, and fails then.
  { connection, prefix: process.env.LULL_QUEUE_PREFIX ?? 'bull', concurrency: 16, maxStalledCount: 10 },
)
worker.on('ready', () => console.log(`waiting for batches in the queue ${worker.name}`))
worker.on('failed', (job, error) => console.error(`batch ${job?.id} failed: ${error.message}`))
// Without a listener an error would end the process.
worker.on('error', error => console.error(`worker: ${error.message}`))

for (const signal of ['SIGTERM', 'SIGINT'])
  process.once(signal, async () => {
    await worker.close()
    connection.disconnect()
  })
