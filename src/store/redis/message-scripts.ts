/** The scripts for messages that wait: see `scripts.ts`. */
import { hash } from 'node:crypto'
import { conversationIdOf } from '../../conversation.js'
import type { EditRequest, EditResult, OwnMessageState, PauseRequest, RevokeResult } from '../messages.js'
import type { AppendEntry, Appended, AppendPart } from './append-parts.js'
import type { Argument, ScriptRunner } from './script-runner.js'

/** Of each kind, when a message is searched for by its id. */
const CONVERSATIONS_SEARCHED = 1000
/** Message ids in the history are cut to this many characters. */
const ID_RECORDED = 80

export class MessageScripts {
  constructor(private readonly runner: ScriptRunner) {}

  /**
   * Resolves to the result of each part, in their order; an `Error` for one that failed.
   * @param newBatchId for the first batch that is opened; the ids of further ones are derived from it
   */
  async append(parts: AppendPart[], newBatchId: string): Promise<(Appended | Error)[]> {
    const { batchTtlMs, dedupeMs, maxAgeMs } = this.runner.rules
    const ruleSets = [...new Set(parts.map(({ rules }) => rules))].filter(rules => rules !== '')
    const { storeRules, db } = this.runner
    const args = [...storeRules, batchTtlMs, dedupeMs, maxAgeMs, db, newBatchId, ruleSets.length, ...ruleSets]
    // One array: lists that are joined again cost a microsecond and a half for each message.
    for (const { conversationId, how, rules, entries } of parts) {
      args.push(conversationId, how, ruleSets.indexOf(rules) + 1, entries.length)
      for (const entry of entries) args.push(digestOf(entry.messageId), entry.json, sentArgument(entry))
    }
    return appendedFrom(await this.runner.run<AppendReplies>('append', args))
  }

  /** @param rules the conversation's own, as JSON, `''` for none */
  extend(conversationId: string, worthMs: number, rules: string) {
    return this.runner.run<[string, number] | null>('extend', [
      conversationId,
      worthMs,
      this.runner.rules.batchTtlMs,
      this.runner.db,
      this.runner.supersedes,
      rules,
      ...this.runner.storeRules,
    ])
  }

  /** @param forMs 0 releases the key */
  hold(conversationId: string, key: string, forMs: number) {
    return this.runner.run<[wasHeld: 0 | 1, dueInMs: number]>('hold', [
      conversationId,
      key,
      forMs,
      this.runner.rules.batchTtlMs,
      this.runner.db,
      this.runner.supersedes,
      ...this.runner.storeRules,
    ])
  }

  /** @param newBatchId for the batch that collects @param cause the own message that pauses it */
  pause(conversationId: string, { forMs, keep }: PauseRequest, by: string, newBatchId: string, cause?: string) {
    return this.runner.run<[untilMs: number, dropped: number] | 'bot' | 'again'>('pause', [
      conversationId,
      forMs,
      keep,
      by,
      newBatchId,
      this.runner.rules.batchTtlMs,
      this.runner.db,
      this.runner.supersedes,
      ...this.runner.storeRules,
      cause === undefined ? '' : digestOf(cause),
      this.runner.rules.dedupeMs,
    ])
  }

  resume(conversationId: string, by: string) {
    return this.runner.run<0 | 1>('resume', [
      conversationId,
      by,
      this.runner.rules.batchTtlMs,
      this.runner.db,
      ...this.runner.storeRules,
    ])
  }

  sent(conversationId: string, messageIds: string[], by: string) {
    return this.runner.run<0 | 1>('sent', [
      conversationId,
      by,
      this.runner.rules.dedupeMs,
      this.runner.rules.batchTtlMs,
      this.runner.db,
      ...this.runner.storeRules,
      ...messageIds.map(digestOf),
    ])
  }

  ownMessage(conversationId: string, messageId: string) {
    const { dedupeMs } = this.runner.rules
    return this.runner.run<OwnMessageState>('own-message', [conversationId, digestOf(messageId), dedupeMs])
  }

  wasSent(conversationId: string, messageId: string) {
    return this.runner.run<0 | 1 | -1>('was-sent', [conversationId, digestOf(messageId), this.runner.rules.dedupeMs])
  }

