/**
 * A conversation's id: `<chatId>`, or `<account>/<chatId>` where the provider names the receiving account, since one
 * customer may write to two of your numbers. The first `/` separates the two, so a `/` in the account is written `%2F`.
 */

/** The parts of a conversation's id. */
export interface ConversationParts {
  /** Who writes, as the provider names the chat: `79990000011@c.us`. */
  chatId: string
  /** Which of your numbers or bots receives the messages. Absent if the provider names none. */
  account?: string
}

/** The id that these parts make: `<chatId>`, or `<account>/<chatId>`; a `/` before the first one is written `%2F`. */
export function conversationIdOf({ chatId, account }: ConversationParts): string {
  return account === undefined ? escapeSlash(chatId) : `${escapeSlash(account)}/${chatId}`
}

/** The parts of an id. */
export function parseConversationId(conversationId: string): ConversationParts {
  const slash = conversationId.indexOf('/')
  if (slash < 0) return { chatId: unescapeSlash(conversationId) }
  return { account: unescapeSlash(conversationId.slice(0, slash)), chatId: conversationId.slice(slash + 1) }
}

// A `%` that looks like the start of an escape is escaped too, so that different ids stay different.
const escapeSlash = (text: string) =>
  /[%/]/.test(text) ? text.replace(/%(?=2F|25)/g, '%25').replaceAll('/', '%2F') : text
const unescapeSlash = (text: string) =>
  text.includes('%') ? text.replace(/%2F|%25(?=2F|25)/g, found => (found === '%2F' ? '/' : '%')) : text
