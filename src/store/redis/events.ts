/** What Redis publishes to wake a processor: `next-due` messages, and notifications of expired keys. */
import { z } from 'zod'
import type { StoreEvent } from '../store.js'
import type { Keys } from './keys.js'
import { parseJson } from './parse-json.js'
import type { ChannelListener } from './subscription.js'

const nextDue = z.object({
  conversationId: z.string(),
  batchId: z.string(),
  dueInMs: z.number(),
  db: z.number(),
})

const expiredChannel = (db: number) => `__keyevent@${db}__:expired`

/**
 * Calls `listener` for each event, `subscribed` included. Messages in another form are skipped: anybody may publish.
 * @param db whose expired keys are events; absent: no such events
 */
export function storeEvents(keys: Keys, listener: (event: StoreEvent) => void, db?: number): ChannelListener {
  return {
    channels: [keys.nextDue, ...(db === undefined ? [] : [expiredChannel(db)])],
    onSubscribed: () => listener({ kind: 'subscribed' }),
    onMessage: (channel, message) => {
      const event = channel === keys.nextDue ? nextDueIn(message) : expiredIn(keys, message)
      if (event) listener(event)
    },
  }
}

/** Calls `listener` with the name of each canary that expires. */
export function canaryEvents(keys: Keys, db: number, listener: (name: string) => void): ChannelListener {
  return {
    channels: [expiredChannel(db)],
    onSubscribed: () => {},
    onMessage: (_channel, message) => {
      const expired = keys.expiring(message)
      if (expired?.key === 'canary') listener(expired.name)
    },
  }
}

function nextDueIn(message: string): StoreEvent | undefined {
  const parsed = nextDue.safeParse(parseJson(message))
  return parsed.success ? { kind: 'next-due', ...parsed.data } : undefined
}

function expiredIn(keys: Keys, key: string): StoreEvent | undefined {
  const expired = keys.expiring(key)
  return expired && { kind: 'expired', ...expired }
}
