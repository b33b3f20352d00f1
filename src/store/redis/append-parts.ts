/**
 * A request to append, split into parts that one script call can take. Redis does nothing else during a call, so calls
 * are bounded by messages and bytes.
 */
import type { MessageType, StoredMessage } from '../../batch.js'
import type { Rules } from '../../rules.js'
import type { AppendRequest, AppendResult } from '../store.js'
import { entryJson } from './entries.js'

/** One call can take as many messages of one request: their arguments are copied to Lua's memory together. */
const MESSAGES_A_PART = 1000
/** And as many bytes, unless one message alone has more: about 5 ms of Redis's time. */
const BYTES_A_PART = 1024 * 1024
/** Requests share a call up to these sizes: about 2 ms of Redis's time. */
const MESSAGES_A_CALL = 100
const BYTES_A_CALL = 128 * 1024

/** A message as the script takes it. `json` is what is kept. */
export interface AppendEntry {
  messageId: string
  sentAtMs: number | undefined
  json: string
  bytes: number
  /** How long it holds back its batch, 0 if it does not. */
  holdMs: number
}

export interface AppendPart {
  conversationId: string
  /** `direct`: each message is a sealed batch. `flush`: the last new one seals its batch. `hold`: some hold theirs. */
  how: 'direct' | 'flush' | 'hold' | ''
  /** The conversation's own rules as JSON, `''` for none. */
  rules: string
  entries: AppendEntry[]
}

/** The script's reply for one part. */
export interface Appended {
  accepted: number
  duplicates: number
  tooOld: number
  /** `''`: none */
  batchId: string
  /** -1: there is no batch */
  dueInMs: number
  listeners: number
  paused: number
}

/** The rules by which messages hold back their batch. */
export type HoldRules = Pick<Rules, 'holdTypes' | 'holdMs'>

/** In order; each with one message at least. @throws {TypeError} for a message that JSON cannot hold */
export function partsOf(request: AppendRequest, store: HoldRules): AppendPart[] {
  const { conversationId, direct, flush, rules: own, messages } = request
  const rules = own ? JSON.stringify(own) : ''
  const { holdTypes = store.holdTypes, holdMs = store.holdMs } = own ?? {}
  const holdOf = (type: MessageType) => (!direct && holdTypes.includes(type) ? holdMs : 0)
  const parts: AppendPart[] = []
  let entries: AppendEntry[] = []
  let bytes = 0
  const close = (how: AppendPart['how']) => {
    const holds = entries.some(entry => entry.holdMs > 0)
    parts.push({ conversationId, how: how || (holds ? 'hold' : ''), rules, entries })
  }
  for (const entry of messages.map(message => appendEntry(message, holdOf(message.type)))) {
    if (entries.length >= MESSAGES_A_PART || (entries.length > 0 && bytes + entry.bytes > BYTES_A_PART)) {
      close(direct ? 'direct' : '')
      entries = []
      bytes = 0
    }
    entries.push(entry)
    bytes += entry.bytes
  }
  if (entries.length > 0) close(direct ? 'direct' : flush ? 'flush' : '')
  return parts
}

function appendEntry(message: StoredMessage, holdMs: number): AppendEntry {
  const json = entryJson(message)
  const { messageId, sentAtMs, text } = message
  // One that has its text needs no other.
  return { messageId, sentAtMs, json, bytes: Buffer.byteLength(json), holdMs: text ? 0 : holdMs }
}

/** How much of a shared call a part fills; 1 is all of it. */
export function shareOf({ entries }: AppendPart): number {
  const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0)
  return Math.max(entries.length / MESSAGES_A_CALL, bytes / BYTES_A_CALL)
}

/** Adds a part's reply to the request's result: counts are sums, the rest is the last part's. */
export function addReply(result: AppendResult, reply: Appended): void {
  result.accepted += reply.accepted
  result.duplicates += reply.duplicates
  result.tooOld += reply.tooOld
  if (reply.batchId !== '') result.batchId = reply.batchId
  if (reply.dueInMs >= 0) result.dueInMs = reply.dueInMs
  if (reply.accepted > 0) result.listeners = reply.listeners
  if (reply.paused > 0) result.paused = (result.paused ?? 0) + reply.paused
}
