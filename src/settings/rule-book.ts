/**
 * Which rules hold for an append, each resolved by itself in this order: what the caller gives, the hook (`rulesFor`),
 * the stored settings of the conversation, of its account and of all (`*`), the options of this process.
 *
 * Rules of two places may contradict each other, such as a quiet gap that is longer than the max wait. Then the rules
 * of the place that comes first in this order are left out as a whole, and the log says so, once a minute.
 */
import type { StoredMessage } from '../batch.js'
import { parseConversationId } from '../conversation.js'
import { CONVERSATION_RULES, type ConversationRule, type OwnRules } from '../conversation-rules.js'
import type { Logger } from '../logger.js'
import type { ProviderName } from '../providers/provider-types.js'
import type { Store } from '../store/store.js'
import { within } from '../within.js'
import { type Layered, layered, oneLineOf, type Scoped } from './layers.js'
import { type ConversationSettings, type Overrides, overridesFrom, withOverrides } from './overrides.js'
import { StoredSettings } from './stored-settings.js'

/** Whose messages a hook is asked about. */
export interface RulesPlace {
  /** `<chatId>` or `<account>/<chatId>`. */
  conversationId: string
  /** The chat's part of it. */
  chatId: string
  /** The account's part of it, if it has one. */
  account?: string
  /** Whose messages these are, if they say so. */
  provider?: ProviderName
  /** Whether it is a group chat. */
  isGroup: boolean
}

/** Rules for these messages. */
export type GivenRules = Overrides & {
  /**
   * They end their batch: the word "stop", say, or an order.
   * @defaultValue false
   */
  flush?: boolean
}

/**
 * Decides the rules for messages that are about to be appended; `undefined`: none. It has to be fast, because a webhook
 * waits for it: after a second it is not waited for. If it fails, the other rules hold.
 */
export type RulesFor = (
  place: RulesPlace,
  messages: readonly StoredMessage[],
) => GivenRules | undefined | Promise<GivenRules | undefined>

export interface Resolved {
  settings: ConversationSettings
  /** The scope that each rule comes from; absent for a rule of the process. */
  scopes: Layered['scopes']
  /** For the store; absent: its own rules. */
  own?: OwnRules
  flush: boolean
}

export interface RuleBookParts {
  store: Pick<Store, 'rules' | 'rulesInUse' | 'settings' | 'layoutSinceMs'>
  /** The options of this process that are no rules of the store. */
  batching: boolean
  onOwnMessage: ConversationSettings['onOwnMessage']
  rulesFor?: RulesFor | undefined
  log: Logger
}

const HOOK_MS = 1000
const COMPLAINT_MS = 60_000

export class RuleBook {
  readonly stored: StoredSettings
  private readonly base: ConversationSettings
  /** By the scopes that have settings. */
  private readonly known = new Map<string, Resolved>()
  private readonly plain: Resolved
  private nextComplaintAtMs = 0

  constructor(private readonly parts: RuleBookParts) {
    const { store, batching, onOwnMessage, log } = parts
    this.base = { ...store.rules, batching, onOwnMessage }
    this.plain = { settings: this.base, scopes: {}, flush: false }
    this.stored = new StoredSettings(store, log)
    this.stored.onChange = () => this.known.clear()
  }

  /** The settings of a conversation, without a hook's. */
  settingsOf(conversationId: string): Resolved {
    const scoped = this.stored.of(conversationId)
    if (scoped.length === 0) return this.plain
    const key = JSON.stringify(scoped.map(({ scope }) => scope))
    const known = this.known.get(key) ?? this.resolve(scoped)
    this.known.set(key, known)
    return known
  }

  /** @throws {RangeError} one line, for a rule of the caller's that cannot be used */
  async forAppend(conversationId: string, messages: readonly StoredMessage[], given?: GivenRules): Promise<Resolved> {
    const { rulesFor } = this.parts
    if (!rulesFor && !given) return this.settingsOf(conversationId)
    const { flush: isFlushed, ...rules } = given ?? {}
    const overrides = overridesFrom(rules)
    const hooked = rulesFor && (await this.ask(rulesFor, conversationId, messages))
    const { flush: isFlushedByHook, ...ofHook } = hooked ?? {}
    const flush = isFlushed ?? isFlushedByHook ?? false
    const layers = [
      ...this.stored.of(conversationId),
      ...(Object.keys(ofHook).length === 0 ? [] : [{ scope: 'hook', overrides: ofHook }]),
    ]
    if (Object.keys(overrides).length === 0) return { ...this.resolve(layers), flush }
    const others = this.resolve(layers)
    // The caller can correct them, so they are not left out.
    withOverrides({ ...this.parts.store.rules, ...others.settings }, overrides)
    return { ...this.resolve([...layers, { scope: 'caller', overrides }]), flush }
  }

  private async ask(rulesFor: RulesFor, conversationId: string, messages: readonly StoredMessage[]) {
    const { chatId, account } = parseConversationId(conversationId)
    const [first] = messages
    const place: RulesPlace = {
      conversationId,
      chatId,
      ...(account === undefined ? {} : { account }),
      ...(first?.provider === undefined ? {} : { provider: first.provider }),
      isGroup: first?.isGroup ?? false,
    }
    try {
      const result = await within(Promise.resolve(rulesFor(place, messages)), HOOK_MS, () => {
        throw new Error(`it takes longer than ${HOOK_MS} ms`)
      })
      if (result === undefined || result === null) return undefined
      const { flush, ...rules } = result
      return { ...overridesFrom(rules), ...(flush === undefined ? {} : { flush: Boolean(flush) }) }
    } catch (error) {
      this.complain(`the rules of the hook are not used: ${oneLineOf(error)}`, conversationId)
      return undefined
    }
  }

  /** @param layers the most special last */
  private resolve(layers: readonly Scoped[]): Resolved {
    const { store, batching, onOwnMessage } = this.parts
    const { settings, scopes, ignored } = layered({ rules: store.rules, batching, onOwnMessage }, layers)
    for (const { scope, why } of ignored) this.complain(`the settings of ${scope} are not used: ${why}`)
    const own: Record<string, unknown> = {}
    const ownScopes: Partial<Record<ConversationRule, string>> = {}
    for (const name of CONVERSATION_RULES) {
      if (scopes[name] === undefined) continue
      own[name] = settings[name]
      ownScopes[name] = scopes[name]
    }
    if (Object.keys(own).length === 0) return { settings, scopes, flush: false }
    return { settings, scopes, own: { ...own, scopes: ownScopes }, flush: false }
  }

  private complain(what: string, conversationId?: string): void {
    const now = performance.now()
    if (now < this.nextComplaintAtMs) return
    this.nextComplaintAtMs = now + COMPLAINT_MS
    this.parts.log.warn(conversationId === undefined ? {} : { conversationId }, what)
  }
}
