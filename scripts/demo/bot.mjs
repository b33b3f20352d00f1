// The demo's bot, as `lull up --handler` runs it: it sends the batch to the demo, then takes its time to answer.
import { setTimeout as delay } from 'node:timers/promises'

export default async batch => {
  process.send?.({ kind: 'batch', batch })
  await delay(Number(process.env.DEMO_ANSWER_MS ?? 0))
  process.send?.({ kind: 'answered', batchId: batch.batchId })
}
