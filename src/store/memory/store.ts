/**
 * The store in one process's memory. `lull up` uses it if there is no Redis, and the Redis scripts are tested against
 * it. Nothing outlives the process.
 *
 * Each transition has the same meaning as its script. The files here name the scripts that they correspond to:
 *
 *   appending.ts      append
 *   correcting.ts     edit, revoke, find-message
 *   batches.ts        claim, and everything that ends a lease or a hold
 *   aliases.ts        learn, resolve, and the ids of a person
 *   merge.ts          merge
 *   superseding.ts    commit, and what supersedes an answer
 *   pausing.ts        hold, release, pause, resume, sent, was-sent
 *   due.ts            when a batch is due by all that
 *   conversations.ts  extend, flush, drop, forget, redrive, discard-dead, and reads
 *   state.ts          what is kept, and what several transitions share
 *   structures.ts     the sorted set, the stream and the channel that it is kept in
 *
 * It has no counterpart to faults that one process cannot have: foreign keys, lost replies, and a header that another
 * program deletes (`loseHeader` does that in tests).
 */
import { randomUUID } from 'node:crypto'
import { type NamesOf, RULE_NAMES, refuseUnknown } from '../../config/known-options.js'
import type { RulesInUse } from '../../conversation-rules.js'
import { type RuleOptions, type Rules, rulesFrom } from '../../rules.js'
import { newBatchId as randomBatchId } from '../batch-id.js'
import type { Sessions } from '../sessions.js'
import type { SettingsStore } from '../settings.js'
import {
  type AccountClaim,
  type AliasListener,
  type AnsweredResult,
  type AnswerOutcome,
  type AppendRequest,
  type AppendResult,
  type ClaimRequest,
  type ClaimResult,
  type CommitResult,
  type ConversationState,
  type ConversationSummary,
  type DeadBatch,
  type EditRequest,
  type EditResult,
  type ExtendOptions,
  type ForgetResult,
  type GrowthListener,
  type HistoryEntry,
  type HoldState,
  type Learnt,
  type Lease,
  type LostLease,
  type MergeResult,
  MOST_ACCOUNTS,
  type NackRequest,
  type NackResult,
  type Notifications,
  type OwnMessageState,
  type PauseRequest,
  type PauseResult,
  type RevokeResult,
  type Store,
  type StoreEvent,
  type StoreIdentity,
  StoreUnavailable,
  type SupersedeListener,
  type Totals,
} from '../store.js'
import { append } from './appending.js'
import { ack, answered, checkAllNow, checkNow, claim, giveBack, nack, renew, workerStarted } from './batches.js'
import {
  conversationState,
  conversationSummaries,
  deadBatches,
  discardDead,
  drop,
  extend,
  flush,
  forget,
  redrive,
  type Snapshot,
  snapshot,
  totals,
} from './conversations.js'
import { edit, findMessage, revoke } from './correcting.js'
import { merge } from './merge.js'
import { hold, ownMessage, pause, pauseByMessage, paused, resume, sent, wasSent } from './pausing.js'
import { MemorySessions } from './sessions.js'
import { MemorySettings } from './settings.js'
import { State, steady } from './state.js'
import { commit, holdState } from './superseding.js'

/** The rules, and what tests give. All are optional. */
export interface MemoryStoreOptions extends RuleOptions {
  /**
   * The clock, in milliseconds since the epoch; tests give their own.
   * @defaultValue Date.now
   */
  now?: () => number
  /**
   * Makes a batch's id; tests give their own.
   * @defaultValue random
   */
  newBatchId?: () => string
}

const OPTIONS: NamesOf<Omit<MemoryStoreOptions, keyof RuleOptions>> = { now: true, newBatchId: true }

/**
 * A store in this process's memory. All is lost when the process ends. Give one to a `Batcher` and to a `Processor` of
 * the same process, and close it yourself.
 */
export class MemoryStore implements Store {
  readonly partitions = 1
  readonly partitionsAway = 0
  readonly rules: Rules
  readonly rulesInUse: RulesInUse
  readonly sessions: Sessions
  readonly settings: SettingsStore = new MemorySettings()
  private readonly everything: State
  private readonly identity: StoreIdentity = {
    address: 'memory',
    db: 0,
    prefix: '',
    runId: randomUUID(),
    version: 'embedded',
  }
  private closed = false

