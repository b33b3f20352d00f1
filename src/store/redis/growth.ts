/** How open batches grow, from the channel `batch-updated`. The history does not record it. */
import type { Redis } from 'ioredis'
import { z } from 'zod'
import type { Logger } from '../../logger.js'
import type { GrowthListener } from '../store.js'
import { parseJson } from './parse-json.js'
import { RequiredSubscription, type Subscription } from './subscription.js'

const batchUpdated = z.object({
  conversationId: z.string(),
  batchId: z.string(),
  count: z.number(),
  dueInMs: z.number(),
  db: z.number(),
  added: z.number().optional(),
  atMs: z.number().optional(),
})

export interface GrowthOptions {
  channel: string
  /** Pub/Sub is shared by all databases of a server: updates from another database are skipped. */
  db: number
  address: string
  log: Logger
}

/** Calls `listener` for each update. Its `start` rejects if Redis refuses the subscription. */
export function growthEvents(
  client: Redis,
  { channel, db, address, log }: GrowthOptions,
  listener: GrowthListener,
): Subscription {
  let isFirst = true
  return new RequiredSubscription(client, {
    channels: [channel],
    address,
    log,
    onSubscribed: () => {
      if (!isFirst) listener.missed()
      isFirst = false
    },
    onMessage: (_channel, message) => {
      const parsed = batchUpdated.safeParse(parseJson(message))
      if (parsed.success && parsed.data.db === db) listener.grew(parsed.data)
    },
  })
}
