/**
 * The Lua scripts, one typed function each: `giveBack` calls `lua/give-back.lua`. The header of a script says what it
 * does, takes (ARGV, in this order) and returns.
 */
import { hash } from 'node:crypto'
import type { Redis } from 'ioredis'
import { conversationIdOf } from '../../conversation.js'
import type { RulesInUse } from '../../conversation-rules.js'
import { checkIntervalMs, type Rules } from '../../rules.js'
import { ALIAS_TTL_MS } from '../alias-ttl.js'
import type {
  AccountClaim,
  AnswerOutcome,
  ClaimRequest,
  EditRequest,
  EditResult,
  HoldState,
  Lease,
  NackRequest,
  NackResult,
  RevokeResult,
} from '../store.js'
import { MOST_ACCOUNTS } from '../store.js'
import type { Appended, AppendPart } from './append-parts.js'
import type { RunReply } from './entries.js'
import type { Keys } from './keys.js'
import { luaSources } from './lua.generated.js'

export interface Ending {
  batchId: string
  outcome: AnswerOutcome
  conversationId?: string | undefined
  lease?: number | undefined
}

export interface Ended {
  freed: boolean
  /** -1 if nothing waits */
  dueInMs: number
  /** Since the batch's last message; -1 if that is not known */
  replyMs: number
}

type ScriptName = keyof typeof luaSources
type Argument = string | number

/** Of each kind, when a message is searched for by its id. */
const CONVERSATIONS_SEARCHED = 1000
/** Message ids in the history are cut to this many characters. */
const ID_RECORDED = 80

export class Scripts {
  private readonly checkMs: number
  /** As `lua/shared/rules.lua` takes them. */
  private readonly storeRules: Argument[]

  /** @param inUse kept up to date by the store */
  constructor(
    private readonly redis: Redis,
    private readonly keys: Keys,
    private readonly rules: Rules,
    private readonly inUse: RulesInUse,
    private readonly db: number,
  ) {
    this.checkMs = checkIntervalMs(rules)
    const { quietGapMs, maxWaitMs, maxMessages, maxBytes, earlyStartMs, answering } = rules
    this.storeRules = [quietGapMs, maxWaitMs, maxMessages, maxBytes, earlyStartMs, answering]
    for (const [name, source] of Object.entries(luaSources)) {
      redis.defineCommand(commandName(name), { numberOfKeys: 1, lua: source })
    }
  }

  /**
   * Resolves to the result of each part, in their order; an `Error` for one that failed.
   * @param newBatchId for the first batch that is opened; the ids of further ones are derived from it
   */
  async append(parts: AppendPart[], newBatchId: string): Promise<(Appended | Error)[]> {
    const { batchTtlMs, dedupeMs, maxAgeMs } = this.rules
    const ruleSets = [...new Set(parts.map(({ rules }) => rules))].filter(rules => rules !== '')
    const [listeners, ...replies] = await this.run<[listeners: number, ...AppendReply[]]>('append', [
      ...this.storeRules,
      batchTtlMs,
      dedupeMs,
      maxAgeMs,
      this.db,
      newBatchId,
      ruleSets.length,
      ...ruleSets,
      ...parts.flatMap(({ conversationId, how, rules, entries }) => [
        conversationId,
        how,
        ruleSets.indexOf(rules) + 1,
        entries.length,
        ...entries.flatMap(({ messageId, sentAtMs, json }) => [
          digestOf(messageId),
          json,
          sentAtMs === undefined ? '' : Math.round(sentAtMs),
        ]),
      ]),
    ])
    return replies.map(reply => {
      if (typeof reply === 'string') return new Error(reply)
      const [accepted, duplicates, tooOld, batchId, dueInMs] = reply
      return { accepted, duplicates, tooOld, batchId, dueInMs, listeners }
    })
  }

  extend(conversationId: string, worthMs: number) {
    return this.run<[string, number] | null>('extend', [
      conversationId,
      worthMs,
      this.rules.batchTtlMs,
      this.db,
      this.supersedes,
      ...this.storeRules,
    ])
  }

