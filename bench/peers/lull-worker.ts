/** Lull with the handover to BullMQ and its own worker, as `lull worker` makes it: its handlers can commit. */

import { Commits } from '../../dist/esm/handover/commits.js'
import { bullmq, Processor } from '../../dist/esm/index.js'
import { storeFrom } from '../../dist/esm/store/store-options.js'
import { QueueWorker } from '../../dist/esm/worker/worker.js'
import { lull, rulesFrom } from './lull.js'
import type { Peer } from './peer.js'

export const lullWorker: Peer = {
  produce: lull.produce,
  async consume(settings, onBatch) {
    const { redis, concurrency, leaseMs: lockMs } = settings
    const rules = { redis, ...rulesFrom(settings) }
    const processor = new Processor({ ...rules, handover: bullmq() })
    await processor.start()
    const store = storeFrom(rules, 'worker')
    const worker = new QueueWorker({
      redis,
      concurrency,
      lockMs,
      commits: new Commits(store),
      handle: ({ conversationId, messages, dueAtMs }, answer) =>
        onBatch(
          conversationId,
          messages.map(({ text = '' }) => text),
          { dueAtMs, answer },
        ),
    })
    await worker.start()
    return {
      async close() {
        await worker.stop({ timeoutMs: 2000 })
        await Promise.all([store.close(), processor.stop({ timeoutMs: 2000 })])
      },
    }
  },
}
