/**
 * The store on Redis: one place, all of whose names begin with its prefix. Each transition is one call of a script
 * (`scripts.ts`), whose reply becomes the store's type (`replies.ts`). Appends and answers that come together share a
 * call (`grouped-calls.ts`). What blocks or subscribes has a connection of its own (`link.ts`).
 *
 * `PartitionedStore` has several of these, on one Redis or on a Cluster; none of them knows of the others.
 */
import type { Redis } from 'ioredis'
import { type NamesOf, RULE_NAMES, refuseUnknown } from '../../config/known-options.js'
import { RulesInUse } from '../../conversation-rules.js'
import { withArrivals } from '../../history/arrivals.js'
import { type Logger, silent } from '../../logger.js'
import type { Observer } from '../../observer.js'
import { RedisProcesses } from '../../presence/processes.js'
import { processName } from '../../process-name.js'
import { type RuleOptions, type Rules, rulesFrom, rulesSchema } from '../../rules.js'
import { newBatchId as randomBatchId } from '../batch-id.js'
import { deploymentFrom } from '../deployment.js'
import type { Sessions } from '../sessions.js'
import type { SettingsStore } from '../settings.js'
import {
  type AccountClaim,
  type AliasListener,
  type AnsweredResult,
  type AnswerOutcome,
  type AppendRequest,
  type AppendResult,
  BYTES_SHOWN,
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
  MESSAGES_SHOWN,
  type MergeResult,
  type NackRequest,
  type NackResult,
  type Notifications,
  type OwnMessageState,
  type PauseRequest,
  type PauseResult,
  type ProcessorList,
  type ProcessRegistry,
  type RevokeResult,
  type Store,
  type StoreEvent,
  type StoreEvents,
  type StoreIdentity,
  StoreUnavailable,
  type SupersedeListener,
  type Totals,
} from '../store.js'
import { aliasEvents } from './alias-events.js'
import { type Appended, type AppendPart, addReply, partsOf, shareOf } from './append-parts.js'
import type { Ended, Ending } from './batch-scripts.js'
import { oneLine } from './errors.js'
import { canaryEvents, storeEvents } from './events.js'
import type { About } from './foreign-key.js'
import { type Forgotten, forget } from './forget.js'
import { GroupedCalls } from './grouped-calls.js'
import { growthEvents } from './growth.js'
import { FOLLOWING_OPTIONS, historyFollower, historyReader } from './history-follower.js'
import { Keys } from './keys.js'
import { RedisLink, type SubscribeOptions } from './link.js'
import { RedisMoves } from './moves.js'
import { RedisNodes } from './nodes.js'
import { RedisProcessors } from './processors.js'
import { deadFrom, HISTORY_PAGE, historyFrom } from './reads.js'
import {
  answerCheck,
  bytesClaimed,
  type ClaimReply,
  claimedBatch,
  commitResult,
  conversationState,
  conversationSummaries,
  lostLease,
  pausedConversations,
} from './replies.js'
import { type ScriptLayout, ScriptRunner, WHOLE } from './script-runner.js'
import { Scripts } from './scripts.js'
import { ensureExpiryEvents } from './server.js'
import { RedisSessions } from './sessions.js'
import { RedisSettings } from './settings.js'
import type { RedisSource } from './source.js'
import { checkSource } from './source-options.js'
import type { ChannelListener } from './subscription.js'
import { supersedeEvents } from './supersede-events.js'

