/**
 * Whose rules stored settings are: those of all conversations (`*`), of an account, or of one conversation. An account
 * is written as in a conversation's id, before the `/`.
 */
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

/** @throws {RangeError} one line with the remedy, for what can be no scope */
export function checkScope(scope: string): void {
  if (scope === '') throw new RangeError("the scope is missing: give * for all, an account, or a conversation's id")
  if (scope.length > LONGEST_SCOPE)
    throw new RangeError(`the scope has ${scope.length} characters: use at most ${LONGEST_SCOPE}`)
  if (/[\p{Cc}\p{Cs}]/u.test(scope))
    throw new RangeError("the scope has control characters: give * for all, an account, or a conversation's id")
  const [account, ...rest] = scope.split('/')
  if (rest.length === 1 && (rest[0] === ALL || rest[0] === ''))
    throw new RangeError(`scope=${scope}: for all conversations of an account give the account alone, ${account}`)
}
