/**
 * Whose rules stored settings are: those of all conversations (`*`), of an account, or of one conversation. An account
 * is written as in a conversation's id, before the `/`.
 */
import { z } from 'zod'
import { LONGEST_ID } from '../providers/fields.js'

export const ALL = '*'

/** As long as a conversation's id may be: an account, a group and a sender. */
export const LONGEST_SCOPE = 3 * LONGEST_ID

/** The scopes that a conversation's settings may have, the most special last. For an account, its own and `*`. */
export function scopesOf(conversationId: string): string[] {
  if (conversationId === ALL) return [ALL]
  const slash = conversationId.indexOf('/')
  return slash < 0 ? [ALL, conversationId] : [ALL, conversationId.slice(0, slash), conversationId]
}

const GIVE = "give * for all, an account, or a conversation's id"

export const scopeShape = z
  .string(`the scope is no text: ${GIVE}`)
  .min(1, `the scope is missing: ${GIVE}`)
  .max(LONGEST_SCOPE, {
    error: ({ input }) => `the scope has ${String(input).length} characters: use at most ${LONGEST_SCOPE}`,
  })
  .refine(scope => !/[\p{Cc}\p{Cs}]/u.test(scope), `the scope has control characters: ${GIVE}`)
  .refine(scope => !/^[^/]*\/\*?$/.test(scope), {
    error: ({ input }) => {
      const [account] = String(input).split('/')
      return `scope=${input}: for all conversations of an account give the account alone, ${account}`
    },
  })

/** @throws {RangeError} one line with the remedy, for what can be no scope */
export function checkScope(scope: string): void {
  const { success, error } = scopeShape.safeParse(scope)
  if (!success) throw new RangeError(error.issues[0]?.message)
}
