/** What people do to a message they have sent: `lua/edit.lua`, `lua/revoke.lua`. */
import type { StoredMessage } from '../../batch.js'
import { entryJson, messageFrom } from '../redis/entries.js'
import type { EditRequest, EditResult, RevokeResult } from '../store.js'
import type { Entry } from './history.js'
import { ID_RECORDED } from './history.js'
import type { Conversation, State, WaitingRun } from './state.js'

/** A message is looked for among this many, from the end. */
const SEARCHED = 100

export function edit(state: State, { conversationId, messageId, text }: EditRequest): EditResult {
  const now = state.now()
  const conversation = state.conversations.get(conversationId)
  const found = conversation && find(conversation, messageId)
  if (!found) return state.seen.has(conversationId, messageId, now) ? 'tooLate' : 'unknown'
  const { entry, message, run } = found
  const json = entryJson({ ...message, text })
  if (json === entry.json) return 'edited'
  record(state, 'edited', run, conversationId, messageId, now)
  const grownBytes = Buffer.byteLength(json) - entry.bytes
  entry.json = json
  entry.bytes += grownBytes
  const header = state.header(conversation, now)
  if (header?.batchId === run.batchId) header.bytes += grownBytes
  return 'edited'
}

export function revoke(state: State, conversationId: string, messageId: string): RevokeResult {
  const now = state.now()
  const conversation = state.conversations.get(conversationId)
  const found = conversation && find(conversation, messageId)
  if (!found) {
    if (state.seen.has(conversationId, messageId, now)) return 'tooLate'
    state.seen.add(conversationId, messageId, now)
    return 'remembered'
  }
  const { run, entry } = found
  record(state, 'revoked', run, conversationId, messageId, now)
  run.entries.splice(run.entries.indexOf(entry), 1)
  const header = state.header(conversation, now)
  const isOpen = header?.batchId === run.batchId
  if (header && isOpen) header.bytes -= entry.bytes
  if (run.entries.length === 0) removeRun(state, conversation, run, isOpen, now)
  else if (header && isOpen)
    state.announce(conversation, run.batchId, run.entries.length, Math.max(header.dueAtMs - now, 0))
  return 'revoked'
}

function removeRun(state: State, conversation: Conversation, run: WaitingRun, isOpen: boolean, now: number): void {
  const wasHead = conversation.runs[0] === run
  conversation.runs.splice(conversation.runs.indexOf(run), 1)
  if (isOpen) delete conversation.header
  const head = conversation.runs[0]
  if (!head) {
    state.due.delete(conversation.id)
    state.tidy(conversation)
  } else if (conversation.heldBy === undefined && wasHead) {
    state.schedule(conversation.id, head.batchId, Math.max(state.headDueAtMs(conversation, now) ?? now, now), now)
  }
}

function find(
  { runs }: Conversation,
  messageId: string,
): { run: WaitingRun; entry: Entry; message: StoredMessage } | undefined {
  let left = SEARCHED
  for (const run of runs.toReversed())
    for (const entry of run.entries.toReversed()) {
      if (left === 0) return undefined
      left -= 1
      const message = messageFrom(entry.json)
      if (message.messageId === messageId) return { run, entry, message }
    }
  return undefined
}

function record(
  state: State,
  step: 'edited' | 'revoked',
  run: WaitingRun,
  conversationId: string,
  messageId: string,
  now: number,
) {
  state.record(step, run.batchId, conversationId, now, { ids: JSON.stringify([messageId.slice(0, ID_RECORDED)]) })
}
