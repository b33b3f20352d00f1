/** What Redis publishes to wake a processor: `next-due` messages, and notifications of expired keys. */
import type { Redis } from 'ioredis'
import { z } from 'zod'
import type { Logger } from '../../logger.js'
import type { StoreEvent } from '../store.js'
import type { Keys } from './keys.js'
import { parseJson } from './parse-json.js'
import { RequiredSubscription, Subscription } from './subscription.js'

const nextDue = z.object({
  conversationId: z.string(),
  batchId: z.string(),
  dueInMs: z.number(),
  db: z.number(),
})

const expiredChannel = (db: number) => `__keyevent@${db}__:expired`

export interface EventsOptions {
  keys: Keys
  db: number
  address: string
  log: Logger
}

/**
 * Calls `listener` for each event, `subscribed` included. Messages in another form are skipped: anybody may publish.
 */
export function storeEvents(
  client: Redis,
  { keys, db, address, log }: EventsOptions,
  listener: (event: StoreEvent) => void,
): Subscription {
  return new Subscription(client, {
    channels: [keys.nextDue, expiredChannel(db)],
    address,
    log,
    onSubscribed: () => listener({ kind: 'subscribed' }),
    onMessage: (channel, message) => {
      const event = channel === keys.nextDue ? nextDueIn(message) : expiredIn(keys, message)
      if (event) listener(event)
    },
  })
}

/**
 * Calls `listener` with the name of each canary that expires. Its `start` rejects if Redis refuses the subscription.
 */
export function canaryEvents(
  client: Redis,
  { keys, db, address, log }: EventsOptions,
  listener: (name: string) => void,
): Subscription {
  return new RequiredSubscription(client, {
    channels: [expiredChannel(db)],
    address,
    log,
    onSubscribed: () => {},
    onMessage: (_channel, message) => {
      const expired = keys.expiring(message)
      if (expired?.key === 'canary') listener(expired.name)
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
