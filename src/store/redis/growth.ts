/** How open batches grow: `batch-updated`, which the history does not record. */
import type { Redis } from 'ioredis'
import { z } from 'zod'
import type { Logger } from '../../logger.js'
import type { GrowthListener } from '../store.js'
import type { Beside } from './link.js'
import { parseJson } from './parse-json.js'
import { Subscription } from './subscription.js'

const grown = z.object({
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
  /** Pub/sub knows no databases: what another database's batches do is left out. */
  db: number
  address: string
  log: Logger
}

/** Rejects at its start where Redis refuses the subscription. */
export function growthFollower(
  client: Redis,
  { channel, db, address, log }: GrowthOptions,
  listener: GrowthListener,
): Beside {
  let isFirst = true
  const subscription = new Subscription(client, {
    channels: [channel],
    address,
    log,
    onSubscribed: () => {
      if (!isFirst) listener.missed()
      isFirst = false
    },
    onMessage: (_channel, message) => {
      const parsed = grown.safeParse(parseJson(message))
      if (parsed.success && parsed.data.db === db) listener.grew(parsed.data)
    },
  })
  return {
    async start() {
      const refusal = await subscription.start()
      if (refusal) throw refusal
    },
    stop: () => subscription.stop(),
  }
}
