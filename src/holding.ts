/** What a caller may ask for when it holds back a batch: a key, and for how long. */
import type { ConversationSettings } from './settings/overrides.js'

export const LONGEST_HOLD_KEY = 200
export const LONGEST_HOLD_MS = 86_400_000

/**
 * @param settings of the conversation
 * @param forMs `holdMs` by default
 * @throws {RangeError} one line, if it is out of its bounds
 */
export function holdTimeOf({ holdMs }: Pick<ConversationSettings, 'holdMs'>, forMs: number = holdMs): number {
  if (Number.isInteger(forMs) && forMs >= 1 && forMs <= LONGEST_HOLD_MS) return forMs
  throw new RangeError(`forMs=${forMs}: must be a whole number from 1 to ${LONGEST_HOLD_MS}`)
}

/**
 * The key as the store has it. A key that begins with a quotation mark would be taken for the id of a message.
 * @throws {RangeError} one line, if it is empty or too long, or begins with a quotation mark
 */
export function holdKeyOf(key: string): string {
  if (typeof key === 'string' && key !== '' && key.length <= LONGEST_HOLD_KEY && !key.startsWith('"')) return key
  const shown = JSON.stringify(key)?.slice(0, 40)
  throw new RangeError(
    `key=${shown}: must be a text of 1 to ${LONGEST_HOLD_KEY} characters that does not begin with a quotation mark`,
  )
}

/** The key by which a message holds back its batch until its text comes. */
export const holdKeyOfMessage = (messageId: string): string => JSON.stringify(messageId)
