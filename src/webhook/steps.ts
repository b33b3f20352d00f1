/**
 * What a webhook's items mean for the conversations they belong to: the steps to take in each, in the order in which
 * they came, and how many of the items are nothing for us.
 */
import type { AppendMessage } from '../batcher.js'
import { conversationIdOf } from '../conversation.js'
import { type Item, type MessageItem, type Place, TYPING_WORTH_MS } from '../providers/provider.js'

/** Group chats: one conversation a group, one a member of it, or none. */
export const GROUPS = ['byChat', 'bySender', 'ignore'] as const
export type Groups = (typeof GROUPS)[number]

/** A person answered from the business's own phone: nothing, or the open batch is dropped and the bot stays out. */
export const ON_OWN_MESSAGE = ['ignore', 'drop'] as const
export type OnOwnMessage = (typeof ON_OWN_MESSAGE)[number]

export interface StepRules {
  groups: Groups
  onOwnMessage: OnOwnMessage
  /** Whether each message carries the provider's own body. */
  raw: boolean
}

export type Step =
  | { append: AppendMessage[] }
  | { edit: { messageId: string; text: string } }
  | { revoke: string }
  /** How much longer the silence may be, ms. */
  | { typing: number }
  | { drop: true }

export interface Plan {
  /** By conversation, in the order of their first item. */
  conversations: Map<string, Step[]>
  /** Items that are nothing for us; signs of typing count as such, as they hold no message. */
  ignored: number
  /** How often each reason came, for the log. */
  reasons: Map<string, number>
}

/** A provider's body that is nested deeper than this is not passed on: JSON.stringify recurses, and would fail. */
const DEEPEST_RAW = 200

export function planOf(items: Item[], provider: string, rules: StepRules): Plan {
  const plan: Plan = { conversations: new Map(), ignored: 0, reasons: new Map() }
  for (const item of items) {
    const reason = item.kind === 'message' ? addMessage(plan, item, provider, rules) : addOther(plan, item, rules)
    if (reason === undefined) continue
    plan.ignored += 1
    plan.reasons.set(reason, (plan.reasons.get(reason) ?? 0) + 1)
  }
  return plan
}

/** Returns why the message is ignored, if it is. */
function addMessage(plan: Plan, item: MessageItem, provider: string, rules: StepRules): string | undefined {
  if (item.isGroup && rules.groups === 'ignore') return 'group'
  const steps = stepsOf(plan, conversationOf(item, rules.groups, item.message.senderId))
  const message: AppendMessage = { ...item.message, provider }
  if (item.isGroup) message.isGroup = true
  if (rules.raw && isShallow(item.raw, DEEPEST_RAW)) message.raw = item.raw
  const last = steps.at(-1)
  if (last !== undefined && 'append' in last) last.append.push(message)
  else steps.push({ append: [message] })
  return undefined
}

/** What is no message; returns why it is ignored, or counted as such. */
function addOther(plan: Plan, item: Exclude<Item, MessageItem>, rules: StepRules): string | undefined {
  if (item.kind === 'ignored') return item.reason
  if (item.isGroup && rules.groups === 'ignore') return 'group'
  if (item.kind === 'own') {
    // Which member of a group an own message answers, nobody says.
    const isAnswer = !item.isGroup || rules.groups === 'byChat'
    if (rules.onOwnMessage === 'drop' && isAnswer)
      stepsOf(plan, conversationOf(item, 'byChat', undefined)).push({ drop: true })
    return 'from_me'
  }
  const steps = stepsOf(plan, conversationOf(item, rules.groups, item.senderId))
  if (item.kind === 'typing') {
    steps.push({ typing: TYPING_WORTH_MS })
    return `presence:${item.sign}`
  }
  const { messageId } = item
  steps.push(item.kind === 'edit' ? { edit: { messageId, text: item.text } } : { revoke: messageId })
  return undefined
}

function stepsOf({ conversations }: Plan, conversationId: string): Step[] {
  const known = conversations.get(conversationId)
  if (known !== undefined) return known
  const steps: Step[] = []
  conversations.set(conversationId, steps)
  return steps
}

/** By sender, a group's conversations are those of the chats `<group>/<sender>`. */
function conversationOf({ account, chatId, isGroup }: Place, groups: Groups, senderId: string | undefined): string {
  const isOneOfMany = isGroup && groups === 'bySender' && senderId !== undefined
  return conversationIdOf({ account, chatId: isOneOfMany ? `${chatId}/${senderId}` : chatId })
}

function isShallow(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  return levels > 0 && Object.values(value).every(each => isShallow(each, levels - 1))
}
