/** How open batches grow, from the channel `batch-updated`. The history does not record it. */
import { z } from 'zod'
import type { GrowthListener } from '../store.js'
import { parseJson } from './parse-json.js'
import type { ChannelListener } from './subscription.js'

const batchUpdated = z.object({
  conversationId: z.string(),
  batchId: z.string(),
  count: z.number(),
  dueInMs: z.number(),
  db: z.number(),
  added: z.number().optional(),
  atMs: z.number().optional(),
})

/**
 * Calls `listener` for each update.
 * @param db pub/sub is shared by all databases of a server: updates from another database are skipped
 */
export function growthEvents(channel: string, db: number, listener: GrowthListener): ChannelListener {
  let isFirst = true
  return {
    channels: [channel],
    onSubscribed: () => {
      if (!isFirst) listener.missed()
      isFirst = false
    },
    onMessage: (_channel, message) => {
      const parsed = batchUpdated.safeParse(parseJson(message))
      if (parsed.success && parsed.data.db === db) listener.grew(parsed.data)
    },
  }
}