/** The rules are among the options, as for a `Batcher`, or all in `rules`. */
export interface RedisStoreOptions extends RuleOptions {
  /** In any form that a `Batcher` takes. */
  redis: RedisSource
  /**
   * First part of every key and channel.
   * @defaultValue 'rapid-fire'
   */
  prefix?: string
  /** All of them, as `rulesFrom` returns them. */
  rules?: Rules
  /**
   * Names the connections, `lull.<role>.<host>.<pid>`: `api`, `processor`, …
   * @defaultValue 'store'
   */
  role?: string
  /** Names the connections, instead of `role`. */
  name?: string
  /**
   * A pino instance, or an object with `debug`, `info`, `warn` and `error`.
   * @defaultValue silent
   */
  log?: Logger
  /** Called with what happens, for metrics. */
  observer?: Observer
  /**
   * Makes a batch's id; tests give their own.
   * @defaultValue random
   */
  newBatchId?: () => string
  /**
   * Replicas that must have what is acknowledged (an append, a claim, a commit, a pause) before it is: a whole number
   * from 0 to 100.
   * @defaultValue 0
   */
  waitReplicas?: number
}

const OPTIONS: NamesOf<Omit<RedisStoreOptions, keyof RuleOptions>> = {
  redis: true,
  prefix: true,
  rules: true,
  role: true,
  name: true,
  log: true,
  observer: true,
  newBatchId: true,
  waitReplicas: true,
}

/**
 * What a store that is a partition shares with the others.
 * @internal
 */
export interface SharedParts {
  /** Opened and closed by their owner. */
  nodes: RedisNodes
  layout?: ScriptLayout
  rulesInUse: RulesInUse
}

/** Ids of the bot's messages that one script call takes. */
const IDS_A_CALL = 500
/** Ended answers that one script call takes. */
const ENDINGS_A_CALL = 100
/** Batches that one script call acknowledges, renews or makes due for a check. */
const BATCHES_A_CALL = 500

/**
 * A store on one Redis, without partitions. A `Batcher` and a `Processor` with `redis` make their own; with one of these
 * they share its connections. Close it yourself.
 */
export class RedisStore implements Store {
  readonly rules: Rules
  readonly rulesInUse: RulesInUse
  /** @internal */
  readonly keys: Keys
  /** Of its connections. */
  readonly name: string
  readonly processes: ProcessRegistry
  readonly processors: ProcessorList
  readonly sessions: Sessions
  readonly settings: SettingsStore
  /** @internal */
  readonly moves: RedisMoves
  readonly canary: NonNullable<StoreEvents['canary']> = {
    set: async (name: string, ttlMs: number) => {
      await this.link.read(() => this.link.client.set(this.keys.canary(name), '', 'PX', ttlMs))
    },
    touch: async (name: string) => {
      await this.link.read(() => this.link.client.exists(this.keys.canary(name)))
    },
    listen: (listener: (name: string) => void) =>
      this.subscribe(canaryEvents(this.keys, this.db, listener), { isRequired: true }),
  }
  readonly partitions = 1
  private readonly nodes: RedisNodes
  private readonly isShared: boolean
  private readonly waits: boolean
  private readonly layout: ScriptLayout
  private readonly link: RedisLink
  private readonly scripts: Scripts
  private readonly durable: (client: Redis) => Scripts
  private readonly appends: GroupedCalls<AppendPart, Appended>
  private readonly endings: GroupedCalls<Ending, Ended>
  private readonly log: Logger
  private readonly newBatchId: () => string

