/**
 * Edits and revocations that name no chat: the message that they are about is found by its id, in chats of two alone.
 */
import { parseConversationId } from '../conversation.js'
import type { Item, UnplacedItem } from '../providers/provider.js'
import type { Receiving } from './store-steps.js'

/** Those whose message does not wait stay as they are. @throws {StoreUnavailable} and {ForeignKey} as an append */
export function placedItems(items: Item[], batcher: Pick<Receiving, 'findMessage'>): Item[] | Promise<Item[]> {
  return items.some(({ kind }) => kind === 'unplaced') ? foundItems(items, batcher) : items
}

async function foundItems(items: Item[], batcher: Pick<Receiving, 'findMessage'>): Promise<Item[]> {
  const placed: Item[] = []
  for (const item of items) placed.push(item.kind === 'unplaced' ? await placedItem(item, batcher) : item)
  return placed
}

async function placedItem(item: UnplacedItem, batcher: Pick<Receiving, 'findMessage'>): Promise<Item> {
  const { account, messageId, text } = item
  const conversationId = await batcher.findMessage?.(account, messageId)
  if (conversationId === undefined) return item
  const place = { ...parseConversationId(conversationId), isGroup: false, messageId }
  return text === undefined ? { kind: 'revoke', ...place } : { kind: 'edit', ...place, text }
}
