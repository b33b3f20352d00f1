/** What wakes a processor, as Redis publishes it: `next-due`, and the expiry of shadow keys and headers. */
import type { Redis } from 'ioredis'
import { z } from 'zod'
import type { Logger } from '../../logger.js'
import type { StoreEvent } from '../store.js'
import type { Keys } from './keys.js'
import { parseJson } from './parse-json.js'
import { Subscription } from './subscription.js'

const nextDue = z.object({
  conversationId: z.string(),
  batchId: z.string(),
  dueInMs: z.number(),
  db: z.number(),
})

export interface EventsOptions {
  keys: Keys
  db: number
  address: string
  log: Logger
}

/** Calls `listener` for each event, `subscribed` among them, until the returned subscription is stopped. */
export function storeEvents(
  client: Redis,
  { keys, db, address, log }: EventsOptions,
  listener: (event: StoreEvent) => void,
): Subscription {
  return new Subscription(client, {
    channels: [keys.nextDue, `__keyevent@${db}__:expired`],
    address,
    log,
    onSubscribed: () => listener({ kind: 'subscribed' }),
    onMessage: (channel, message) => {
      const event = channel === keys.nextDue ? nextDueIn(message) : expiredIn(keys, message)
      if (event) listener(event)
    },
  })
}

function nextDueIn(message: string): StoreEvent | undefined {
  const parsed = nextDue.safeParse(parseJson(message))
  return parsed.success ? { kind: 'next-due', ...parsed.data } : undefined
}

function expiredIn(keys: Keys, key: string): StoreEvent | undefined {
  const expired = keys.expiring(key)
  return expired && { kind: 'expired', ...expired }
}
