/** WhatsApp's signs of presence, by the words of the programs that pass them on: what they say about typing. */
import { known } from './fields.js'
import type { Item, Place } from './provider.js'

const TYPING: ReadonlySet<string> = new Set(['composing', 'typing', 'recording'])
/** Baileys: https://baileys.wiki/docs/api/type-aliases/WAPresence; `online` and `offline` are WAHA's. */
const NOT_TYPING: ReadonlySet<string> = new Set(['paused', 'available', 'unavailable', 'online', 'offline'])

const LONGEST_SIGN = 80

/** @param place without a chat: the sign is ignored */
export function presenceItem(
  { chatId, ...place }: Omit<Place, 'chatId'> & { chatId: string | undefined; senderId?: string | undefined },
  word = 'unknown',
): Item {
  const sign = word.slice(0, LONGEST_SIGN)
  const hasEnded = NOT_TYPING.has(sign)
  if (chatId === undefined || !(hasEnded || TYPING.has(sign)))
    return known({ kind: 'ignored' as const, reason: `presence:${sign}`, chatId })
  return known({ kind: 'typing' as const, ...place, chatId, sign, ...(hasEnded ? { hasEnded } : {}) })
}
