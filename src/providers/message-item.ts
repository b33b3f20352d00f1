/**
 * Makes a message item from what a provider's file has read, with the checks that are the same for all providers.
 *
 *   empty         a message of an unknown kind without text and medium is ignored: it may not open a batch
 *   no name       a phone number or an id in the place of a name is dropped
 *   no file       a file in the body is not kept (inline-media.ts)
 *   no time       a send time far in the future is dropped: it would sort behind everything in its batch
 */
import type { NewMessage } from '../batch.js'
import { known } from './fields.js'
import { withoutFile } from './inline-media.js'
import type { IgnoredItem, MessageItem, Place } from './provider.js'

/** Clocks and time zones differ by less than this. */
const FURTHEST_AHEAD_MS = 24 * 3_600_000
/**
 * A number as people and programs write it, perhaps as an address (`79000000011@c.us`, `245000000000021:12@lid`).
 * WhatsApp puts `~` before a name that the contacts do not have, and a hyphen of its own and marks of direction into a
 * number.
 */
const NUMBER = /^\+?[\d\s().\-\u2010-\u2015]{4,}(?::\d+)?(?:@[\w.]+)?$/
const MARKS = /[\u200e\u200f\u202a-\u202e\u2066-\u2069]/g
/** Meta's business-scoped user id, or `~` alone, which means that there is no name. */
const NO_NAME = /^(?:[A-Z]{2}\.(?:ENT\.)?\d{6,}(?:@bsuid)?|~)$/
const LONGEST_KIND = 80

/** @param kind the provider's word for the message's kind, for the reason if it is ignored as empty */
export function messageItem(
  place: Place,
  message: NewMessage,
  raw: unknown,
  kind: string | undefined,
): MessageItem | IgnoredItem {
  if (isEmpty(message)) {
    const reason = kind === undefined ? 'unknown' : `unknown:${kind.slice(0, LONGEST_KIND)}`
    return { kind: 'ignored', reason, messageId: message.messageId }
  }
  const { account, chatId, isGroup, samePerson } = place
  const item: MessageItem = { kind: 'message', chatId, isGroup, message: checked(message, raw), raw }
  if (account !== undefined) item.account = account
  if (samePerson !== undefined) item.samePerson = samePerson
  return item
}

/** Most messages are right as they are, and are not copied. */
function checked(message: NewMessage, raw: unknown): NewMessage {
  const { senderName, sentAtMs } = message
  const media = message.media && withoutFile(message.media, raw)
  const isNoName = senderName !== undefined && !isName(senderName)
  const isAhead = sentAtMs !== undefined && sentAtMs > Date.now() + FURTHEST_AHEAD_MS
  if (!isNoName && !isAhead && media === message.media) return message
  return known({
    ...message,
    media,
    senderName: isNoName ? undefined : senderName,
    sentAtMs: isAhead ? undefined : sentAtMs,
  })
}

function isName(given: string): boolean {
  const name = given.replaceAll(MARKS, '').trim()
  return name !== '' && !NUMBER.test(name.replace(/^~\s*/, '')) && !NO_NAME.test(name)
}

const isEmpty = ({ type, text, media }: NewMessage) =>
  type === 'unknown' && !text?.trim() && media?.id === undefined && media?.url === undefined
