/** Which batches are superseded, and whose due time moves while they are answered: the channels of `batchSuperseded`. */
import type { Redis } from 'ioredis'
import { z } from 'zod'
import type { SupersedeListener } from '../store.js'
import type { EventsOptions } from './events.js'
import { parseJson } from './parse-json.js'
import { RequiredSubscription, type Subscription } from './subscription.js'

const batch = z.object({ conversationId: z.string(), batchId: z.string(), db: z.number() })
const superseded = batch.extend({ by: z.string().optional() })
const moved = batch.extend({ dueInMs: z.number() })

/** Calls `listener` for each message of this database. Its `start` rejects if Redis refuses the subscription. */
export function supersedeEvents(
  client: Redis,
  { keys, db, address, log }: EventsOptions,
  listener: SupersedeListener,
): Subscription {
  return new RequiredSubscription(client, {
    channels: [keys.batchSuperseded, keys.batchMoved],
    address,
    log,
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
  })
}