  flush(conversationId: string) {
    return this.runner.run<[batchId: string, count: number] | null>('flush', [
      conversationId,
      this.runner.db,
      this.runner.supersedes,
    ])
  }

  drop(conversationId: string, by: string) {
    return this.runner.run<number>('drop', [conversationId, by, this.runner.supersedes, this.runner.db])
  }

  /** @param newBatchId for the batch that supersedes another */
  edit({ conversationId, messageId, text, authors = [] }: EditRequest, newBatchId: string) {
    return this.runner.run<EditResult>('edit', [
      conversationId,
      ...namesOf(messageId),
      JSON.stringify(text),
      this.runner.rules.dedupeMs,
      this.runner.db,
      ...this.reopening(newBatchId),
      ...authors.map(author => JSON.stringify(author)),
    ])
  }

  /** @param newBatchId for the batch that supersedes another */
  revoke(conversationId: string, messageId: string, authors: readonly string[], newBatchId: string) {
    return this.runner.run<RevokeResult>('revoke', [
      conversationId,
      ...namesOf(messageId),
      this.runner.rules.dedupeMs,
      this.runner.db,
      ...this.reopening(newBatchId),
      ...authors.map(author => JSON.stringify(author)),
    ])
  }

  findMessage(account: string | undefined, messageId: string) {
    return this.runner.run<string | null>('find-message', [
      account === undefined ? '' : conversationIdOf({ account, chatId: '' }),
      JSON.stringify(messageId),
      digestOf(messageId),
      CONVERSATIONS_SEARCHED,
      this.runner.supersedes,
    ])
  }

  forget(conversationId: string) {
    return this.runner.run<[messages: number, holder: string, into: string]>('forget', [
      conversationId,
      this.runner.supersedes,
      this.runner.db,
    ])
  }

  forgetDead(conversationId: string, cursor: string, lookedAt: number) {
    return this.runner.run<[next: string, erased: number]>('forget-dead', [conversationId, cursor, lookedAt])
  }

  forgetHistory(conversationId: string, from: string, lookedAt: number) {
    return this.runner.run<[next: string, erased: number]>('forget-history', [conversationId, from, lookedAt])
  }

  /** What `edit` and `revoke` need to supersede a batch. */
  private reopening(newBatchId: string): Argument[] {
    return [this.runner.inUse.supersede ? newBatchId : '', this.runner.rules.batchTtlMs, ...this.runner.storeRules]
  }
}

/** How many processors listen, and then six values for each part: see `lua/append.lua`. */
type AppendReplies = [listeners: number, ...(number | string)[]]
type AppendReply = [
  accepted: number | string,
  duplicates: number,
  tooOld: number,
  batchId: string,
  dueInMs: number,
  paused: number,
]
const VALUES_A_PART = 6

function appendedFrom(replies: AppendReplies): (Appended | Error)[] {
  const [listeners] = replies
  const appended: (Appended | Error)[] = []
  for (let i = 1; i < replies.length; i += VALUES_A_PART) {
    const [accepted, duplicates, tooOld, batchId, dueInMs, paused] = replies.slice(i, i + VALUES_A_PART) as AppendReply
    if (typeof accepted === 'string') appended.push(new Error(accepted))
    else appended.push({ accepted, duplicates, tooOld, batchId, dueInMs, listeners, paused })
  }
  return appended
}

/** When a message was sent, and how long it holds back its batch: see `lua/append.lua`. */
function sentArgument({ messageId, sentAtMs, holdMs }: AppendEntry): Argument {
  const sentAt = sentAtMs === undefined ? '' : Math.round(sentAtMs)
  return holdMs === 0 ? sentAt : `${sentAt} ${holdMs} ${JSON.stringify(messageId)}`
}

const recordedId = (messageId: string) => JSON.stringify(messageId.slice(0, ID_RECORDED))

/** A message's id as JSON, which finds it; its digest; and its id for the history. */
const namesOf = (messageId: string) => [JSON.stringify(messageId), digestOf(messageId), recordedId(messageId)]

/** Ten characters for an id of any length: 60 bits are enough for the thousands of ids of one conversation. */
export function digestOf(messageId: string): string {
  return hash('sha256', messageId, 'base64url').slice(0, 10)
}
