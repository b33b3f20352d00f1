// A plain BullMQ worker, without anything of Lull. It works with BullMQ 4, 5 and 6. With LULL_ANSWERING=supersede use
// worker-bullmq-commit.mjs: this one cannot commit.
//
//     REDIS_URL=redis://127.0.0.1:6379 node examples/worker-bullmq.mjs
//
// Run `lull api` and `lull processor` beside it.
import { Worker } from 'bullmq'
import { Redis } from 'ioredis'

const connection = new Redis(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379', {
  // BullMQ requires it, because a worker waits for jobs without limit.
  maxRetriesPerRequest: null,
})

const worker = new Worker(
  process.env.LULL_QUEUE ?? 'messages',
  async job => {
    const batch = job.data
    // All messages of one person, in order, and their texts joined. Answer them once.
    console.log(`${batch.conversationId} sent ${batch.messages.length} (${batch.releasedBy}):\n${batch.text}`)
    // When this resolves, the batch is answered and the conversation's next one may come. If it throws, BullMQ runs the
    // job again.
  },
  // A job whose worker was killed runs again. By default BullMQ allows that only once, and fails the job the next time.
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
