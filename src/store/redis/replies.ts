/** Turns the scripts' replies into the store's types. Each script's header (`lua/*.lua`) describes its reply. */
import { composeBatch } from '../../batch.js'
import type {
  AnswerCheck,
  ClaimedBatch,
  CommitResult,
  ConversationState,
  ConversationSummary,
  LostLease,
} from '../store.js'
import type { BatchScripts, CommitReply, LostReply } from './batch-scripts.js'
import { listEntry, type RunReply, runFrom } from './entries.js'
import type { Scripts } from './scripts.js'

type Reply<Method> = Method extends (...args: never[]) => Promise<infer Value> ? Value : never

export function claimedBatch(reply: RunReply): ClaimedBatch {
  const [batchId, , attempt, lease, , , , , , lateMs, headerLost] = reply
  return {
    batchId,
    lease: Number(lease),
    attempt: Number(attempt),
    lateMs,
    ...(headerLost === 'expired' || headerLost === 'vanished' ? { headerLost } : {}),
    batch: composeBatch(runFrom(reply)),
  }
}

export function answerCheck(reply: Reply<BatchScripts['claim']>[1][number]): AnswerCheck {
  const [batchId, conversationId, handedOverForMs, workerAttempt, workingForMs] = reply
  return { batchId, conversationId, handedOverForMs, ...(workerAttempt === '' ? {} : { workerAttempt, workingForMs }) }
}

export function lostLease([batchId, state, by]: LostReply): LostLease {
  if (state !== 'superseded') return { batchId }
  return { batchId, superseded: by === '' ? {} : { by } }
}

export function commitResult(reply: CommitReply): CommitResult {
  switch (reply[0]) {
    case 'go':
      return { state: 'go', ...(reply[1] ? { again: true } : {}) }
    case 'wait':
      return { state: 'wait', waitMs: reply[1] }
    case 'superseded':
      return { state: 'superseded', ...(reply[1] === '' ? {} : { by: reply[1] }) }
    default:
      return { state: reply[0] }
  }
}

export function conversationState(conversationId: string, reply: Reply<Scripts['conversation']>): ConversationState {
  const [nowMs, waiting, header, holder, holderIsClaimed, entries, mayGoAtMs] = reply
  const [batchId, ...numbers] = header
  const [count = 0, bytes = 0, firstAtMs = 0, lastAtMs = 0, dueAtMs = 0] = numbers.map(Number)
  return {
    conversationId,
    nowMs,
    waiting,
    messages: entries.map(listEntry).reverse(),
    ...(batchId
      ? { open: { batchId, count, bytes, firstAtMs, lastAtMs, dueAtMs, dueInMs: Math.max(dueAtMs - nowMs, 0) } }
      : {}),
    ...(holder ? { heldBy: { batchId: holder, state: holderIsClaimed ? 'claimed' : 'answering' } } : {}),
    ...(mayGoAtMs === '' || Number(mayGoAtMs) > nowMs ? {} : { overdueForMs: nowMs - Number(mayGoAtMs) }),
  }
}

export function conversationSummaries(reply: Reply<Scripts['conversations']>): ConversationSummary[] {
  const [nowMs, due, counts, held] = reply
  return [
    ...pairs(due).map(([conversationId, dueAtMs], i) => ({
      conversationId,
      state: 'open' as const,
      dueInMs: Math.max(Number(dueAtMs) - nowMs, 0),
      count: Number(counts[i]),
    })),
    ...pairs(held).map(([batchId, conversationId]) => ({ conversationId, state: 'held' as const, batchId })),
  ]
}

const pairs = (flat: string[]): [string, string][] =>
  Array.from({ length: Math.floor(flat.length / 2) }, (_, i) => [flat[2 * i] ?? '', flat[2 * i + 1] ?? ''])
