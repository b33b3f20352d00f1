/**
 * How messages stand in Redis, as text (see lua/shared/entry.lua): their JSON is opaque to the scripts but for its
 * beginning, and comes back byte for byte.
 */
import { RELEASE_REASONS, type ReleaseReason, type Run, type StoredMessage } from '../batch.js'
import type { RunReply } from './scripts.js'

/** A message as JSON: first its id, then its text if it has one, by which the scripts find and edit it. */
export function entryJson({ messageId, text, ...rest }: StoredMessage): string {
  return JSON.stringify(typeof text === 'string' ? { messageId, text, ...rest } : { messageId, ...rest })
}

/** A message to append, and the JSON that is kept of it. */
export interface NewEntry {
  message: StoredMessage
  json: string
  bytes: number
}

/**
 * Messages in parts that one script call takes each: so many messages and bytes at most, and one message at least.
 * @throws {TypeError} for a message that no JSON can be made of
 */
export function entriesInParts(messages: StoredMessage[], maxMessages: number, maxBytes: number): NewEntry[][] {
  const parts: NewEntry[][] = []
  let part: NewEntry[] = []
  let bytes = 0
  for (const message of messages) {
    const json = entryJson(message)
    const size = Buffer.byteLength(json)
    if (part.length >= maxMessages || (part.length > 0 && bytes + size > maxBytes)) {
      parts.push(part)
      part = []
      bytes = 0
    }
    part.push({ message, json, bytes: size })
    bytes += size
  }
  if (part.length > 0) parts.push(part)
  return parts
}

/** The run of messages that `claim` replied with. */
export function runFrom(reply: RunReply): Run {
  const [batchId, conversationId, , , firstAtMs, lastAtMs, dueAtMs, releasedAtMs, releasedBy, , , lines] = reply
  return {
    batchId,
    conversationId,
    firstAtMs: Number(firstAtMs),
    lastAtMs: Number(lastAtMs),
    dueAtMs: Number(dueAtMs),
    releasedAtMs: Number(releasedAtMs),
    releasedBy: releaseReason(releasedBy),
    entries: lines.split('\n').map(messageLine),
  }
}

/** An entry of a conversation's list: `<batchId> <receivedAtMs>[:<reason>:<sealedAtMs>] <json>`. */
export function listEntry(entry: string): { batchId: string; receivedAtMs: number; message: StoredMessage } {
  const idEnds = entry.indexOf(' ')
  const timeEnds = entry.indexOf(' ', idEnds + 1)
  const message: StoredMessage = JSON.parse(entry.slice(timeEnds + 1))
  return { batchId: entry.slice(0, idEnds), receivedAtMs: Number.parseInt(entry.slice(idEnds + 1), 10), message }
}

/** A line of a claimed batch: `<receivedAtMs> <json>`. */
function messageLine(line: string): { receivedAtMs: number; message: StoredMessage } {
  const space = line.indexOf(' ')
  return { receivedAtMs: Number(line.slice(0, space)), message: JSON.parse(line.slice(space + 1)) }
}

const releaseReason = (word: string): ReleaseReason => RELEASE_REASONS.find(reason => reason === word) ?? 'recovery'
