/** What people and their programs do to a conversation: `lua/extend.lua`, `flush.lua`, `drop.lua`, `forget*.lua`,
 * `redrive.lua`. */
import type { ForgetResult } from '../store.js'
import { idsRecorded } from './history.js'
import { type Header, type State, waiting } from './state.js'

export function extend(state: State, conversationId: string, worthMs: number) {
  const now = state.now()
  const { conversation, header } = openBatch(state, conversationId, now)
  if (!conversation || !header || now >= header.dueAtMs) return undefined
  const { batchId, firstAtMs, dueAtMs } = header
  const latestMs = firstAtMs + state.rules.maxWaitMs
  const extendedMs = Math.max(dueAtMs, Math.min(now + Math.round(worthMs), latestMs))
  if (extendedMs === dueAtMs) return { batchId, dueInMs: dueAtMs - now }
  state.record('extended', batchId, conversationId, now, { byMs: extendedMs - dueAtMs })
  header.dueAtMs = extendedMs
  header.dueBy = extendedMs === latestMs ? 'maxWait' : 'gap'
  state.keepHeader(conversationId, now, extendedMs)
  const isHead = conversation.runs[0]?.batchId === batchId
  if (conversation.heldBy === undefined && isHead) state.schedule(conversationId, batchId, extendedMs, now)
  state.announce(conversation, batchId, conversation.runs.at(-1)?.entries.length ?? 0, extendedMs - now)
  return { batchId, dueInMs: extendedMs - now }
}

export function flush(state: State, conversationId: string) {
  const now = state.now()
  const { conversation, header } = openBatch(state, conversationId, now)
  const run = conversation?.runs.at(-1)
  if (!conversation || !header || !run) return undefined
  const { batchId } = header
  const count = run.entries.length
  state.record('sealed', batchId, conversationId, now, { reason: 'flush', count })
  run.seal = { reason: 'flush', atMs: now }
  delete conversation.header
  if (conversation.heldBy === undefined) state.schedule(conversationId, batchId, now, now)
  state.announce(conversation, batchId, count, 0)
  return { batchId, count }
}

export function drop(state: State, conversationId: string): number {
  const now = state.now()
  const { conversation, header } = openBatch(state, conversationId, now)
  const count = conversation ? waiting(conversation) : 0
  if (!conversation || count === 0) return 0
  const batchId = header?.batchId ?? conversation.runs[0]?.batchId ?? ''
  const ids = idsRecorded(conversation.runs.flatMap(({ entries }) => entries))
  state.record('dropped', batchId, conversationId, now, { count, by: state.name, ids })
  conversation.runs = []
  delete conversation.header
  state.due.delete(conversationId)
  state.tidy(conversation)
  return count
}

export function forget(state: State, conversationId: string): ForgetResult {
  const conversation = state.conversations.get(conversationId)
  const underWay = conversation?.heldBy
  const claimed = underWay === undefined ? undefined : state.claimedBatches.get(underWay)
  const messages = (conversation ? waiting(conversation) : 0) + (claimed?.entries.length ?? 0)
  const dead = [...state.dead].filter(([, batch]) => batch.conversationId === conversationId)
  state.conversations.delete(conversationId)
  state.due.delete(conversationId)
  state.seen.forget(conversationId)
  if (underWay !== undefined) {
    state.claimedBatches.delete(underWay)
    state.claimed.delete(underWay)
    state.handedOver.delete(underWay)
    state.answering.delete(underWay)
  }
  for (const [batchId] of dead) state.dead.delete(batchId)
  const historyEntries = state.log.forget(conversationId)
  return { messages, deadBatches: dead.length, historyEntries, ...(underWay === undefined ? {} : { underWay }) }
}

export function redrive(state: State, batchIds: [string, ...string[]]) {
  const now = state.now()
  const dead = batchIds.flatMap(batchId => {
    const batch = state.dead.get(batchId)
    return batch ? [{ ...batch, batchId }] : []
  })
  const [first] = dead
  const isOfOne = dead.every(({ conversationId }) => conversationId === first?.conversationId)
  if (!first || dead.length < batchIds.length || new Set(batchIds).size < batchIds.length || !isOfOne) return undefined
  const { conversationId } = first
  const conversation = state.conversation(conversationId)
  for (const { batchId, entries } of dead)
    state.record('redriven', batchId, conversationId, now, { count: entries.length, by: state.name })
  conversation.runs.unshift(
    ...dead.map(({ batchId, entries, releasedBy, dueAtMs }) => ({
      batchId,
      entries,
      seal: { reason: releasedBy, atMs: dueAtMs },
    })),
  )
  for (const { batchId } of dead) state.dead.delete(batchId)
  if (conversation.heldBy === undefined) state.schedule(conversationId, first.batchId, now, now)
  state.announce(conversation, first.batchId, first.entries.length, 0)
  return { conversationId }
}

function openBatch(state: State, conversationId: string, now: number) {
  const conversation = state.conversations.get(conversationId)
  const header: Header | undefined = conversation && state.header(conversation, now)
  return { conversation, header }
}