  /**
   * Does not connect yet.
   * @throws {RangeError} for a prefix with which two names could be the same, or an option out of its bounds
   * @throws {TypeError} for an unknown option, a rule beside `rules`, or a `redis` that cannot be used
   */
  constructor(options: RedisStoreOptions)
  /**
   * For a partition: see `PartitionedStore`.
   * @internal
   */
  constructor(options: RedisStoreOptions, shared: SharedParts)
  constructor(options: RedisStoreOptions, shared?: SharedParts) {
    refuseUnknown('RedisStore', options, [...RULE_NAMES, ...Object.keys(OPTIONS)])
    const { redis, prefix, rules: given, role = 'store', name, ...more } = options
    const { log = silent, newBatchId = randomBatchId, observer = {}, waitReplicas, ...single } = more
    if (!shared) checkSource(redis)
    deploymentFrom({ waitReplicas })
    const rules = rulesAmong(single, given)
    this.rules = rules
    this.rulesInUse = shared?.rulesInUse ?? new RulesInUse(rules)
    this.keys = new Keys(prefix)
    this.name = name ?? processName(role)
    this.log = log
    this.newBatchId = newBatchId
    this.nodes = shared?.nodes ?? new RedisNodes({ redis, name: this.name, log, observer, waitReplicas })
    this.isShared = shared !== undefined
    this.waits = this.nodes.waitReplicas > 0
    this.layout = shared?.layout ?? WHOLE
    this.link = new RedisLink({ nodes: this.nodes, keys: this.keys, log, observer })
    const { keys, rulesInUse: inUse, layout, link } = this
    const runner = { keys, rules, inUse, layout, server: link }
    this.scripts = new Scripts(new ScriptRunner(runner))
    this.durable = client => new Scripts(new ScriptRunner({ ...runner, server: { client, db: link.db } }))
    this.appends = new GroupedCalls(parts => this.appendAll(parts), shareOf)
    this.endings = new GroupedCalls(
      requests => this.link.write(() => this.scripts.batches.answered(requests)),
      () => 1 / ENDINGS_A_CALL,
    )
    this.processes = new RedisProcesses(this.link, this.keys.processes, this.name, log)
    this.processors = new RedisProcessors(this.link, this.keys, this.scripts)
    this.sessions = new RedisSessions(this.link, this.keys)
    this.settings = new RedisSettings(this.link, this.keys, this.scripts)
    this.moves = new RedisMoves({
      link,
      keys,
      scripts: this.scripts,
      newBatchId,
      run: (work, about) => this.acknowledged(work, about),
    })
  }

  /** A write on whose reply somebody relies: with `waitReplicas` it counts only when so many replicas have it. */
  private acknowledged<Reply>(work: (scripts: Scripts) => Promise<Reply>, about: About = {}): Promise<Reply> {
    const { link, scripts } = this
    return this.waits
      ? link.durably(client => work(this.durable(client)), about)
      : link.write(() => work(scripts), about)
  }

  /** The Redis database. */
  get db(): number {
    return this.link.db
  }

  /** The server that has its keys now; `undefined` if a Cluster has none for them. */
  get server(): string | undefined {
    return this.link.server
  }

  /** The connection for commands: for what looks at the keys themselves. @throws {StoreUnavailable} */
  get redis(): Redis {
    return this.link.client
  }

  get partitionsAway(): number {
    return this.link.isServed ? 0 : 1
  }

  async open(): Promise<StoreIdentity> {
    const facts = await this.nodes.open()
    await this.probe()
    const { address, db } = this.link
    return { address, prefix: this.keys.prefix, runId: facts.runId, version: facts.version, db }
  }

  /**
   * Checks that the server runs what the scripts need: services differ.
   * @throws one line that names what it refuses. A server that cannot be written now, and a user without some rights,
   *   are no reason: that may change, and `lull doctor` says it
   */
  async probe(): Promise<void> {
    const { address } = this.link
    let refused: string[]
    try {
      refused = (await this.link.read(() => this.scripts.probe())).filter(
        line => !/: (?:NOPERM|ERR The user)/.test(line),
      )
    } catch (error) {
      if (error instanceof StoreUnavailable) return
      refused = [error instanceof Error ? error.message : String(error)]
    }
    const [line] = refused
    if (line !== undefined)
      throw new Error(`Redis at ${address} refuses what Lull’s scripts need (${oneLine(line)}): see docs/redis.md`)
  }

  /** Calls that wait in a group are sent first. */
  async close(): Promise<void> {
    await Promise.all([this.appends.idle(), this.endings.idle()])
    await this.link.close()
    if (!this.isShared) await this.nodes.close()
  }

