/**
 * One message that comes under two ids of a person. Programs on WhatsApp Web may deliver a message once in the chat of
 * the phone number and once in that of the hidden id (https://github.com/devlikeapro/waha/issues/1816). WhatsApp's own
 * message ids are random, so the same one in two chats of an account shows that both are one person's, and the second
 * delivery is a duplicate.
 *
 * What came to this process a moment ago is remembered here. Both deliveries may come at the same time, so the second
 * one waits until the first is stored. If they come to two processes they are two messages: to look for each one in the
 * store would cost as much as many appends.
 */
import { isHiddenId } from '../providers/chat-id.js'
import { isStanza } from '../providers/stanza.js'

const KEPT_MS = 30_000
const MOST_KEPT = 10_000

/** A webhook that is being stored. */
export interface Storing {
  /** Resolves when it is stored, or has failed. */
  readonly ended: Promise<void>
}

interface Kept {
  chatId: string
  storing: Storing
  untilMs: number
}

/** The other chat in which a message came. */
export interface Twin {
  chatId: string
  /** Absent: it came in the same delivery. */
  after?: Promise<void>
}

interface Noted {
  provider: string
  account: string | undefined
  messageId: string
  chatId: string
  storing: Storing
}

export class Twins {
  /** By provider, account and message. The oldest goes when there are more. */
  private readonly kept = new Map<string, Kept>()

  constructor(private readonly now: () => number = () => performance.now()) {}

  /** Remembers a message of a chat of two. @returns the other chat in which it came a moment ago */
  noted({ provider, account, messageId, chatId, storing }: Noted): Twin | undefined {
    if (!isRandom(messageId) || !isWhatsApp(chatId)) return undefined
    const key = `${provider}/${account ?? ''}/${messageId}`
    const before = this.kept.get(key)
    this.kept.delete(key)
    this.kept.set(key, { chatId, storing, untilMs: this.now() + KEPT_MS })
    const [oldest] = this.kept.keys()
    if (this.kept.size > MOST_KEPT && oldest !== undefined) this.kept.delete(oldest)
    if (before === undefined || before.untilMs <= this.now() || !arePair(before.chatId, chatId)) return undefined
    return before.storing === storing
      ? { chatId: before.chatId }
      : { chatId: before.chatId, after: before.storing.ended }
  }
}

/** Digits alone may count, or be a time: of WhatsApp's own ids hardly one in a thousand has no letter. */
const isRandom = (messageId: string) => isStanza(messageId) && /[A-F]/i.test(messageId)
const isNumber = (chatId: string) => /^\d+@c\.us$/.test(chatId)
const isWhatsApp = (chatId: string) => isNumber(chatId) || isHiddenId(chatId)

const arePair = (one: string, other: string) =>
  (isNumber(one) && isHiddenId(other)) || (isNumber(other) && isHiddenId(one))
