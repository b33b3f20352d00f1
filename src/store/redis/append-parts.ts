/**
 * A request to append, split into parts that one script call can take. Redis does nothing else during a call, so calls
 * are bounded by messages and bytes.
 */
import type { StoredMessage } from '../../batch.js'
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
}

export interface AppendPart {
  conversationId: string
  /** `direct`: each message is a sealed batch. `flush`: the last new one seals its batch. */
  how: 'direct' | 'flush' | ''
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
}

/** In order; each with one message at least. @throws {TypeError} for a message that JSON cannot hold */
export function partsOf({ conversationId, direct, flush, rules: own, messages }: AppendRequest): AppendPart[] {
  const rules = own ? JSON.stringify(own) : ''
  const how = direct ? 'direct' : ''
  const parts: AppendPart[] = []
  let entries: AppendEntry[] = []
  let bytes = 0
  for (const entry of messages.map(appendEntry)) {
    if (entries.length >= MESSAGES_A_PART || (entries.length > 0 && bytes + entry.bytes > BYTES_A_PART)) {
      parts.push({ conversationId, how, rules, entries })
      entries = []
      bytes = 0
    }
    entries.push(entry)
    bytes += entry.bytes
  }
  if (entries.length > 0) parts.push({ conversationId, how: how || (flush ? 'flush' : ''), rules, entries })
  return parts
}

function appendEntry(message: StoredMessage): AppendEntry {
  const json = entryJson(message)
  return { messageId: message.messageId, sentAtMs: message.sentAtMs, json, bytes: Buffer.byteLength(json) }
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
}