  /**
   * A long request takes several script calls. If one fails, repeat the request: what was written are duplicates then.
   */
  async append(request: AppendRequest): Promise<AppendResult> {
    await this.link.checkMemory()
    if (request.rules) this.rulesInUse.add(request.rules)
    const result: AppendResult = { accepted: 0, duplicates: 0, tooOld: 0 }
    for (const part of partsOf(request, this.rules)) {
      const reply = await this.appends.add(part)
      if (reply instanceof Error) throw await this.link.failed(reply, { conversationId: request.conversationId })
      addReply(result, reply)
    }
    return result
  }

  async extend(conversationId: string, worthMs: number, { rules }: ExtendOptions = {}) {
    if (rules) this.rulesInUse.add(rules)
    const own = rules ? JSON.stringify(rules) : ''
    const work = () => this.scripts.messages.extend(conversationId, Math.round(worthMs), own)
    const reply = await this.link.write(work, { conversationId })
    return reply ? { batchId: reply[0], dueInMs: reply[1] } : undefined
  }

  async hold(conversationId: string, key: string, forMs: number): Promise<{ dueInMs?: number }> {
    const work = ({ messages }: Scripts) => messages.hold(conversationId, key, Math.max(Math.round(forMs), 1))
    const [, dueInMs] = await this.acknowledged(work, { conversationId })
    return dueInMs < 0 ? {} : { dueInMs }
  }

  async release(conversationId: string, key: string): Promise<boolean> {
    const work = ({ messages }: Scripts) => messages.hold(conversationId, key, 0)
    const [wasHeld] = await this.acknowledged(work, { conversationId })
    return wasHeld === 1
  }

  async pause(conversationId: string, { forMs, keep }: PauseRequest): Promise<PauseResult> {
    const request = { forMs: Math.round(forMs), keep }
    const work = ({ messages }: Scripts) => messages.pause(conversationId, request, this.name, this.newBatchId())
    const reply = await this.acknowledged(work, { conversationId })
    if (typeof reply === 'string') throw new TypeError(`the script pause returned ${reply}`)
    return { untilMs: reply[0], dropped: reply[1] }
  }

  async pauseByMessage(conversationId: string, messageId: string, { forMs, keep }: PauseRequest) {
    const request = { forMs: Math.round(forMs), keep }
    const work = ({ messages }: Scripts) =>
      messages.pause(conversationId, request, this.name, this.newBatchId(), messageId)
    const reply = await this.acknowledged(work, { conversationId })
    return typeof reply === 'string' ? reply : { untilMs: reply[0], dropped: reply[1] }
  }

  ownMessage(conversationId: string, messageId: string): Promise<OwnMessageState> {
    return this.link.write(() => this.scripts.messages.ownMessage(conversationId, messageId), { conversationId })
  }

  async sent(conversationId: string, messageIds: string[]): Promise<boolean> {
    let hasEnded = false
    for (let i = 0; i < messageIds.length; i += IDS_A_CALL) {
      const part = messageIds.slice(i, i + IDS_A_CALL)
      const work = ({ messages }: Scripts) => messages.sent(conversationId, part, this.name)
      hasEnded = (await this.acknowledged(work, { conversationId })) === 1 || hasEnded
    }
    return hasEnded
  }

  async wasSent(conversationId: string, messageId: string): Promise<boolean | undefined> {
    const work = () => this.scripts.messages.wasSent(conversationId, messageId)
    const reply = await this.link.read(work, { conversationId })
    return reply < 0 ? undefined : reply === 1
  }

  async resume(conversationId: string): Promise<boolean> {
    const work = ({ messages }: Scripts) => messages.resume(conversationId, this.name)
    return (await this.acknowledged(work, { conversationId })) === 1
  }

  async paused(limit: number) {
    const reply = await this.link.read(() => this.scripts.paused(limit))
    return pausedConversations(reply)
  }

  async claim(request: ClaimRequest): Promise<ClaimResult> {
    return this.claimResult(await this.claimReply(request))
  }

  /**
   * As `claim`, with the bytes that it has taken of the request's `maxBytes`.
   * @internal
   */
  async claimCounted(request: ClaimRequest): Promise<{ result: ClaimResult; bytes: number }> {
    const reply = await this.claimReply(request)
    return { result: await this.claimResult(reply), bytes: bytesClaimed(reply) }
  }

