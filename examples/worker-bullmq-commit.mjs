// A plain BullMQ worker for LULL_ANSWERING=supersede: newer messages abort its work, and it sends nothing before
// commit(). It works with BullMQ 4, 5 and 6.
//
//     npm i lull bullmq ioredis
//     REDIS_URL=redis://127.0.0.1:6379 node examples/worker-bullmq-commit.mjs
//
// With LULL_QUEUE_SHARDS it needs a Worker for each shard: see worker-bullmq.mjs.
//
// Run `lull api` and `lull processor` with LULL_ANSWERING=supersede and LULL_EARLY_START_MS=2000 beside it.
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { Batcher, toBullmq } from 'lull'

const url = process.env.REDIS_URL ?? 'redis://127.0.0.1:6379'

// Grants the commits. Lull's own Redis, even if the queue is on another one, and the same settings as the processors'.
const batcher = new Batcher({ redis: url, ...(process.env.LULL_PREFIX && { prefix: process.env.LULL_PREFIX }) })
const connection = new Redis(process.env.LULL_QUEUE_REDIS_URL ?? url, { maxRetriesPerRequest: null })

const worker = new Worker(
  process.env.LULL_QUEUE ?? 'messages',
  toBullmq(
    async (batch, { signal, commit }) => {
      console.log(`thinking about ${batch.messages.length} of ${batch.conversationId}`)
      // Stands for your model. It begins while the person may still be writing, and ends when `signal` is aborted.
      await sleep(Number(process.env.THINKING_MS ?? 500), undefined, { signal })
      // Waits for the quiet gap. Throws if newer messages came: the job then ends, and a new one has all of them.
      const { again } = await commit()
      // From here on nothing supersedes the answer. `again`: an earlier run may have sent it, so look before you send.
      console.log(`${again ? 'answering again' : 'answering'}: ${batch.text.split('\n').join(' · ')}`)
    },
    { batcher },
  ),
  { connection, prefix: process.env.LULL_QUEUE_PREFIX ?? 'bull', concurrency: 16, maxStalledCount: 10 },
)
worker.on('ready', () => console.log(`waiting for batches in the queue ${worker.name}`))
worker.on('completed', (job, result) => {
  if (result?.superseded) console.log(`batch ${job.id} was superseded`)
})
worker.on('failed', (job, error) => console.error(`batch ${job?.id} failed: ${error.message}`))
worker.on('error', error => console.error(`worker: ${error.message}`))

for (const signal of ['SIGTERM', 'SIGINT'])
  process.once(signal, async () => {
    await worker.close()
    await batcher.close()
    connection.disconnect()
  })
