/** Looks at what is there: `lua/conversation.lua`, `conversations.lua`, and the dead. They change nothing. */
import { messageFrom } from '../redis/entries.js'
import {
  type ConversationState,
  type ConversationSummary,
  type DeadBatch,
  MESSAGES_SHOWN,
  type Totals,
} from '../store.js'
import { handedOut } from './claim.js'
import type { Deadlines } from './deadlines.js'
import { type State, waiting } from './state.js'

export function conversationState(state: State, conversationId: string): ConversationState {
  const now = state.now()
  const conversation = state.conversations.get(conversationId)
  if (!conversation) return { conversationId, waiting: 0, messages: [] }
  const header = state.header(conversation, now)
  const { heldBy } = conversation
  return {
    conversationId,
    waiting: waiting(conversation),
    messages: conversation.runs
      .flatMap(({ batchId, entries }) => entries.map(entry => ({ batchId, ...entry })))
      .slice(-MESSAGES_SHOWN)
      .map(({ batchId, receivedAtMs, json }) => {
        const message = messageFrom(json)
        return { batchId, receivedAtMs, message }
      }),
    ...(header
      ? {
          open: {
            batchId: header.batchId,
            count: conversation.runs.at(-1)?.entries.length ?? 0,
            bytes: header.bytes,
            firstAtMs: header.firstAtMs,
            lastAtMs: header.lastAtMs,
            dueAtMs: header.dueAtMs,
            dueInMs: Math.max(header.dueAtMs - now, 0),
          },
        }
      : {}),
    ...(heldBy === undefined
      ? {}
      : { heldBy: { batchId: heldBy, state: state.claimedBatches.has(heldBy) ? 'claimed' : 'answering' } }),
  }
}

export function conversationSummaries(state: State, limit: number): ConversationSummary[] {
  const now = state.now()
  const open = state.due.firsts(limit).map(({ member, atMs }) => ({
    conversationId: member,
    state: 'open' as const,
    dueInMs: Math.max(atMs - now, 0),
    count: openCount(state, member, now),
  }))
  const held = [...state.claimed.firsts(limit), ...state.answering.firsts(limit)].flatMap(({ member: batchId }) => {
    const batch = state.claimedBatches.get(batchId) ?? state.handedOver.get(batchId)
    return batch ? [{ conversationId: batch.conversationId, state: 'held' as const, batchId }] : []
  })
  return [...open, ...held].slice(0, limit)
}

function openCount(state: State, conversationId: string, now: number): number {
  const conversation = state.conversations.get(conversationId)
  return conversation && state.header(conversation, now) ? (conversation.runs.at(-1)?.entries.length ?? 0) : 0
}

export function totals(state: State): Totals {
  const now = state.now()
  const [first] = state.due.firsts(1)
  return {
    open: state.due.size,
    held: state.claimed.size + state.answering.size,
    dead: state.dead.size,
    oldestDueAgeMs: first ? Math.max(now - first.atMs, 0) : 0,
  }
}

/** The last to die first. */
export function deadBatches(state: State, limit: number): DeadBatch[] {
  return [...state.dead]
    .sort(([, a], [, b]) => b.diedAtMs - a.diedAtMs)
    .slice(0, limit)
    .map(([batchId, dead]) => ({
      batchId,
      conversationId: dead.conversationId,
      attempts: dead.attempt,
      error: dead.error,
      diedAtMs: dead.diedAtMs,
      batch: handedOut(batchId, dead),
    }))
}

/** Where everything is, for a test of the store's invariants: ids only. */
export interface Snapshot {
  conversations: {
    conversationId: string
    /** The batch of each waiting message, in order. */
    waiting: string[]
    header?: { batchId: string; count: number; bytes: number; expiresAtMs: number }
    dueAtMs?: number
    heldBy?: string
  }[]
  /** Until when they are leased, or are not looked at. */
  claimed: { batchId: string; conversationId: string; count: number; untilMs?: number }[]
  answering: { batchId: string; conversationId: string; untilMs?: number }[]
  dead: { batchId: string; conversationId: string; count: number }[]
}

export function snapshot(state: State): Snapshot {
  const now = state.now()
  return {
    conversations: [...state.conversations.values()].map(conversation => {
      const { id, runs, heldBy } = conversation
      const header = state.header(conversation, now)
      const dueAtMs = state.due.get(id)
      return {
        conversationId: id,
        waiting: runs.flatMap(({ batchId, entries }) => entries.map(() => batchId)),
        ...(header
          ? {
              header: {
                batchId: header.batchId,
                count: runs.at(-1)?.entries.length ?? 0,
                bytes: header.bytes,
                expiresAtMs: header.expiresAtMs,
              },
            }
          : {}),
        ...(dueAtMs === undefined ? {} : { dueAtMs }),
        ...(heldBy === undefined ? {} : { heldBy }),
      }
    }),
    claimed: counted(state.claimedBatches).map(batch => ({ ...batch, ...until(state.claimed, batch.batchId) })),
    answering: [...state.handedOver].map(([batchId, { conversationId }]) => ({
      batchId,
      conversationId,
      ...until(state.answering, batchId),
    })),
    dead: counted(state.dead),
  }
}

const counted = (batches: Map<string, { conversationId: string; entries: unknown[] }>) =>
  [...batches].map(([batchId, { conversationId, entries }]) => ({ batchId, conversationId, count: entries.length }))

function until(deadlines: Deadlines, batchId: string) {
  const untilMs = deadlines.get(batchId)
  return untilMs === undefined ? {} : { untilMs }
}