  private claimReply(request: ClaimRequest): Promise<ClaimReply> {
    return this.acknowledged(({ batches }) => batches.claim(request))
  }

  private async claimResult([batches, checks, dead, troubles, nextInMs]: ClaimReply): Promise<ClaimResult> {
    return {
      batches: batches.map(claimedBatch),
      checks: checks.map(answerCheck),
      dead: dead.map(([batchId, conversationId, error]) => ({ batchId, conversationId, error })),
      troubles: await Promise.all(
        troubles.map(async ([conversationId, error, batchId]) => ({
          conversationId,
          error: await this.link.nameTrouble(error, { conversationId, batchId }),
        })),
      ),
      ...(nextInMs < 0 ? {} : { nextInMs }),
    }
  }

  async renew(leases: Lease[]): Promise<LostLease[]> {
    const lost = await this.inParts(leases, part => this.scripts.batches.renew(part))
    return lost.flat().map(lostLease)
  }

  async ack(batchIds: string[]): Promise<void> {
    const troubles = (await this.inParts(batchIds, part => this.scripts.batches.ack(part, this.name))).flat()
    for (const [batchId, error] of troubles)
      this.log.warn(
        { batchId, error: await this.link.nameTrouble(error, { batchId }) },
        'a handed-over batch could not be acknowledged: it will be handed over again',
      )
  }

  nack(request: NackRequest): Promise<NackResult> {
    return this.link.write(
      () => this.scripts.batches.nack({ ...request, delayMs: Math.round(request.delayMs) }),
      request,
    )
  }

  giveBack(owner: string, keep: string[] = []): Promise<string[]> {
    return this.link.write(() => this.scripts.batches.giveBack(owner, keep))
  }

  async checkNow(batchIds: string[]): Promise<void> {
    await this.inParts(batchIds, part => this.scripts.batches.checkNow(part))
  }

  async checkAllNow(): Promise<void> {
    // No more than there were at first: claims that run meanwhile set new checks.
    let left = await this.link.write(() => this.scripts.batches.checkNow([], BATCHES_A_CALL))
    for (; left > 0; left -= BATCHES_A_CALL)
      await this.link.write(() => this.scripts.batches.checkNow([], BATCHES_A_CALL))
  }

  async workerStarted(batchId: string, workerAttempt: string): Promise<void> {
    await this.link.write(() => this.scripts.batches.workerStarted(batchId, workerAttempt), { batchId })
  }

  async answered(
    batchId: string,
    outcome: AnswerOutcome,
    conversationId?: string,
    lease?: number,
  ): Promise<AnsweredResult> {
    const reply = await this.endings.add({ batchId, outcome, conversationId, lease })
    if (reply instanceof Error) throw await this.link.failed(reply, { batchId })
    const { freed, dueInMs, replyMs } = reply
    return { freed, ...(dueInMs < 0 ? {} : { dueInMs }), ...(replyMs < 0 ? {} : { replyMs }) }
  }

  async commit(batchId: string): Promise<CommitResult> {
    if (this.rules.order === 'concurrent') return { state: 'go' }
    return commitResult(await this.acknowledged(({ batches }) => batches.commit(batchId), { batchId }))
  }

  holdState(batchId: string): Promise<HoldState> {
    return this.link.read(() => this.scripts.batches.holdState(batchId), { batchId })
  }

  async flush(conversationId: string) {
    const reply = await this.acknowledged(({ messages }) => messages.flush(conversationId), { conversationId })
    return reply ? { batchId: reply[0], count: reply[1] } : undefined
  }

  drop(conversationId: string): Promise<number> {
    return this.acknowledged(({ messages }) => messages.drop(conversationId, this.name), { conversationId })
  }

  async forget(conversationId: string): Promise<ForgetResult> {
    const { move: _, ...erased } = await this.forgetPart(conversationId)
    return erased
  }

