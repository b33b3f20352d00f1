/**
 * How messages stand in Redis, as text (see lua/shared/entry.lua): their JSON is opaque to the scripts but for its
 * beginning, and comes back byte for byte.
 */
import { isReleaseReason, type MessageRun, type ReleaseReason, type StoredMessage } from '../../batch.js'

/**
 * A message as JSON, `["<id>","<text>",{<the rest>}]`: by its id and its text, or `null`, the scripts find and edit it. The
 * rest is left out where there is none, and the type where it is `text`: most messages are no more than that.
 */
export function entryJson({ messageId, text, type, ...others }: StoredMessage): string {
  const rest = type === 'text' ? others : { type, ...others }
  const named = [messageId, typeof text === 'string' ? text : null]
  return JSON.stringify(Object.keys(rest).length === 0 ? named : [...named, rest])
}

/** The message that `entryJson` made this of. */
export function messageFrom(json: string): StoredMessage {
  const [messageId, text, rest]: [string, string | null, Partial<StoredMessage>?] = JSON.parse(json)
  return { messageId, type: 'text', ...(text === null ? {} : { text }), ...rest }
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

/** A batch as `claim` returns it. */
export type RunReply = [
  batchId: string,
  conversationId: string,
  attempt: number | string,
  lease: number | string,
  firstAtMs: string,
  lastAtMs: string,
  dueAtMs: string,
  releasedAtMs: number | string,
  releasedBy: string,
  lateMs: number,
  headerLost: string,
  lines: string,
]

/** The run of messages that `claim` replied with. */
export function runFrom(reply: RunReply): MessageRun {
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
  return {
    batchId: entry.slice(0, idEnds),
    receivedAtMs: Number.parseInt(entry.slice(idEnds + 1), 10),
    message: messageFrom(entry.slice(timeEnds + 1)),
  }
}

/** A line of a claimed batch: `<receivedAtMs> <json>`. */
function messageLine(line: string): { receivedAtMs: number; message: StoredMessage } {
  const space = line.indexOf(' ')
  return { receivedAtMs: Number(line.slice(0, space)), message: messageFrom(line.slice(space + 1)) }
}

const releaseReason = (word: string): ReleaseReason => (isReleaseReason(word) ? word : 'recovery')
