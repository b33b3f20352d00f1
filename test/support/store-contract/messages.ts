/** Short forms of the calls that the contract's tests make. */
import type { Batch, StoredMessage } from '../../../src/batch.js'
import { partitionOfConversation } from '../../../src/store/partitioned/layout.js'
import type { ClaimRequest, ClaimResult, HistoryEntry, Store } from '../../../src/store/store.js'

export const CHAT = 'shop/79990000011@c.us'
export const OTHER = 'shop/79990000012@c.us'

/**
 * Conversations in one partition of the store: what claims one before the other, and what a merge brings together
 * batch by batch. In a store without partitions that is any of them.
 */
export function neighbours(store: Store, count: number, of = CHAT): string[] {
  const partition = partitionOfConversation(of, store.partitions)
  const found: string[] = []
  for (let i = 0; found.length < count; i++) {
    const id = `shop/7888000${String(i).padStart(4, '0')}@c.us`
    if (partitionOfConversation(id, store.partitions) === partition) found.push(id)
  }
  return found
}

/** Rules under which nothing becomes due during a test: a test flushes what it wants to claim. */
export const PATIENT = { quietGapMs: 600_000, maxWaitMs: 3_600_000, batchTtlMs: 1_200_000 }

export const message = (messageId: string, more: Partial<StoredMessage> = {}): StoredMessage => ({
  messageId,
  type: 'text',
  text: `text of ${messageId}`,
  ...more,
})

export const append = (store: Store, conversationId: string, ...messageIds: string[]) =>
  store.append({ conversationId, messages: messageIds.map(messageId => message(messageId)) })

export const direct = (store: Store, conversationId: string, ...messageIds: string[]) =>
  store.append({ conversationId, messages: messageIds.map(messageId => message(messageId)), direct: true })

export const claim = (store: Store, request: Partial<ClaimRequest> = {}): Promise<ClaimResult> =>
  store.claim({ owner: 'processor-1', maxBatches: 100, maxBytes: 1_000_000_000, ...request })

/** Claims once, and expects one batch. */
export async function claimOne(store: Store, owner = 'processor-1') {
  const { batches } = await claim(store, { owner })
  const batch = batches[0]
  if (batches.length !== 1 || !batch) throw new Error(`claimed ${batches.length} batches instead of one`)
  return batch
}

/** Appends one message, flushes and claims it: a claimed batch of `conversationId`. */
export async function claimed(store: Store, conversationId = CHAT, messageId = 'm1') {
  await append(store, conversationId, messageId)
  await store.flush(conversationId)
  return claimOne(store)
}

/** A batch that died with its only attempt. */
export async function dead(store: Store, conversationId = CHAT, messageId = 'm1') {
  const batch = await claimed(store, conversationId, messageId)
  for (let { lease, attempt } = batch; attempt <= store.rules.maxAttempts; attempt++, lease += 2) {
    const result = await store.nack({ batchId: batch.batchId, lease, delayMs: 0, counts: true, error: 'refused' })
    if (result === 'dead') return batch
    await claimOne(store)
  }
  throw new Error(`${batch.batchId} did not die`)
}

/** What `answered` returns, without the time that the reply took. */
export async function ended(store: Store, ...report: Parameters<Store['answered']>) {
  const { replyMs: _, ...hold } = await store.answered(...report)
  return hold
}

export const idsOf = ({ messages }: Batch) => messages.map(({ messageId }) => messageId)

export const allIdsOf = ({ batches }: ClaimResult) => batches.map(({ batch }) => idsOf(batch))

export const steps = (entries: HistoryEntry[]) => entries.map(({ step }) => step)