  /**
   * As `forget`, with what was about to move into another partition.
   * @internal
   */
  forgetPart(conversationId: string): Promise<Forgotten> {
    return this.acknowledged(scripts => forget(scripts, conversationId), { conversationId })
  }

  async learn(provider: string, conversationIds: string[]): Promise<Learnt> {
    await this.link.checkMemory()
    const [conversationId, others] = await this.link.write(() => this.scripts.learn(provider, conversationIds), {
      conversationId: conversationIds[0],
      into: conversationIds[1],
    })
    return { conversationId, others }
  }

  resolve(provider: string, conversationId: string): Promise<string> {
    return this.link.write(() => this.scripts.resolve(provider, conversationId), { conversationId })
  }

  samePerson(conversationId: string): Promise<string[]> {
    return this.link.read(() => this.scripts.samePerson(conversationId), { conversationId })
  }

  /**
   * These ids are nobody's aliases any more.
   * @internal
   */
  async forgetAliases(conversationIds: string[]): Promise<void> {
    await this.link.write(() => this.scripts.forgetAliases(conversationIds))
  }

  async merge(from: string, into: string): Promise<MergeResult> {
    const merged = await this.acknowledged(scripts => scripts.merge(from, into), { conversationId: from, into })
    return merged ?? undefined
  }

  edit(request: EditRequest): Promise<EditResult> {
    return this.acknowledged(({ messages }) => messages.edit(request, this.newBatchId()), request)
  }

  revoke(conversationId: string, messageId: string, authors: readonly string[] = []): Promise<RevokeResult> {
    const work = ({ messages }: Scripts) => messages.revoke(conversationId, messageId, authors, this.newBatchId())
    return this.acknowledged(work, { conversationId })
  }

  async accountOwner(claim: AccountClaim): Promise<string | undefined> {
    return (await this.link.write(() => this.scripts.accountOwner(claim))) ?? undefined
  }

  async redrive(...batchIds: [string, ...string[]]) {
    const work = ({ batches }: Scripts) => batches.redrive(batchIds, this.name)
    const conversationId = await this.acknowledged(work, { batchId: batchIds[0] })
    return conversationId === null ? undefined : { conversationId }
  }

  async discardDead(batchIds: string[]): Promise<number> {
    const counts = await this.inParts(batchIds, part => this.scripts.batches.discardDead(part, this.name))
    return counts.reduce((sum, count) => sum + count, 0)
  }

  async findMessage(account: string | undefined, messageId: string): Promise<string | undefined> {
    return (await this.link.read(() => this.scripts.messages.findMessage(account, messageId))) ?? undefined
  }

  async conversation(conversationId: string): Promise<ConversationState> {
    const read = () => this.scripts.conversation(conversationId, { messages: MESSAGES_SHOWN, bytes: BYTES_SHOWN })
    return conversationState(conversationId, await this.link.read(read, { conversationId }))
  }

  async conversations(limit: number): Promise<ConversationSummary[]> {
    const reply = await this.link.read(() => this.scripts.conversations(limit))
    return conversationSummaries(reply).slice(0, limit)
  }

  async totals(): Promise<Totals> {
    const [open, held, dead, oldestDueAgeMs] = await this.link.read(() => this.scripts.totals())
    return { open, held, dead, oldestDueAgeMs }
  }

  async history({ conversationId, limit }: { conversationId?: string; limit: number }): Promise<HistoryEntry[]> {
    const page = conversationId === undefined ? Math.min(limit, HISTORY_PAGE) : HISTORY_PAGE
    const ids = conversationId === undefined ? undefined : await this.samePerson(conversationId)
    const read = () => historyFrom(this.link.client, this.keys.history, page, limit, ids)
    const history = await this.link.read(read)
    return conversationId === undefined ? history : withArrivals(history).slice(0, limit)
  }

  dead(limit: number): Promise<DeadBatch[]> {
    return this.link.read(() => deadFrom(this.link.client, this.keys.dead, limit))
  }