  /**
   * @throws {TypeError} for an unknown option
   * @throws {RangeError} for a rule out of its bounds
   */
  constructor(given: MemoryStoreOptions = {}) {
    refuseUnknown('MemoryStore', given, [...RULE_NAMES, ...Object.keys(OPTIONS)])
    const { now = Date.now, newBatchId = randomBatchId, ...options } = given
    this.rules = rulesFrom(options)
    this.sessions = new MemorySessions(now)
    this.everything = new State(this.rules, steady(now), 'memory', newBatchId)
    this.rulesInUse = this.everything.rulesInUse
  }

  async open(): Promise<StoreIdentity> {
    await this.ready()
    return this.identity
  }

  async close(): Promise<void> {
    this.closed = true
    this.everything.processors.clear()
    this.everything.growth.clear()
    this.everything.superseded.clear()
    this.everything.log.followers.clear()
    this.everything.aliases.news.clear()
  }

  async append(request: AppendRequest): Promise<AppendResult> {
    return append(this.state, request)
  }

  async extend(conversationId: string, worthMs: number, options?: ExtendOptions) {
    return extend(this.state, conversationId, worthMs, options)
  }

  async hold(conversationId: string, key: string, forMs: number): Promise<{ dueInMs?: number }> {
    const { dueInMs } = hold(this.state, conversationId, key, Math.max(Math.round(forMs), 1))
    return dueInMs === undefined ? {} : { dueInMs }
  }

  async release(conversationId: string, key: string): Promise<boolean> {
    return hold(this.state, conversationId, key, 0).wasHeld
  }

  async pause(conversationId: string, request: PauseRequest): Promise<PauseResult> {
    return pause(this.state, conversationId, request)
  }

  async pauseByMessage(conversationId: string, messageId: string, request: PauseRequest) {
    return pauseByMessage(this.state, conversationId, messageId, request)
  }

  async ownMessage(conversationId: string, messageId: string): Promise<OwnMessageState> {
    return ownMessage(this.state, conversationId, messageId)
  }

  async sent(conversationId: string, messageIds: string[]): Promise<boolean> {
    return sent(this.state, conversationId, messageIds)
  }

  async wasSent(conversationId: string, messageId: string): Promise<boolean | undefined> {
    return wasSent(this.state, conversationId, messageId)
  }

  async resume(conversationId: string): Promise<boolean> {
    return resume(this.state, conversationId)
  }

  async paused(limit: number) {
    return paused(this.state, limit)
  }

  async claim(request: ClaimRequest): Promise<ClaimResult> {
    return claim(this.state, request)
  }

  async renew(leases: Lease[]): Promise<LostLease[]> {
    return renew(this.state, leases)
  }

  async ack(batchIds: string[]): Promise<void> {
    ack(this.state, batchIds)
  }

  async nack(request: NackRequest): Promise<NackResult> {
    return nack(this.state, request)
  }

  async giveBack(owner: string, keep: string[] = []): Promise<string[]> {
    return giveBack(this.state, owner, keep)
  }

  async checkAllNow(): Promise<void> {
    checkAllNow(this.state)
  }

  async checkNow(batchIds: string[]): Promise<void> {
    checkNow(this.state, batchIds)
  }

  async workerStarted(batchId: string, workerAttempt: string): Promise<void> {
    workerStarted(this.state, batchId, workerAttempt)
  }

  async answered(
    batchId: string,
    outcome: AnswerOutcome,
    conversationId?: string,
    lease?: number,
  ): Promise<AnsweredResult> {
    return answered(this.state, batchId, outcome, conversationId, lease)
  }

  async commit(batchId: string): Promise<CommitResult> {
    if (this.rules.order === 'concurrent') return { state: 'go' }
    return commit(this.state, batchId)
  }

  async holdState(batchId: string): Promise<HoldState> {
    return holdState(this.state, batchId)
  }

  async flush(conversationId: string) {
    return flush(this.state, conversationId)
  }

