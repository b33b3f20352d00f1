/** Edits and revokes messages, and finds one: `lua/edit.lua`, `revoke.lua`, `find-message.lua`. */
import type { StoredMessage } from '../../batch.js'
import { parseConversationId } from '../../conversation.js'
import { entryJson, messageFrom } from '../redis/entries.js'
import type { EditRequest, EditResult, RevokeResult } from '../store.js'
import { knownOf, setDue } from './due.js'
import { type Conversation, type State, sealOpen, type WaitingRun } from './state.js'
import { type Entry, ID_RECORDED } from './structures.js'
import { bytesOf, reopen, supersedableAlone } from './superseding.js'

/** `edit` and `revoke` search this many messages, from the end, */
const SEARCHED = 100
/** and this many bytes of them. */
const SEARCHED_BYTES = 1024 * 1024

export function edit(state: State, request: EditRequest): EditResult {
  const { conversationId, messageId, text, authors } = request
  const now = state.now()
  const conversation = state.conversations.get(conversationId)
  const found = conversation && (find(conversation.runs, messageId) ?? takeBack(state, conversation, request, now))
  if (typeof found === 'string') return found
  if (!found) return state.seen.has(conversationId, messageId, now) ? 'tooLate' : 'unknown'
  const { entry, message, run } = found
  if (!isAuthor(message, authors)) return 'notAuthor'
  const json = entryJson({ ...message, text })
  if (json === entry.json) {
    endHold(state, conversation, run.batchId, messageId, now)
    return 'edited'
  }
  const grownBytes = Buffer.byteLength(json) - entry.bytes
  const header = state.header(conversation, now)
  const isOpen = header?.batchId === run.batchId
  const { maxBytes } = state.rulesOf(isOpen ? header.rules : undefined)
  // A sealed batch does not grow past the cap.
  if (!isOpen && grownBytes > 0 && bytesOf(run.entries) + grownBytes > maxBytes) return 'tooLate'
  record(state, 'edited', run, conversationId, messageId, now)
  entry.json = json
  entry.bytes += grownBytes
  if (isOpen) {
    header.bytes += grownBytes
    const isPaused = knownOf(state, conversationId, now).paused !== undefined
    if (header.bytes >= maxBytes && !isPaused) sealOpen(state, conversation, run, 'maxBytes', now)
  }
  endHold(state, conversation, run.batchId, messageId, now)
  return 'edited'
}

/** The batch waits for the text of this message no more. Returns whether it did, and is open. */
function endHold(state: State, conversation: Conversation, batchId: string, messageId: string, now: number): boolean {
  const key = JSON.stringify(messageId)
  const known = knownOf(state, conversation.id, now)
  if (!known.holds?.delete(key)) return false
  state.known.set(conversation.id, known)
  const header = state.header(conversation, now)
  if (header?.batchId !== batchId) return false
  state.record('unheld', batchId, conversation.id, now, { key })
  setDue(state, conversation, header, now)
  return true
}

/**
 * Supersedes the batch that holds the conversation, if the message is in it, and finds the message in the list then.
 * @param text the new one; without it the message is revoked
 * @returns a result instead if there is nothing to change
 */
function takeBack(
  state: State,
  conversation: Conversation,
  { messageId, text, authors }: Omit<EditRequest, 'conversationId' | 'text'> & { text?: string },
  now: number,
) {
  const old = supersedableAlone(state, conversation)
  const found = old && find([old.batch], messageId)
  if (!old || !found) return undefined
  if (!isAuthor(found.message, authors)) return 'notAuthor'
  if (text !== undefined) {
    const json = entryJson({ ...found.message, text })
    if (json === found.entry.json) return 'edited'
    const bytes = bytesOf(old.batch.entries) + Buffer.byteLength(json) - found.entry.bytes
    if (bytes > state.rulesOf(old.batch.rules).maxBytes) return undefined
  }
  reopen(state, conversation, old, now)
  return find(conversation.runs, messageId)
}

/** Without ids of an author anybody may change the message. */
const isAuthor = ({ senderId }: StoredMessage, authors: readonly string[] = []) =>
  authors.length === 0 || (senderId !== undefined && authors.includes(senderId))

export function revoke(
  state: State,
  conversationId: string,
  messageId: string,
  authors: readonly string[] = [],
): RevokeResult {
  const now = state.now()
  const conversation = state.conversations.get(conversationId)
  const found =
    conversation && (find(conversation.runs, messageId) ?? takeBack(state, conversation, { messageId, authors }, now))
  if (found === 'notAuthor') return found
  if (!found || found === 'edited') {
    if (state.seen.has(conversationId, messageId, now)) return 'tooLate'
    if (authors.length > 0) return 'unknown'
    state.seen.add(conversationId, messageId, now)
    return 'remembered'
  }
  const { run, entry, message } = found
  if (!isAuthor(message, authors)) return 'notAuthor'
  record(state, 'revoked', run, conversationId, messageId, now)
  run.entries.splice(run.entries.indexOf(entry), 1)
  const header = state.header(conversation, now)
  const isOpen = header?.batchId === run.batchId
  if (header && isOpen) header.bytes -= entry.bytes
  if (run.entries.length === 0) removeRun(state, conversation, run, isOpen, now)
  // What it has held back is due when that would be without it.
  const isReleased = endHold(state, conversation, run.batchId, messageId, now)
  if (header && isOpen && run.entries.length > 0 && !isReleased)
    state.publishGrowth(conversation, run.batchId, run.entries.length, Math.max(header.dueAtMs - now, 0))
  return 'revoked'
}

/** The conversation of an account in which a message waits or can be taken back, in a chat of two alone. */
export function findMessage(state: State, account: string | undefined, messageId: string): string | undefined {
  for (const conversation of state.conversations.values()) {
    const { id } = conversation
    if (id.includes('@g.us') || parseConversationId(id).account !== account) continue
    const old = supersedableAlone(state, conversation)
    if (find(conversation.runs, messageId) ?? (old && find([old.batch], messageId))) return id
  }
  return undefined
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
    state.schedule(conversation.id, head.batchId, state.headStartAtMs(conversation, now), now)
  }
}

function find<Run extends { entries: Entry[] }>(
  runs: Run[],
  messageId: string,
): { run: Run; entry: Entry; message: StoredMessage } | undefined {
  let left = SEARCHED
  let bytesLeft = SEARCHED_BYTES
  for (const run of runs.toReversed())
    for (const entry of run.entries.toReversed()) {
      left -= 1
      bytesLeft -= entry.bytes
      if (left < 0 || bytesLeft < 0) return undefined
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