  listen(listener: (event: StoreEvent) => void): Promise<() => Promise<void>> {
    const { keys, db } = this
    return this.subscribe(this.hasExpiryEvents ? storeEvents(keys, listener, db) : storeEvents(keys, listener))
  }

  async follow(listener: (entry: HistoryEntry) => void): Promise<() => Promise<void>> {
    const { link, log } = this
    const { history } = this.keys
    if (!this.layout.publishesHistory)
      return link.start(FOLLOWING_OPTIONS, client => historyFollower(client, history, listener, log))
    const reader = historyReader(work => link.read(() => work(link.client)), history, listener, log)
    await reader.start()
    const stop = await this.subscribe(reader, { isRequired: true })
    return async () => {
      reader.stop()
      await stop()
    }
  }

  followGrowth(listener: GrowthListener): Promise<() => Promise<void>> {
    return this.subscribe(growthEvents(this.keys.batchUpdated, this.db, listener), { isRequired: true })
  }

  followSuperseded(listener: SupersedeListener): Promise<() => Promise<void>> {
    return this.subscribe(supersedeEvents(this.keys, this.db, listener), { isRequired: true })
  }

  followAliases(listener: AliasListener): Promise<() => Promise<void>> {
    return this.subscribe(aliasEvents(this.keys.aliasLearnt, listener), { isRequired: true })
  }

  async ready(): Promise<void> {
    await this.link.checkMemory()
    await this.link.write(() => this.scripts.writable())
  }

  reconnect(): void {
    this.nodes.drop()
    this.reconnectBeside()
  }

  /** The connections that serve no commands. */
  reconnectBeside(): void {
    this.link.reconnectBeside()
  }

  async ensureNotifications(mayChange: boolean): Promise<Notifications> {
    if (!this.hasExpiryEvents) return { result: 'unneeded', flags: '' }
    return ensureExpiryEvents(this.link.client, this.link.address, mayChange)
  }

  /** A partition does without: its processors would get those of all others on its server. */
  private get hasExpiryEvents(): boolean {
    return this.layout.kind === 'whole'
  }

  private async subscribe(listener: ChannelListener, options: SubscribeOptions = {}): Promise<() => Promise<void>> {
    const { link } = this
    const isWhole = this.layout.kind === 'whole'
    const { stop } = await (isWhole ? link.subscribe(listener, options) : link.subscribeShared(listener, options))
    return stop
  }

  private appendAll(parts: AppendPart[]): Promise<(Appended | Error)[]> {
    if (!this.waits) return this.link.write(() => this.scripts.messages.append(parts, this.newBatchId()))
    return this.link.durably(async client => {
      const replies = await this.durable(client).messages.append(parts, this.newBatchId())
      const [{ conversationId } = { conversationId: '' }] = parts
      // Duplicates write nothing, and WAIT counts from this connection's last write. The message may have been written
      // on another connection, and may not be on the replicas yet.
      const isNew = replies.some(reply => reply instanceof Error || reply.accepted > 0)
      if (!isNew) await client.pexpire(this.keys.seen(conversationId), this.rules.dedupeMs)
      return replies
    })
  }

  /** Calls once for each bounded part of `items`. Resolves to the replies. */
  private async inParts<Item, Reply>(items: Item[], call: (part: Item[]) => Promise<Reply>): Promise<Reply[]> {
    const replies: Reply[] = []
    for (let i = 0; i < items.length; i += BATCHES_A_CALL)
      replies.push(await this.link.write(() => call(items.slice(i, i + BATCHES_A_CALL))))
    return replies
  }
}

function rulesAmong(single: RuleOptions, given: Rules | undefined): Rules {
  if (!given) return rulesFrom(single)
  const beside = Object.entries(single).find(([name]) => name in rulesSchema.shape)
  if (beside)
    throw new TypeError(
      `${beside[0]}=${String(beside[1])}: it is given beside rules, which has all of them: give one of the two`,
    )
  return given
}