  claim({ owner, maxBatches, maxBytes }: ClaimRequest) {
    const { rules } = this
    return this.run<
      [
        batches: RunReply[],
        checks: [
          batchId: string,
          conversationId: string,
          handedOverForMs: number,
          workerAttempt: string,
          workingForMs: number,
        ][],
        dead: [batchId: string, conversationId: string, error: string][],
        troubles: [conversationId: string, error: string, batchId: string][],
        nextInMs: number,
      ]
    >('claim', [
      owner,
      maxBatches,
      maxBytes,
      rules.leaseMs,
      rules.maxAttempts,
      rules.batchTtlMs,
      this.checkMs,
      rules.answerTimeoutMs,
      this.db,
      ...this.storeRules,
      this.longestWaitMs,
    ])
  }

  renew(leases: Lease[]) {
    const { leaseMs, batchTtlMs } = this.rules
    return this.run<LostReply[]>('renew', [
      leaseMs,
      batchTtlMs,
      this.supersedes,
      ...leases.flatMap(({ batchId, lease }) => [batchId, lease]),
    ])
  }

  ack(batchIds: string[], owner: string) {
    const { order, batchTtlMs } = this.rules
    return this.run<[batchId: string, error: string][]>('ack', [
      order,
      this.checkMs,
      batchTtlMs,
      owner,
      this.db,
      ...batchIds,
    ])
  }

  nack({ batchId, lease, delayMs, counts, error }: NackRequest) {
    const { maxAttempts, batchTtlMs } = this.rules
    return this.run<NackResult>('nack', [
      batchId,
      lease,
      delayMs,
      counts ? 1 : 0,
      maxAttempts,
      error,
      batchTtlMs,
      this.db,
      ...this.storeRules,
    ])
  }

  giveBack(owner: string, keep: string[]) {
    return this.run<string[]>('give-back', [owner, this.db, ...keep])
  }

  /** Resolves to how many checks of all batches are still ahead. @param ofAll how many of those become due too */
  checkNow(batchIds: string[], ofAll = 0) {
    return this.run<number>('check-now', [this.db, ofAll, ...batchIds])
  }

  workerStarted(batchId: string, workerAttempt: string) {
    return this.run<null>('worker-started', [batchId, workerAttempt, this.rules.answerTimeoutMs, this.checkMs])
  }

  /** Resolves to each result, in order; to an `Error` for an ending that failed. */
  async answered(endings: Ending[]): Promise<(Ended | Error)[]> {
    const replies = await this.run<(string | [freed: number, dueInMs: number, replyMs: number])[]>('answered', [
      this.db,
      this.supersedes,
      ...this.storeRules,
      ...endings.flatMap(({ batchId, outcome, conversationId = '', lease = '' }) => [
        batchId,
        outcome,
        conversationId,
        lease,
      ]),
    ])
    return replies.map(reply => {
      if (typeof reply === 'string') return new Error(reply)
      const [freed, dueInMs, replyMs] = reply
      return { freed: freed === 1, dueInMs, replyMs }
    })
  }

  flush(conversationId: string) {
    return this.run<[batchId: string, count: number] | null>('flush', [conversationId, this.db, this.supersedes])
  }

  drop(conversationId: string, by: string) {
    return this.run<number>('drop', [conversationId, by, this.supersedes, this.db])
  }

  forget(conversationId: string) {
    return this.run<[messages: number, underWay: string]>('forget', [conversationId, this.supersedes, this.db])
  }

  forgetDead(conversationId: string, cursor: string, lookedAt: number) {
    return this.run<[next: string, erased: number]>('forget-dead', [conversationId, cursor, lookedAt])
  }

  forgetHistory(conversationId: string, from: string, lookedAt: number) {
    return this.run<[next: string, erased: number]>('forget-history', [conversationId, from, lookedAt])
  }

  /** @param newBatchId for the batch that supersedes another */
  edit({ conversationId, messageId, text, authors = [] }: EditRequest, newBatchId: string) {
    return this.run<EditResult>('edit', [
      conversationId,
      ...namesOf(messageId),
      JSON.stringify(text),
      this.rules.dedupeMs,
      this.db,
      ...this.reopening(newBatchId),
      ...authors.map(author => JSON.stringify(author)),
    ])
  }

  /** @param newBatchId for the batch that supersedes another */
  revoke(conversationId: string, messageId: string, authors: readonly string[], newBatchId: string) {
    return this.run<RevokeResult>('revoke', [
      conversationId,
      ...namesOf(messageId),
      this.rules.dedupeMs,
      this.db,
      ...this.reopening(newBatchId),
      ...authors.map(author => JSON.stringify(author)),
    ])
  }