  async drop(conversationId: string): Promise<number> {
    return drop(this.state, conversationId)
  }

  async learn(provider: string, conversationIds: string[]): Promise<Learnt> {
    return this.state.aliases.learn(provider, conversationIds, this.state.now())
  }

  async resolve(provider: string, conversationId: string): Promise<string> {
    return this.state.aliases.resolve(provider, conversationId, this.state.now())
  }

  async samePerson(conversationId: string): Promise<string[]> {
    return this.state.aliases.samePerson(conversationId, this.state.now())
  }

  async merge(from: string, into: string): Promise<MergeResult> {
    return merge(this.state, from, into)
  }

  async edit(request: EditRequest): Promise<EditResult> {
    return edit(this.state, request)
  }

  async revoke(conversationId: string, messageId: string, authors?: readonly string[]): Promise<RevokeResult> {
    return revoke(this.state, conversationId, messageId, authors)
  }

  async forget(conversationId: string): Promise<ForgetResult> {
    return forget(this.state, conversationId)
  }

  async accountOwner({ account, provider, isProven }: AccountClaim): Promise<string | undefined> {
    const { accounts } = this.state
    const owner = accounts.get(account)
    if (owner !== undefined || !isProven || accounts.size >= MOST_ACCOUNTS) return owner
    accounts.set(account, provider)
    return provider
  }

  async redrive(...batchIds: [string, ...string[]]) {
    return redrive(this.state, batchIds)
  }

  async discardDead(batchIds: string[]): Promise<number> {
    return discardDead(this.state, batchIds)
  }

  async findMessage(account: string | undefined, messageId: string): Promise<string | undefined> {
    return findMessage(this.state, account, messageId)
  }

  async conversation(conversationId: string): Promise<ConversationState> {
    return conversationState(this.state, conversationId)
  }

  async conversations(limit: number): Promise<ConversationSummary[]> {
    return conversationSummaries(this.state, limit)
  }

  async totals(): Promise<Totals> {
    return totals(this.state)
  }

  async history({ conversationId, limit }: { conversationId?: string; limit: number }): Promise<HistoryEntry[]> {
    return this.state.history(limit, conversationId)
  }

  async dead(limit: number): Promise<DeadBatch[]> {
    return deadBatches(this.state, limit)
  }

  /** Publishes `subscribed` and `next-due` only: no key expires here, and a processor has a timer. */
  async listen(listener: (event: StoreEvent) => void): Promise<() => Promise<void>> {
    const stop = this.state.processors.add(listener, { kind: 'subscribed' })
    return async () => stop()
  }

  async follow(listener: (entry: HistoryEntry) => void): Promise<() => Promise<void>> {
    const stop = this.state.log.followers.add(listener)
    return async () => stop()
  }

  async followGrowth({ grew }: GrowthListener): Promise<() => Promise<void>> {
    const stop = this.state.growth.add(grew)
    return async () => stop()
  }

  async followSuperseded(listener: SupersedeListener): Promise<() => Promise<void>> {
    const stop = this.state.superseded.add(
      news => news(listener),
      news => news.missed(),
    )
    return async () => stop()
  }

  async followAliases({ learnt, missed }: AliasListener): Promise<() => Promise<void>> {
    const stop = this.state.aliases.news.add(learnt)
    missed()
    return async () => stop()
  }

  async ready(): Promise<void> {
    void this.state
  }

  async ensureNotifications(): Promise<Notifications> {
    return { result: 'there', flags: '' }
  }

  /**
   * All batches and messages by their ids. For tests.
   * @internal
   */
  snapshot(): Snapshot {
    return snapshot(this.everything)
  }

  /**
   * The number of message ids that are remembered. For tests.
   * @internal
   */
  get idsRemembered(): number {
    return this.everything.seen.size
  }

  /**
   * Deletes the open batch's header, as another program or an eviction may in Redis. For tests.
   * @internal
   */
  loseHeader(conversationId: string): void {
    delete this.everything.conversations.get(conversationId)?.header
  }

  private get state(): State {
    if (this.closed) throw new StoreUnavailable('connection', 'the memory store was closed: make a new one')
    return this.everything
  }
}
