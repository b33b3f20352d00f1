/** Which ids are one person's, as other processes learn it: the channel `alias-learnt`. */
import { z } from 'zod'
import type { AliasListener } from '../store.js'
import { parseJson } from './parse-json.js'
import type { ChannelListener } from './subscription.js'

const aliasLearnt = z.object({
  provider: z.string().optional(),
  conversationId: z.string().optional(),
  aliases: z.array(z.string()),
})

/** Calls `listener` for each message. One from another database does no harm: ids are only looked up again. */
export function aliasEvents(channel: string, listener: AliasListener): ChannelListener {
  return {
    channels: [channel],
    onSubscribed: () => listener.missed(),
    onMessage: (_channel, message) => {
      const parsed = aliasLearnt.safeParse(parseJson(message))
      if (parsed.success) listener.learnt(parsed.data)
    },
  }
}
