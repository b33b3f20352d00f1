/**
 * How messages are kept in Redis, as text (see lua/shared/entry.lua). The scripts read only the beginning of a
 * message's JSON, and return all of it byte for byte.
 */
import { z } from 'zod'
import { isReleaseReason, type MessageRun, type ReleaseReason, type StoredMessage } from '../../batch.js'

/**
 * A message as JSON: `["<id>","<text>",{<the rest>}]`. The scripts find it by its id and edit its text, which is `null`
 * if it has none. The rest is left out if it is empty, and the type if it is `text`: most messages are an id and a
 * text.
 */
export function entryJson({ messageId, text, type, senderId, ...others }: StoredMessage): string {
  const isBare = senderId === undefined && type === 'text' && Object.keys(others).length === 0
  const named = [messageId, typeof text === 'string' ? text : null]
  if (isBare) return JSON.stringify(named)
  // The sender comes first: the scripts compare it with the author of an edit (lua/shared/find.lua).
  return JSON.stringify([...named, type === 'text' ? { senderId, ...others } : { senderId, type, ...others }])
}

/** The reverse of `entryJson`. */
export function messageFrom(json: string): StoredMessage {
  const [messageId, text, rest]: [string, string | null, Partial<StoredMessage>?] = JSON.parse(json)
  return { messageId, type: 'text', ...(text === null ? {} : { text }), ...rest }
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
  supersedes: string,
  claimedAtMs: string,
  /** The conversation's own, as JSON. */
  rules: string,
]

const ownRules = z.object({ answering: z.enum(['queue', 'supersede']).optional() })

/** The run of messages that `claim` replied with. */
export function runFrom(reply: RunReply): MessageRun {
  const [batchId, conversationId, , , firstAtMs, lastAtMs, dueAtMs, releasedAtMs, releasedBy, , , ...rest] = reply
  const [lines, supersedes, claimedAtMs, rules] = rest
  return {
    batchId,
    conversationId,
    firstAtMs: Number(firstAtMs),
    lastAtMs: Number(lastAtMs),
    dueAtMs: Number(dueAtMs),
    releasedAtMs: Number(releasedAtMs),
    claimedAtMs: Number(claimedAtMs),
    releasedBy: releaseReason(releasedBy),
    entries: lines.split('\n').map(messageLine),
    ...(supersedes === '' ? {} : { supersedes: supersedes.split(' ') }),
    ...(rules === '' ? {} : { answering: ownRules.parse(JSON.parse(rules)).answering }),
  }
}

/** An entry of a conversation's list: `<batchId> <receivedAtMs>[:<the seal>] <json>`. */
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
