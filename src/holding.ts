/** What a caller may ask for when it holds back a batch: a key, and for how long. */
import { z } from 'zod'
import type { ConversationSettings } from './settings/overrides.js'

export const LONGEST_HOLD_KEY = 200
export const LONGEST_HOLD_MS = 86_400_000

/** For a check of a shape: the line that its error says. */
const says = (line: (input: unknown) => string) => ({ error: ({ input }: { input?: unknown }) => line(input) })

const outOfBounds = says(input => `forMs=${input}: must be a whole number from 1 to ${LONGEST_HOLD_MS}`)

export const holdTimeShape = z
  .number('forMs is not a number: correct it, or leave it out')
  .int(outOfBounds)
  .min(1, outOfBounds)
  .max(LONGEST_HOLD_MS, outOfBounds)

const noKey = says(
  input =>
    `key=${JSON.stringify(input)?.slice(0, 40)}: must be a text of 1 to ${LONGEST_HOLD_KEY} characters that does not begin with a quotation mark`,
)

/** A key that begins with a quotation mark would be taken for the id of a message. */
export const holdKeyShape = z
  .string(`key is missing, or no text: send {"key":"…"}, of at most ${LONGEST_HOLD_KEY} characters`)
  .min(1, noKey)
  .max(LONGEST_HOLD_KEY, noKey)
  .regex(/^[^"]/, noKey)

/**
 * @param settings of the conversation
 * @param forMs `holdMs` by default
 * @throws {RangeError} one line, if it is out of its bounds
 */
export function holdTimeOf({ holdMs }: Pick<ConversationSettings, 'holdMs'>, forMs: number = holdMs): number {
  return inBounds(holdTimeShape, forMs)
}

/**
 * The key as the store has it.
 * @throws {RangeError} one line, if it is empty or too long, or begins with a quotation mark
 */
export const holdKeyOf = (key: string): string => inBounds(holdKeyShape, key)

function inBounds<Value>(shape: z.ZodType<Value>, given: Value): Value {
  const { success, data, error } = shape.safeParse(given)
  if (success) return data
  throw new RangeError(error.issues[0]?.message)
}

/** The key by which a message holds back its batch until its text comes. */
export const holdKeyOfMessage = (messageId: string): string => JSON.stringify(messageId)
