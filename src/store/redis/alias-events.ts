/** Which ids are one person's, as other processes learn it: the channel `alias-learnt`. */
import type { Redis } from 'ioredis'
import { z } from 'zod'
import type { Logger } from '../../logger.js'
import type { AliasListener } from '../store.js'
import { parseJson } from './parse-json.js'
import { RequiredSubscription, type Subscription } from './subscription.js'

const aliasLearnt = z.object({
  provider: z.string().optional(),
  conversationId: z.string().optional(),
  aliases: z.array(z.string()),
})

export interface AliasEventsOptions {
  channel: string
  address: string
  log: Logger
}

/**
 * Calls `listener` for each message. One from another database does no harm: ids are only looked up again. Its `start`
 * rejects if Redis refuses the subscription.
 */
export function aliasEvents(
  client: Redis,
  { channel, address, log }: AliasEventsOptions,
  listener: AliasListener,
): Subscription {
  return new RequiredSubscription(client, {
    channels: [channel],
    address,
    log,
    onSubscribed: () => listener.missed(),
    onMessage: (_channel, message) => {
      const parsed = aliasLearnt.safeParse(parseJson(message))
      if (parsed.success) listener.learnt(parsed.data)
    },
  })
}