  commit(batchId: string) {
    return this.run<CommitReply>('commit', [batchId, this.longestWaitMs])
  }

  holdState(batchId: string) {
    return this.run<HoldState>('hold-state', [batchId])
  }

  accountOwner({ account, provider, isProven }: AccountClaim) {
    return this.run<string | null>('account-owner', [account, isProven ? provider : '', MOST_ACCOUNTS])
  }

  putSettings(scope: string, json = '', was = '', most: number) {
    return this.run<'put' | 'changed' | 'full'>('put-settings', [scope, json, was, most, this.db])
  }

  redrive(batchIds: string[], by: string) {
    return this.run<string | null>('redrive', [by, this.db, ...batchIds])
  }

  learn(provider: string, conversationIds: string[]) {
    return this.run<[conversationId: string, others: string[]]>('learn', [provider, ALIAS_TTL_MS, ...conversationIds])
  }

  resolve(provider: string, conversationId: string) {
    return this.run<string>('resolve', [provider, ALIAS_TTL_MS, conversationId])
  }

  samePerson(conversationId: string) {
    return this.run<string[]>('same-person', [conversationId])
  }

  forgetAliases(conversationIds: string[]) {
    return this.run<null>('forget-aliases', conversationIds)
  }

  merge(from: string, into: string) {
    return this.run<number | 'later' | null>('merge', [from, into, this.rules.batchTtlMs, this.db, ...this.storeRules])
  }

  findMessage(account: string | undefined, messageId: string) {
    return this.run<string | null>('find-message', [
      account === undefined ? '' : conversationIdOf({ account, chatId: '' }),
      JSON.stringify(messageId),
      digestOf(messageId),
      CONVERSATIONS_SEARCHED,
      this.supersedes,
    ])
  }

  /** @param shown how many of the last messages, and up to how many bytes of them */
  conversation(conversationId: string, shown: { messages: number; bytes: number }) {
    return this.run<
      [
        nowMs: number,
        waiting: number,
        header: (string | null)[],
        holder: string,
        holderIsClaimed: number,
        entries: string[],
        dueSince: string,
      ]
    >('conversation', [conversationId, shown.messages, shown.bytes])
  }

  conversations(limit: number) {
    return this.run<[nowMs: number, dueWithScores: string[], counts: string[], heldPairs: string[]]>('conversations', [
      limit,
    ])
  }

  totals() {
    return this.run<[open: number, held: number, dead: number, oldestDueAgeMs: number]>('totals', [])
  }

  writable() {
    return this.run<1>('writable', [])
  }

  /** What `edit` and `revoke` need to supersede a batch. */
  private reopening(newBatchId: string): Argument[] {
    return [this.inUse.supersede ? newBatchId : '', this.rules.batchTtlMs, ...this.storeRules]
  }

  private get supersedes(): 0 | 1 {
    return this.inUse.supersede ? 1 : 0
  }

  private get longestWaitMs(): number {
    return this.inUse.longestWaitMs
  }

  /** @typeParam Reply as the script's header says */
  private run<Reply>(name: ScriptName, args: Argument[]): Promise<Reply> {
    const command: (...all: Argument[]) => Promise<Reply> = Reflect.get(this.redis, commandName(name))
    return command.call(this.redis, this.keys.prefix, ...args)
  }
}

export type LostReply = [batchId: string, state: 'superseded' | '', by: string]

export type CommitReply =
  | ['go', again?: 1]
  | ['wait', waitMs: number]
  | ['superseded', by: string]
  | ['answered']
  | ['unknown']

type AppendReply = string | [accepted: number, duplicates: number, tooOld: number, batchId: string, dueInMs: number]

const recordedId = (messageId: string) => JSON.stringify(messageId.slice(0, ID_RECORDED))

/** A message's id as JSON, which finds it; its digest; and its id for the history. */
const namesOf = (messageId: string) => [JSON.stringify(messageId), digestOf(messageId), recordedId(messageId)]

const commandName = (name: string) => `lull-${name}`

/** Ten characters for an id of any length: 60 bits are enough for the thousands of ids of one conversation. */
export function digestOf(messageId: string): string {
  return hash('sha256', messageId, 'base64url').slice(0, 10)
}
