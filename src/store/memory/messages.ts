/** Appends messages, and edits and revokes them: `lua/append.lua`, `edit.lua`, `revoke.lua`. */
import type { ReleaseReason, StoredMessage } from '../../batch.js'
import { parseConversationId } from '../../conversation.js'
import { entryJson, messageFrom } from '../redis/entries.js'
import type { AppendRequest, AppendResult, EditRequest, EditResult, RevokeResult } from '../store.js'
import { type Conversation, type State, sealOpen, type WaitingRun, waiting } from './state.js'
import { type Entry, ID_RECORDED, idsRecorded } from './structures.js'

/** The open batch during an append, and what the append has added to it so far. */
interface Collecting {
  run: WaitingRun
  bytes: number
  firstAtMs: number
  isNew: boolean
  /** Messages that this append has added. */
  added: number
}

export function append(state: State, request: AppendRequest): AppendResult {
  // Throws for a message that JSON cannot hold, before anything is changed.
  const texts = request.messages.map(entryJson)
  const now = state.now()
  const conversation = state.conversation(request.conversationId)
  const appending = new Appending(state, conversation, request.direct ?? false, now)
  for (const [i, message] of request.messages.entries()) appending.take(message, texts[i] ?? '')
  state.tidy(conversation)
  return appending.finish()
}

class Appending {
  private readonly counts = { accepted: 0, duplicates: 0, tooOld: 0 }
  private collecting: Collecting | undefined
  private lastBatchId: string | undefined
  /** The id of the first batch that this append opens. The ids of the others add their number to it. */
  private readonly seedId: string
  private opened = 0

  constructor(
    private readonly state: State,
    private readonly conversation: Conversation,
    private readonly direct: boolean,
    private readonly now: number,
  ) {
    this.seedId = state.newBatchId()
    const header = state.header(conversation, now)
    const run = conversation.runs.at(-1)
    if (header && run)
      this.collecting = { run, bytes: header.bytes, firstAtMs: header.firstAtMs, isNew: false, added: 0 }
  }

  take(message: StoredMessage, json: string): void {
    const { state, conversation, now } = this
    const { maxAgeMs, maxMessages, maxBytes } = state.rules
    if (state.seen.has(conversation.id, message.messageId, now)) {
      this.counts.duplicates += 1
      return
    }
    if (maxAgeMs > 0 && message.sentAtMs !== undefined && Math.round(message.sentAtMs) < now - maxAgeMs) {
      this.counts.tooOld += 1
      return
    }
    state.seen.add(conversation.id, message.messageId, now)
    this.counts.accepted += 1
    if (this.collecting && this.direct) this.seal(this.collecting, 'direct')
    const open = this.collecting ?? this.openBatch()
    const bytes = Buffer.byteLength(json)
    open.run.entries.push({ receivedAtMs: now, json, bytes })
    open.bytes += bytes
    open.added += 1
    this.lastBatchId = open.run.batchId
    if (this.direct) this.seal(open, 'direct')
    else if (open.run.entries.length >= maxMessages) this.seal(open, 'maxMessages')
    else if (open.bytes >= maxBytes) this.seal(open, 'maxBytes')
  }

  finish(): AppendResult {
    const { state, conversation, now, collecting: open } = this
    if (this.counts.accepted === 0) {
      const header = conversation.header
      if (!header) return this.counts
      return { ...this.counts, batchId: header.batchId, dueInMs: Math.max(header.dueAtMs - now, 0) }
    }
    const dueAtMs = open ? this.renewHeader(open) : now
    const atMs = state.headDueAtMs(conversation, now) ?? now
    const held = conversation.heldBy !== undefined
    const dueInMs = Math.max(dueAtMs - now, 0)
    const batchId = this.lastBatchId ?? ''
    const count = open ? open.run.entries.length : waiting(conversation)
    if (!held) state.schedule(conversation.id, batchId, atMs, now)
    state.publishGrowth(conversation, batchId, count, held ? dueInMs : Math.max(atMs - now, 0))
    return { ...this.counts, batchId, dueInMs, listeners: state.processors.count }
  }

