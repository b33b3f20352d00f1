/**
 * The rules of batching that a conversation may have of its own. An append carries them; its batch keeps them until it
 * is handed over. See `rules.ts` for the rules that all conversations share.
 */
import type { ReleaseReason } from './batch.js'
import { oneOf, onOff, setting } from './config/setting.js'
import type { Rules } from './rules.js'

/** The rules that the store goes by; by the names of `Rules`. */
export const CONVERSATION_RULES = [
  'quietGapMs',
  'maxWaitMs',
  'maxMessages',
  'maxBytes',
  'earlyStartMs',
  'answering',
  'typingGapMs',
  'holdTypes',
  'holdMs',
  'holdMaxMs',
  'paused',
] as const satisfies readonly (keyof Rules)[]

/** The rules that the programs go by which append. */
export const messageRules = {
  batching: setting(
    'LULL_BATCHING',
    '`off`: every message is handed over alone, as by the direct webhook.',
    onOff('on'),
  ),
  onOwnMessage: setting(
    'LULL_ON_OWN_MESSAGE',
    'A person answered from the business’s own phone: `ignore` it, `drop` the open batch, or `pause` the conversation for `LULL_PAUSE_MS`, so that the bot stays out. What the bot sent never counts: see docs/webhooks.md.',
    oneOf(['ignore', 'drop', 'pause'], 'ignore'),
  ),
}

/** A rule that a conversation may have of its own, and that the store goes by. */
export type ConversationRule = (typeof CONVERSATION_RULES)[number]

/** What differs from the store's own rules, and where each difference comes from. Immutable. */
export interface OwnRules extends Partial<Pick<Rules, ConversationRule>> {
  /** By the rule's name: `*`, an account, a conversation, `hook` or `caller`. For the history. */
  readonly scopes: Readonly<Partial<Record<ConversationRule, string>>>
}

/** `typingGap`: the quiet gap that ended was the typing gap. */
export type RuleReason = ReleaseReason | 'typingGap'

const RULE_OF_REASON: Partial<Record<RuleReason, ConversationRule>> = {
  gap: 'quietGapMs',
  typingGap: 'typingGapMs',
  maxWait: 'maxWaitMs',
  early: 'earlyStartMs',
  maxMessages: 'maxMessages',
  maxBytes: 'maxBytes',
}

/**
 * What a trace and the page say of a batch that one of its conversation's own rules released: `{0}` is the rule's value,
 * `{1}` the scope that it comes from.
 */
export const RULE_REASONS = {
  quietGapMs: 'the quiet gap of {0} ({1}) had ended',
  typingGapMs: 'nobody had typed for {0} ({1})',
  maxWaitMs: 'the max wait of {0} ({1}) was reached',
  earlyStartMs: 'it started before its due time, after {0} ({1})',
  maxMessages: 'it held {0} messages, as many as a batch may ({1})',
  maxBytes: 'it held {0} bytes, as many as a batch may ({1})',
} as const satisfies Partial<Record<ConversationRule, string>>

/**
 * For the history: which of the conversation's own rules released a batch, `quietGapMs=6000`, and where that comes from.
 * Nothing if it was one of the store's, except for the typing gap: the reason alone, `gap`, would name another rule.
 * @param store the rules of all conversations
 * @param silenceMs from the batch's last message to its due time, for the reason `gap`: other things than the quiet gap
 *   may have moved it
 */
export function ruleThatReleased(
  own: OwnRules | undefined,
  reason: RuleReason,
  store: Pick<Rules, 'typingGapMs'>,
  silenceMs?: number,
): { rule: string; scope: string } | undefined {
  const name = reason === 'gap' && silenceMs !== own?.quietGapMs ? undefined : RULE_OF_REASON[reason]
  const value = name && own?.[name]
  const scope = name && own?.scopes[name]
  if (value !== undefined && scope !== undefined) return { rule: `${name}=${value}`, scope }
  return reason === 'typingGap' ? { rule: `typingGapMs=${store.typingGapMs}`, scope: 'environment' } : undefined
}

/**
 * What any rule that is in use may ask of the scripts. Starts with the store's rules and only grows, so that a rule that
 * was in use a moment ago is still respected.
 */
export class RulesInUse {
  /** Some answers may be superseded. */
  supersede = false
  /** The longest time from now to a due time. One further ahead is a sign that the clock was set back. */
  longestWaitMs = 0

  private readonly waiting = new Set<() => void>()

  constructor(rules: Partial<Rules>) {
    this.add(rules)
  }

  /** These are in use, too. */
  add({ answering, maxWaitMs = 0, holdMaxMs = 0 }: Partial<Rules>): void {
    this.longestWaitMs = Math.max(this.longestWaitMs, maxWaitMs, holdMaxMs)
    if (answering !== 'supersede' || this.supersede) return
    this.supersede = true
    for (const listener of this.waiting) listener()
    this.waiting.clear()
  }

  /** Calls `listener` once, when some answers may be superseded: now or later. Returns a function that ends the wait. */
  whenSupersede(listener: () => void): () => void {
    if (this.supersede) listener()
    else this.waiting.add(listener)
    return () => void this.waiting.delete(listener)
  }
}
