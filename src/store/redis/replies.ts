/** Turns the scripts' replies into the store's types. Each script's header (`lua/*.lua`) describes its reply. */
import { z } from 'zod'
import { composeBatch, traceparentsOf } from '../../batch.js'
import { shownHold } from '../hold-name.js'
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

export type ClaimReply = Reply<BatchScripts['claim']>

/** As the script counts them. */
export const bytesClaimed = ([batches]: ClaimReply): number =>
  batches.reduce((sum, { 11: lines }) => sum + Buffer.byteLength(lines), 0)

export function claimedBatch(reply: RunReply): ClaimedBatch {
  const [batchId, , attempt, lease, , , , , , lateMs, headerLost] = reply
  const run = runFrom(reply)
  const traceparents = traceparentsOf(run)
  return {
    batchId,
    lease: Number(lease),
    attempt: Number(attempt),
    lateMs,
    batch: composeBatch(run),
    ...(headerLost === 'expired' || headerLost === 'vanished' ? { headerLost } : {}),
    ...(traceparents ? { traceparents } : {}),
  }
}

export function answerCheck(reply: ClaimReply[1][number]): AnswerCheck {
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
  const [nowMs, waiting, header, holder, holderIsClaimed, entries, mayGoAtMs, state] = reply
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
    ...(state === '' ? {} : knownState(state, nowMs, batchId ? { batchId, lastAtMs } : undefined)),
    ...(mayGoAtMs === '' || Number(mayGoAtMs) > nowMs ? {} : { overdueForMs: nowMs - Math.ceil(Number(mayGoAtMs)) }),
  }
}

/** As `lua/shared/state.lua` writes it. */
const knownSchema = z.object({
  pausedUntil: z.number().optional(),
  keep: z.enum(['drop', 'collect']).catch('drop'),
  typedAt: z.number().optional(),
  typing: z.number().optional(),
  holds: z.record(z.string(), z.object({ at: z.number(), batch: z.string().optional() })).optional(),
})

/** @param open the open batch */
function knownState(json: string, nowMs: number, open: { batchId: string; lastAtMs: number } | undefined) {
  const { pausedUntil = 0, keep, typedAt = 0, typing = 0, holds = {} } = knownSchema.parse(JSON.parse(json))
  const held = Object.entries(holds).flatMap(([key, { at, batch }]) =>
    at > nowMs && (batch === undefined || batch === open?.batchId) ? [shownHold(key, at - nowMs)] : [],
  )
  return {
    ...(pausedUntil > nowMs ? { paused: { untilMs: pausedUntil, inMs: pausedUntil - nowMs, keep } } : {}),
    ...(held.length > 0 ? { holds: held.sort((a, b) => (a.key < b.key ? -1 : 1)) } : {}),
    ...(typedAt > 0 ? { typedAgoMs: nowMs - typedAt } : {}),
    ...(typedAt + typing > nowMs && typedAt >= (open?.lastAtMs ?? 0) ? { isTyping: true as const } : {}),
  }
}

export function pausedConversations([nowMs, ends]: Reply<Scripts['paused']>) {
  return pairs(ends).map(([conversationId, end]) => ({
    conversationId,
    untilMs: Number(end),
    inMs: Number(end) - nowMs,
  }))
}

export function conversationSummaries(reply: Reply<Scripts['conversations']>): ConversationSummary[] {
  const [nowMs, due, counts, held] = reply
  return [
    ...pairs(due).map(([conversationId, dueAtMs], i) => ({
      conversationId,
      state: 'open' as const,
      dueInMs: Math.max(Math.ceil(Number(dueAtMs)) - nowMs, 0),
      count: Number(counts[i]),
    })),
    ...pairs(held).map(([batchId, conversationId]) => ({ conversationId, state: 'held' as const, batchId })),
  ]
}

const pairs = (flat: string[]): [string, string][] =>
  Array.from({ length: Math.floor(flat.length / 2) }, (_, i) => [flat[2 * i] ?? '', flat[2 * i + 1] ?? ''])
