/** Which batches are superseded, and whose due time moves while they are answered: the channels of `batchSuperseded`. */
import { z } from 'zod'
import type { SupersedeListener } from '../store.js'
import type { Keys } from './keys.js'
import { parseJson } from './parse-json.js'
import type { ChannelListener } from './subscription.js'

const batch = z.object({ conversationId: z.string(), batchId: z.string(), db: z.number() })
const superseded = batch.extend({ by: z.string().optional() })
const moved = batch.extend({ dueInMs: z.number() })

/** Calls `listener` for each message of this database. */
export function supersedeEvents(keys: Keys, db: number, listener: SupersedeListener): ChannelListener {
  return {
    channels: [keys.batchSuperseded, keys.batchMoved],
    onSubscribed: () => listener.missed(),
    onMessage: (channel, message) => {
      const json = parseJson(message)
      if (channel === keys.batchSuperseded) {
        const parsed = superseded.safeParse(json)
        if (parsed.success && parsed.data.db === db) listener.superseded(parsed.data)
      } else {
        const parsed = moved.safeParse(json)
        if (parsed.success && parsed.data.db === db) listener.moved(parsed.data)
      }
    },
  }
}
