/**
 * BullMQ with a list: the job is debounced by deduplication (https://docs.bullmq.io/guide/jobs/deduplication, debounce
 * mode; with `keepLastIfActive`, so that messages during an answer get a job too), and the list keeps every message,
 * since a debounced job keeps only the last one. The strongest alternative that needs only Redis and npm.
 */
import { Queue, Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { z } from 'zod'
import type { Peer } from './peer.js'
import { Visible } from './visible.js'

const QUEUE = 'flush'
const jobShape = z.object({ conversation: z.string() })
const drained = z.array(z.string())
const DRAIN = `local texts = redis.call('LRANGE', KEYS[1], 0, -1) redis.call('DEL', KEYS[1]) return texts`

export const bullmqList: Peer = {
  async produce({ redis: url, gapMs }) {
    const redis = new Redis(url, { enableAutoPipelining: true })
    const queue = new Queue(QUEUE, { connection: { url } })
    await queue.waitUntilReady()
    return {
      async append(conversation, _messageId, text) {
        await redis.rpush(`buffer:${conversation}`, text)
        await queue.add(
          'flush',
          { conversation },
          {
            delay: gapMs,
            removeOnComplete: true,
            deduplication: { id: conversation, replace: true, keepLastIfActive: true },
          },
        )
      },
      close: () => Promise.all([redis.quit(), queue.close()]),
    }
  },
  async consume({ redis: url, concurrency, leaseMs }, onBatch) {
    const redis = new Redis(url, { enableAutoPipelining: true })
    const worker = new Worker(
      QUEUE,
      async job => {
        const { conversation } = jobShape.parse(job.data)
        const texts = drained.parse(await redis.eval(DRAIN, 1, `buffer:${conversation}`))
        if (texts.length > 0) await onBatch(conversation, texts, { jobId: job.id ?? '' })
      },
      { connection: { url }, concurrency, lockDuration: leaseMs, stalledInterval: leaseMs },
    )
    worker.on('error', error => process.stderr.write(`${error.message}\n`))
    await worker.waitUntilReady()
    const visible = new Visible(url, QUEUE)
    return {
      visibleAt: jobIds => visible.timesOf(jobIds),
      close: () => Promise.all([worker.close(true), redis.quit(), visible.close()]),
    }
  },
}
