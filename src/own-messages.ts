/**
 * Messages that the business itself sent, and what they do: a person who answers from the business's phone stops the bot
 * (`onOwnMessage`). What the bot sent must never count as that. Three things distinguish the two:
 *
 *   the provider's mark   `by`, where the provider names the sender
 *   reported ids          the program that sends for the bot reports their ids by `sent`. A reported id is always the
 *                         bot's
 *   the id's form         `mayBeEcho`: WhatsApp Web's ids and those of bots on it look the same. Such a message counts as
 *                         a person's only in a conversation whose bot has reported ids
 *
 * The webhook of the bot's own message may come before its id is reported, because the call that sends returns later. So
 * a message without a mark waits for `ECHO_WAIT_MS` before it does anything: dropped messages would be lost. An id that
 * is reported even later ends the pause that its message caused.
 *
 * Providers deliver a webhook more than once. An own message does something only once: a late repetition must not drop
 * what came since, nor pause a conversation that somebody has resumed.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { OwnMessage } from './providers/provider.js'
import { stanzaOf } from './providers/stanza.js'
import type { ConversationSettings } from './settings/overrides.js'
import type { Store } from './store/store.js'

/** What an own message of a person does. */
export type OnOwnMessage = ConversationSettings['onOwnMessage']
/** What an own message does, where it does anything. */
export type OwnRule = Exclude<OnOwnMessage, 'ignore'>

/** What an own message did. `bot`: it is the bot's. `again`: its webhook came before. `ignored`: it may be the bot's. */
export type OwnResult = 'dropped' | 'paused' | 'bot' | 'again' | 'ignored'

/** For so long after its webhook, the id of a message may still be reported. */
export const ECHO_WAIT_MS = 2000

export interface OwnMessagesParts {
  store: Pick<Store, 'sent' | 'wasSent' | 'ownMessage' | 'drop' | 'pauseByMessage'>
  /** Waits. Tests give their own. */
  wait?: (ms: number) => Promise<unknown>
}

/** An own message that has come. */
export interface OwnArrival {
  /** The conversation that it was sent in. */
  conversationId: string
  /** Its id, and who sent it, as far as the provider says so. */
  message: OwnMessage
  /** What it does if a person sent it. */
  rule: OwnRule
  /** When its webhook came, by `performance.now()`: a webhook with many messages waits once. */
  cameAtMs: number
}

export class OwnMessages {
  private readonly store: OwnMessagesParts['store']
  private readonly wait: (ms: number) => Promise<unknown>

  constructor({ store, wait = delay }: OwnMessagesParts) {
    this.store = store
    this.wait = wait
  }

  /** Resolves to whether that ended a pause. */
  async sent(conversationId: string, messageIds: readonly string[]): Promise<boolean> {
    return this.store.sent(conversationId, messageIds.map(shortId))
  }

  /** @throws {StoreUnavailable} and {ForeignKey} as an append */
  async came(
    { conversationId, message, rule, cameAtMs }: OwnArrival,
    { pauseMs: forMs, paused: keep }: Pick<ConversationSettings, 'pauseMs' | 'paused'>,
  ): Promise<OwnResult> {
    const { by, mayBeEcho = false } = message
    const messageId = message.messageId === undefined ? undefined : shortId(message.messageId)
    if (by === 'bot') {
      if (messageId !== undefined) await this.store.sent(conversationId, [messageId])
      return 'bot'
    }
    if (by !== 'human') {
      const wasSent = messageId === undefined ? undefined : await this.store.wasSent(conversationId, messageId)
      if (wasSent === true) return 'bot'
      if (mayBeEcho && wasSent === undefined) return 'ignored'
      await this.wait(Math.max(cameAtMs + ECHO_WAIT_MS - performance.now(), 0))
    }
    const ownId = messageId ?? randomUUID()
    if (rule === 'pause') {
      const paused = await this.store.pauseByMessage(conversationId, ownId, { forMs, keep })
      return typeof paused === 'string' ? paused : 'paused'
    }
    const state = await this.store.ownMessage(conversationId, ownId)
    if (state !== 'new') return state
    await this.store.drop(conversationId)
    return 'dropped'
  }
}

/** WhatsApp Web's programs return long ids, which contain WhatsApp's own. */
const shortId = (messageId: string) => stanzaOf(messageId) ?? messageId
