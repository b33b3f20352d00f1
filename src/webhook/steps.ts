/**
 * Plans what to do with a webhook's items: the steps for each conversation, in the order of the items, and how many
 * items are ignored.
 */
import type { AppendMessage } from '../batcher.js'
import { conversationIdOf } from '../conversation.js'
import type { OnOwnMessage, OwnRule } from '../own-messages.js'
import { known } from '../providers/fields.js'
import {
  type EditItem,
  type Item,
  type MessageItem,
  type OwnMessage,
  type Place,
  type RevokeItem,
  TYPING_WORTH_MS,
} from '../providers/provider.js'
import { boundedRaw } from './raw.js'

export const GROUPS = ['byChat', 'bySender', 'ignore'] as const
/** What group chats are: one conversation (`byChat`), one for each member (`bySender`), or none (`ignore`). */
export type Groups = (typeof GROUPS)[number]

/**
 * When a person answers from the business's own phone: do nothing, drop the open batch, or pause the conversation, so
 * that the bot stays silent.
 */
export const ON_OWN_MESSAGE = ['ignore', 'drop', 'pause'] as const satisfies OnOwnMessage[]

export interface StepRules {
  groups: Groups
  onOwnMessage(conversationId: string): OnOwnMessage
  /** Whether each message carries the provider's own body. */
  raw: boolean
}

export type Step =
  | { append: AppendMessage[] }
  | { edit: { messageId: string; text: string; authors: string[] } }
  | { revoke: { messageId: string; authors: string[] } }
  /** For how many ms the person is typing; 0: the typing has ended. */
  | { typing: number }
  | { own: OwnMessage; rule: OwnRule }

export interface Plan {
  /** By conversation, in the order of their first item. */
  conversations: Map<string, Step[]>
  /** Items without a message for us; signs of typing count, too. */
  ignored: number
  /** How often each reason occurred, for the log. */
  reasons: Map<string, number>
}

export const emptyPlan = (): Plan => ({ conversations: new Map(), ignored: 0, reasons: new Map() })

/** Adds the steps for some of a webhook's items, which come behind those of earlier ones. */
export function addToPlan(plan: Plan, items: Item[], provider: string, rules: StepRules): void {
  for (const item of items) {
    const reason = item.kind === 'message' ? addMessage(plan, item, provider, rules) : addOther(plan, item, rules)
    if (reason === undefined) continue
    plan.ignored += 1
    note(plan, reason)
  }
}

/** Notes why an item is ignored. */
export function note({ reasons }: Plan, reason: string): void {
  reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
}

/** @returns the reason if the message is ignored */
function addMessage(plan: Plan, item: MessageItem, provider: string, rules: StepRules): string | undefined {
  if (item.isGroup && rules.groups === 'ignore') return 'group'
  const steps = stepsOf(plan, conversationOf(item, rules.groups, item.personId ?? item.message.senderId))
  // In this order: V8 takes four times as long to add a field to what it has copied.
  const message: AppendMessage = { provider, ...item.message }
  if (item.isGroup) message.isGroup = true
  const raw = rules.raw ? boundedRaw(item.raw) : undefined
  if (raw !== undefined) message.raw = raw
  const last = steps.at(-1)
  if (last !== undefined && 'append' in last) last.append.push(message)
  else steps.push({ append: [message] })
  return undefined
}

/** Items that are no message. @returns the reason if the item counts as ignored */
function addOther(plan: Plan, item: Exclude<Item, MessageItem>, rules: StepRules): string | undefined {
  if (item.kind === 'ignored' || item.kind === 'person') return item.reason
  if (item.kind === 'unplaced') return item.text === undefined ? 'revoke:no_chat' : 'edit:no_chat'
  if (item.isGroup && rules.groups === 'ignore') return 'group'
  if (item.kind === 'own') {
    // Providers do not say which member of a group an own message answers.
    if (item.isGroup && rules.groups !== 'byChat') return 'from_me'
    const conversationId = conversationOf(item, 'byChat', undefined)
    const rule = rules.onOwnMessage(conversationId)
    if (rule === 'ignore') return 'from_me'
    const { messageId, by, mayBeEcho } = item
    stepsOf(plan, conversationId).push({ own: known({ messageId, by, mayBeEcho }), rule })
    return undefined
  }
  // In a group everybody could correct what others wrote.
  if (item.isGroup && item.kind !== 'typing' && item.senderId === undefined) return `${item.kind}:no_author`
  // Others in the group may still be typing.
  const isOneOfMany = item.isGroup && rules.groups === 'byChat'
  if (item.kind === 'typing' && item.hasEnded && isOneOfMany) return `presence:${item.sign}`
  const steps = stepsOf(plan, conversationOf(item, rules.groups, item.personId ?? item.senderId))
  if (item.kind === 'typing') {
    steps.push({ typing: item.hasEnded ? 0 : TYPING_WORTH_MS })
    return `presence:${item.sign}`
  }
  const { messageId } = item
  const authors = authorsOf(item)
  steps.push(
    item.kind === 'edit' ? { edit: { messageId, text: item.text, authors } } : { revoke: { messageId, authors } },
  )
  return undefined
}

/**
 * Ids of the person who corrects a message. In a chat of two it can only be the other one, whatever ids the body names:
 * then none are needed.
 */
function authorsOf({ isGroup, senderId, samePerson = [] }: EditItem | RevokeItem): string[] {
  return isGroup && senderId !== undefined ? [...new Set([senderId, ...samePerson])] : []
}

function stepsOf({ conversations }: Plan, conversationId: string): Step[] {
  const known = conversations.get(conversationId)
  if (known !== undefined) return known
  const steps: Step[] = []
  conversations.set(conversationId, steps)
  return steps
}

/** With `bySender`, a member of a group has the chat id `<group>/<sender>`. */
function conversationOf({ account, chatId, isGroup }: Place, groups: Groups, senderId: string | undefined): string {
  const isOneOfMany = isGroup && groups === 'bySender' && senderId !== undefined
  return conversationIdOf({ account, chatId: isOneOfMany ? `${chatId}/${senderId}` : chatId })
}
