/** Lull with the handover to BullMQ, measured in a worker of the queue. */
import { Worker } from 'bullmq'
import { z } from 'zod'
import { bullmq, Processor } from '../../dist/esm/index.js'
import { lull, rulesFrom } from './lull.js'
import type { Peer } from './peer.js'
import { Visible } from './visible.js'

const batchShape = z.object({
  conversationId: z.string(),
  dueAtMs: z.number(),
  messages: z.array(z.object({ text: z.string().default('') })),
})

export const lullBullmq: Peer = {
  produce: lull.produce,
  async consume(settings, onBatch) {
    const { redis, leaseMs, concurrency } = settings
    const processor = new Processor({ redis: settings.redis, ...rulesFrom(settings), handover: bullmq() })
    await processor.start()
    const worker = new Worker(
      'messages',
      async job => {
        const { conversationId, messages, dueAtMs } = batchShape.parse(job.data)
        await onBatch(
          conversationId,
          messages.map(({ text }) => text),
          { dueAtMs, jobId: job.id ?? '' },
        )
      },
      { connection: { url: redis }, concurrency, lockDuration: leaseMs, stalledInterval: leaseMs },
    )
    worker.on('error', error => process.stderr.write(`${error.message}\n`))
    await worker.waitUntilReady()
    const visible = new Visible(redis, 'messages')
    return {
      visibleAt: jobIds => visible.timesOf(jobIds),
      close: () => Promise.all([worker.close(true), processor.stop({ timeoutMs: 2000 }), visible.close()]),
    }
  },
}
