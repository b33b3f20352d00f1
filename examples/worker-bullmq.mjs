// A plain BullMQ worker, without anything of Lull. It works with BullMQ 4, 5 and 6. With LULL_ANSWERING=supersede use
// worker-bullmq-commit.mjs: this one cannot commit.
//
//     npm i bullmq ioredis
//     REDIS_URL=redis://127.0.0.1:6379 node examples/worker-bullmq.mjs
//
// On a Redis Cluster give some of its nodes by comma, and the same LULL_QUEUE_SHARDS as the processors have:
//
//     REDIS_URL=redis://a:7000,b:7000 LULL_QUEUE_SHARDS=3 node examples/worker-bullmq.mjs
//
// Run `lull api` and `lull processor` beside it.
import { Worker } from 'bullmq'
import { Cluster, Redis } from 'ioredis'

const nodes = (process.env.REDIS_URL ?? 'redis://127.0.0.1:6379').split(',')
const isCluster = nodes.length > 1
// BullMQ requires it, because a worker waits for jobs without limit.
const redisOptions = { maxRetriesPerRequest: null }
const connection = isCluster ? new Cluster(nodes, { redisOptions }) : new Redis(nodes[0], redisOptions)

// Each shard is a queue of its own, under a prefix of its own. The braces keep its keys on one node.
const shards = Number(process.env.LULL_QUEUE_SHARDS ?? 1)
const prefix = process.env.LULL_QUEUE_PREFIX ?? 'bull'
const prefixes =
  shards > 1
    ? Array.from({ length: shards }, (_, shard) => `{${prefix}/${shard}}`)
    : [isCluster && prefix === 'bull' ? '{bull}' : prefix]

const workers = prefixes.map(prefix => {
  const worker = new Worker(
    process.env.LULL_QUEUE ?? 'messages',
    async job => {
      const batch = job.data
      // All messages of one person, in order, and their texts joined. Answer them once.
      console.log(`${batch.conversationId} sent ${batch.messages.length} (${batch.releasedBy}):\n${batch.text}`)
      // When this resolves, the batch is answered and the conversation's next one may come. If it throws, BullMQ runs
      // the job again.
    },
    // A job whose worker was killed runs again. By default BullMQ allows that only once, and fails the job the next
    // time.
    { connection, prefix, concurrency: Math.ceil(16 / shards), maxStalledCount: 10 },
  )
  worker.on('ready', () => console.log(`waiting for batches in the queue ${worker.name}`))
  worker.on('failed', (job, error) => console.error(`batch ${job?.id} failed: ${error.message}`))
  // Without a listener an error would end the process.
  worker.on('error', error => console.error(`worker: ${error.message}`))
  return worker
})

for (const signal of ['SIGTERM', 'SIGINT'])
  process.once(signal, async () => {
    await Promise.all(workers.map(worker => worker.close()))
    connection.disconnect()
  })