  private openBatch(): Collecting {
    this.opened += 1
    const batchId = this.opened === 1 ? this.seedId : `${this.seedId}-${this.opened}`
    const run: WaitingRun = { batchId, entries: [] }
    this.conversation.runs.push(run)
    this.collecting = { run, bytes: 0, firstAtMs: this.now, isNew: true, added: 0 }
    return this.collecting
  }

  private seal(open: Collecting, reason: ReleaseReason): void {
    open.run.seal = { reason, atMs: this.now }
    this.recordAdded(open)
    this.record('sealed', open, { reason, count: open.run.entries.length })
    this.collecting = undefined
    delete this.conversation.header
  }

  /** Writes the header of the batch that is open after this append. Returns its due time. */
  private renewHeader(open: Collecting): number {
    const { now } = this
    const { quietGapMs, maxWaitMs, batchTtlMs } = this.state.rules
    this.recordAdded(open)
    const dueAtMs = Math.min(now + quietGapMs, open.firstAtMs + maxWaitMs)
    this.conversation.header = {
      batchId: open.run.batchId,
      bytes: open.bytes,
      firstAtMs: open.firstAtMs,
      lastAtMs: now,
      dueAtMs,
      dueBy: dueAtMs < now + quietGapMs ? 'maxWait' : 'gap',
      expiresAtMs: Math.max(now, this.state.heldUntilMs(this.conversation) ?? now) + batchTtlMs,
    }
    return dueAtMs
  }

  private recordAdded(open: Collecting): void {
    if (open.added === 0) return
    const count = open.run.entries.length
    if (open.isNew) this.record('opened', open, { count, ids: idsRecorded(open.run.entries.slice(0, 1)) })
  }

  private record(step: 'opened' | 'sealed', open: Collecting, detail: Record<string, string | number>) {
    this.state.record(step, open.run.batchId, this.conversation.id, this.now, detail)
  }
}

/** `edit` and `revoke` search this many messages, from the end, */
const SEARCHED = 100
/** and this many bytes of them. */
const SEARCHED_BYTES = 1024 * 1024

export function edit(state: State, { conversationId, messageId, text, authors }: EditRequest): EditResult {
  const now = state.now()
  const conversation = state.conversations.get(conversationId)
  const found = conversation && find(conversation, messageId)
  if (!found) return state.seen.has(conversationId, messageId, now) ? 'tooLate' : 'unknown'
  const { entry, message, run } = found
  if (!isAuthor(message, authors)) return 'notAuthor'
  const json = entryJson({ ...message, text })
  if (json === entry.json) return 'edited'
  const grownBytes = Buffer.byteLength(json) - entry.bytes
  const header = state.header(conversation, now)
  const isOpen = header?.batchId === run.batchId
  // A sealed batch does not grow past the cap.
  if (!isOpen && grownBytes > 0 && bytesOf(run) + grownBytes > state.rules.maxBytes) return 'tooLate'
  record(state, 'edited', run, conversationId, messageId, now)
  entry.json = json
  entry.bytes += grownBytes
  if (!isOpen) return 'edited'
  header.bytes += grownBytes
  if (header.bytes >= state.rules.maxBytes) sealOpen(state, conversation, run, 'maxBytes', now)
  return 'edited'
}

const bytesOf = ({ entries }: WaitingRun) => entries.reduce((sum, { bytes }) => sum + bytes, 0)

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
  const found = conversation && find(conversation, messageId)
  if (!found) {
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
  else if (header && isOpen)
    state.publishGrowth(conversation, run.batchId, run.entries.length, Math.max(header.dueAtMs - now, 0))
  return 'revoked'
}

/** The conversation of an account in which a message waits, in a chat of two alone. */
export function findMessage(state: State, account: string | undefined, messageId: string): string | undefined {
  for (const conversation of state.conversations.values()) {
    const { id } = conversation
    if (id.includes('@g.us') || parseConversationId(id).account !== account) continue
    if (find(conversation, messageId)) return id
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
    state.schedule(conversation.id, head.batchId, Math.max(state.headDueAtMs(conversation, now) ?? now, now), now)
  }
}

function find(
  { runs }: Conversation,
  messageId: string,
): { run: WaitingRun; entry: Entry; message: StoredMessage } | undefined {
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
