/** Lull with the handover to BullMQ and a plain worker of the queue that commits, as docs/library.md shows it. */
import { Worker } from 'bullmq'
import { Batcher, bullmq, Processor, toBullmq } from '../../dist/esm/index.js'
import { lull, rulesFrom } from './lull.js'
import type { Peer } from './peer.js'

export const lullCommitting: Peer = {
  produce: lull.produce,
  async consume(settings, onBatch) {
    const { redis, concurrency, leaseMs: lockDuration } = settings
    const rules = { redis, ...rulesFrom(settings) }
    const processor = new Processor({ ...rules, handover: bullmq() })
    await processor.start()
    const batcher = new Batcher(rules)
    const worker = new Worker(
      'messages',
      toBullmq(
        ({ conversationId, messages, dueAtMs }, answer) =>
          onBatch(
            conversationId,
            messages.map(({ text = '' }) => text),
            { dueAtMs, answer },
          ),
        { batcher },
      ),
      { connection: { url: redis }, concurrency, lockDuration, stalledInterval: lockDuration },
    )
    worker.on('error', error => process.stderr.write(`${error.message}\n`))
    await worker.waitUntilReady()
    return {
      async close() {
        await Promise.all([worker.close(true), processor.stop({ timeoutMs: 2000 })])
        await batcher.close()
      },
    }
  },
}
