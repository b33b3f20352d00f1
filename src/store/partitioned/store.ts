/**
 * The store on Redis as programs use it: at `open` it learns whether its Redis is a Cluster and how many partitions it
 * has, and makes a `RedisStore` for each. Without partitions there is one, with the names of contract.md.
 *
 * A call about a conversation goes to its partition, one about a batch to the partition that the batch's id names. What
 * the whole store has once (settings, aliases, accounts, sessions, processes) is in the home store. Reads of all
 * conversations ask every partition, and leave out those that are away (`partitionsAway`). No call is one transition of
 * two partitions.
 */
import { RulesInUse } from '../../conversation-rules.js'
import { type Logger, silent } from '../../logger.js'
import type { Observer } from '../../observer.js'
import { processName } from '../../process-name.js'
import type { Rules } from '../../rules.js'
import { partitionOf, newBatchId as randomBatchId } from '../batch-id.js'
import { redisError } from '../redis/errors.js'
import { addErased } from '../redis/forget.js'
import { Keys } from '../redis/keys.js'
import { RedisNodes } from '../redis/nodes.js'
import { PARTITION, SHARDED } from '../redis/script-runner.js'
import { slotOf } from '../redis/slots.js'
import type { RedisSource } from '../redis/source.js'
import { RedisStore } from '../redis/store.js'
import type { Sessions } from '../sessions.js'
import {
  type AccountClaim,
  type AliasListener,
  type AnsweredResult,
  type AnswerOutcome,
  type AppendRequest,
  type ClaimRequest,
  type ClaimResult,
  type ConversationSummary,
  type DeadBatch,
  type EditRequest,
  type ExtendOptions,
  type ForgetResult,
  type GrowthListener,
  type HistoryEntry,
  type Lease,
  type LostLease,
  type MergeResult,
  type NackRequest,
  type Notifications,
  type PauseRequest,
  type Store,
  type StoreEvent,
  type StoreIdentity,
  StoreUnavailable,
  type SupersedeListener,
  type Totals,
} from '../store.js'
import { homePrefix, partitionOfConversation, partitionPrefixes } from './layout.js'
import { claimEach, fromAll, inAll, newestFirst, sumOf } from './merged.js'
import { Moves } from './moves.js'
import { takeLayout } from './take-layout.js'

export interface PartitionedStoreOptions {
  redis: RedisSource
  prefix: string
  rules: Rules
  /** 64 on a Cluster by default, else none. */
  partitions?: number | undefined
  /** Replicas that must have what is acknowledged; 0. */
  waitReplicas?: number | undefined
  /** Names the connections, `lull.<role>.<host>.<pid>`: `api`, `processor`, … */
  role: string
  /** Names the connections, instead of `role`. */
  name?: string | undefined
  log?: Logger
  observer?: Observer
  /** Makes a batch's id. Random by default; tests give their own. */
  newBatchId?: (partition?: number) => string
}

export class PartitionedStore implements Store {
  readonly rules: Rules
  readonly rulesInUse: RulesInUse
  readonly name: string
  /** A web server may be made before the store is open. */
  readonly sessions: Sessions = {
    begin: async (digest, ttlMs) => this.home.sessions.begin(digest, ttlMs),
    use: async (digest, ttlMs) => this.home.sessions.use(digest, ttlMs),
    end: async digest => this.home.sessions.end(digest),
    endAll: async () => this.home.sessions.endAll(),
    generation: async () => this.home.sessions.generation(),
  }
  private readonly moves: Moves
  private currentNodes: RedisNodes
  private stores: RedisStore[] = []
  private opened: { home: RedisStore; identity: StoreIdentity; layoutSinceMs: number | undefined } | undefined

  /** Does not connect yet. @throws {RangeError | TypeError} for a source or a prefix that cannot be used */
  constructor(private readonly options: PartitionedStoreOptions) {
    const { rules, role, log = silent } = options
    // Throws for one that cannot be used.
    new Keys(options.prefix)
    this.rules = rules
    this.rulesInUse = new RulesInUse(rules)
    this.name = options.name ?? processName(role)
    this.moves = new Moves({
      log,
      storeOf: conversationId => this.storeOf(conversationId),
      partitionOf: conversationId => partitionOfConversation(conversationId, this.stores.length),
    })
    this.currentNodes = this.makeNodes()
  }

  /** Its servers. After an attempt to open it that failed, others. */
  get nodes(): RedisNodes {
    return this.currentNodes
  }

  get partitions(): number {
    return Math.max(this.stores.length, 1)
  }

  get layoutSinceMs(): number | undefined {
    return this.opened?.layoutSinceMs
  }

  get partitionsAway(): number {
    return sumOf(this.stores.map(store => store.partitionsAway))
  }

  serverOf(partition: number): string | undefined {
    return this.stores[partition]?.server
  }

  /** The stores of its partitions, in order: what doctor looks at. */
  get all(): readonly RedisStore[] {
    return this.stores
  }

  /** What the whole store has once. @throws {StoreUnavailable} before `open` */
  get home(): RedisStore {
    if (this.opened) return this.opened.home
    throw new StoreUnavailable('connection', 'the store is not connected to its Redis yet')
  }

  get db(): number {
    return this.nodes.db
  }

  get processes() {
    return this.home.processes
  }

  /** Without partitions there is nothing to divide among them. */
  get processors() {
    return this.partitions > 1 ? this.home.processors : undefined
  }

  get settings() {
    return this.home.settings
  }

  /** Only without partitions: with them nothing needs to know how late Redis publishes the expiry of keys. */
  get canary() {
    return this.isWhole ? this.home.canary : undefined
  }

  async open(): Promise<StoreIdentity> {
    if (this.opened) return this.opened.identity
    const { prefix, partitions } = this.options
    const { nodes } = this
    let where = nodes.address
    try {
      const { runId, version, db } = await nodes.open()
      const { isCluster } = nodes
      const { client, address } = nodes.ownerOf(slotOf(homePrefix(prefix)))
      where = address
      const layout = await takeLayout({ client, address, isCluster, prefix, partitions })
      const count = layout?.partitions
      const facts = { address, db, prefix, runId, version }
      const identity = count === undefined ? facts : { ...facts, partitions: count }
      const home = this.makeStores(count)
      await this.probe(home)
      this.opened = { home, identity, layoutSinceMs: layout?.sinceMs }
      return identity
    } catch (error) {
      // Not to be opened again: a client of ioredis's that is disconnected while it waits to reconnect never does.
      const wasClosed = nodes.isClosed
      nodes.disconnect()
      if (!wasClosed) this.currentNodes = this.makeNodes()
      throw redisError(error, where)
    }
  }

  async close(): Promise<void> {
    await this.moves.idle()
    await Promise.all([...new Set([...this.stores, ...(this.opened ? [this.opened.home] : [])])].map(s => s.close()))
    await this.nodes.close()
  }

  append(request: AppendRequest) {
    return this.of(request.conversationId, store => store.append(request))
  }

  extend(conversationId: string, worthMs: number, options?: ExtendOptions) {
    return this.of(conversationId, store => store.extend(conversationId, worthMs, options))
  }

  hold(conversationId: string, key: string, forMs: number) {
    return this.of(conversationId, store => store.hold(conversationId, key, forMs))
  }

  release(conversationId: string, key: string) {
    return this.of(conversationId, store => store.release(conversationId, key))
  }

  pause(conversationId: string, request: PauseRequest) {
    return this.of(conversationId, store => store.pause(conversationId, request))
  }

  pauseByMessage(conversationId: string, messageId: string, request: PauseRequest) {
    return this.of(conversationId, store => store.pauseByMessage(conversationId, messageId, request))
  }

  ownMessage(conversationId: string, messageId: string) {
    return this.of(conversationId, store => store.ownMessage(conversationId, messageId))
  }

  sent(conversationId: string, messageIds: string[]) {
    return this.of(conversationId, store => store.sent(conversationId, messageIds))
  }

  wasSent(conversationId: string, messageId: string) {
    return this.of(conversationId, store => store.wasSent(conversationId, messageId))
  }

  resume(conversationId: string) {
    return this.of(conversationId, store => store.resume(conversationId))
  }

  async claim(request: ClaimRequest): Promise<ClaimResult> {
    const { partition } = request
    const claimed = partition === undefined ? claimEach(this.opens(), request) : this.at(partition).claim(request)
    return this.moves.takeFrom(await claimed)
  }

  /** Rejects if the leases of one partition could not be renewed; the others are renewed. */
  async renew(leases: Lease[]): Promise<LostLease[]> {
    return (
      await this.inParts(
        leases,
        ({ batchId }) => batchId,
        (store, part) => store.renew(part),
      )
    ).flat()
  }

  async ack(batchIds: string[]): Promise<void> {
    await this.inParts(batchIds, identity, (store, part) => store.ack(part))
  }

  nack(request: NackRequest) {
    return this.ofBatch(request.batchId, store => store.nack(request))
  }

  async giveBack(owner: string, keep?: string[], partition?: number): Promise<string[]> {
    if (partition !== undefined) return this.at(partition).giveBack(owner, keep)
    return (await inAll(this.opens(), store => store.giveBack(owner, keep))).flat()
  }

  async checkNow(batchIds: string[]): Promise<void> {
    await this.inParts(batchIds, identity, (store, part) => store.checkNow(part))
  }

  async checkAllNow(partition?: number): Promise<void> {
    if (partition !== undefined) await this.at(partition).checkAllNow()
    else await inAll(this.opens(), store => store.checkAllNow())
  }

  workerStarted(batchId: string, workerAttempt: string) {
    return this.ofBatch(batchId, store => store.workerStarted(batchId, workerAttempt))
  }

  answered(batchId: string, outcome: AnswerOutcome, conversationId?: string, lease?: number): Promise<AnsweredResult> {
    return this.ofBatch(batchId, store => store.answered(batchId, outcome, conversationId, lease))
  }

  commit(batchId: string) {
    return this.ofBatch(batchId, store => store.commit(batchId))
  }

  holdState(batchId: string) {
    return this.ofBatch(batchId, store => store.holdState(batchId))
  }

  flush(conversationId: string) {
    return this.of(conversationId, store => store.flush(conversationId))
  }

  drop(conversationId: string) {
    return this.of(conversationId, store => store.drop(conversationId))
  }

  edit(request: EditRequest) {
    return this.of(request.conversationId, store => store.edit(request))
  }

  revoke(conversationId: string, messageId: string, authors?: readonly string[]) {
    return this.of(conversationId, store => store.revoke(conversationId, messageId, authors))
  }

  async accountOwner(claim: AccountClaim) {
    return this.home.accountOwner(claim)
  }

  redrive(...batchIds: [string, ...string[]]) {
    return this.ofBatch(batchIds[0], store => store.redrive(...batchIds))
  }

  async discardDead(batchIds: string[]): Promise<number> {
    return sumOf(await this.inParts(batchIds, identity, (store, part) => store.discardDead(part)))
  }

  async learn(provider: string, conversationIds: string[]) {
    return this.home.learn(provider, conversationIds)
  }

  async resolve(provider: string, conversationId: string) {
    return this.home.resolve(provider, conversationId)
  }

  async samePerson(conversationId: string) {
    return this.home.samePerson(conversationId)
  }

  async merge(from: string, into: string): Promise<MergeResult> {
    const [source, target] = [this.storeOf(from), this.storeOf(into)]
    return source === target ? source.merge(from, into) : this.moves.merge(from, into)
  }

  /**
   * In each of the person's partitions: the person's conversation after those that may be moving into it, and last what
   * is known of the ids, so that a repetition finds them again.
   */
  async forget(conversationId: string): Promise<ForgetResult> {
    if (this.isWhole) return this.home.forget(conversationId)
    const ids = await this.home.samePerson(conversationId)
    const erased: ForgetResult = { messages: 0, deadBatches: 0, historyEntries: 0 }
    for (const id of ids.toReversed()) {
      const { move, ...one } = await this.storeOf(id).forgetPart(id)
      if (move) await this.storeOf(move.into).moves.refuse(move.id)
      addErased(erased, one)
    }
    if (ids.length > 1) await this.home.forgetAliases(ids)
    return erased
  }

  async findMessage(account: string | undefined, messageId: string) {
    const found = await fromAll(this.opens(), store => store.findMessage(account, messageId))
    return found.find(conversationId => conversationId !== undefined)
  }

  conversation(conversationId: string) {
    return this.of(conversationId, store => store.conversation(conversationId))
  }

  async conversations(limit: number): Promise<ConversationSummary[]> {
    const all = (await fromAll(this.opens(), store => store.conversations(limit))).flat()
    const dueFirst = (a: ConversationSummary, b: ConversationSummary) =>
      (a.dueInMs ?? Number.POSITIVE_INFINITY) - (b.dueInMs ?? Number.POSITIVE_INFINITY)
    const open = all.filter(({ state }) => state === 'open').sort(dueFirst)
    return [...open, ...all.filter(({ state }) => state === 'held')].slice(0, limit)
  }

  async totals(): Promise<Totals> {
    const all = await fromAll(this.opens(), store => store.totals())
    return {
      open: sumOf(all.map(({ open }) => open)),
      held: sumOf(all.map(({ held }) => held)),
      dead: sumOf(all.map(({ dead }) => dead)),
      oldestDueAgeMs: Math.max(...all.map(({ oldestDueAgeMs }) => oldestDueAgeMs)),
    }
  }

  async history({ conversationId, limit }: { conversationId?: string; limit: number }): Promise<HistoryEntry[]> {
    if (this.isWhole) return this.home.history({ ...(conversationId !== undefined && { conversationId }), limit })
    if (conversationId === undefined)
      return newestFirst(await fromAll(this.opens(), store => store.history({ limit })), limit)
    const ids = await this.home.samePerson(conversationId)
    return newestFirst(await Promise.all(ids.map(id => this.storeOf(id).history({ conversationId: id, limit }))), limit)
  }

  async dead(limit: number): Promise<DeadBatch[]> {
    const all = (await fromAll(this.opens(), store => store.dead(limit))).flat()
    return all.sort((a, b) => b.diedAtMs - a.diedAtMs).slice(0, limit)
  }

  async paused(limit: number) {
    const all = (await fromAll(this.opens(), store => store.paused(limit))).flat()
    return all.sort((a, b) => a.untilMs - b.untilMs).slice(0, limit)
  }

  listen(listener: (event: StoreEvent) => void) {
    return this.follows((store, partition) =>
      store.listen(event => listener(event.kind === 'expired' ? event : { ...event, partition })),
    )
  }

  /** A partition that is away is followed from its return on. @throws {StoreUnavailable} if all are away */
  async follow(listener: (entry: HistoryEntry) => void) {
    if (this.partitionsAway === this.opens().length) await this.ready()
    return this.follows(store => store.follow(listener))
  }

  followGrowth(listener: GrowthListener) {
    return this.follows(store => store.followGrowth(listener))
  }

  followSuperseded(listener: SupersedeListener) {
    return this.follows(store => store.followSuperseded(listener))
  }

  async followAliases(listener: AliasListener) {
    return this.home.followAliases(listener)
  }

  async ensureNotifications(mayChange: boolean): Promise<Notifications> {
    return this.at(0).ensureNotifications(mayChange)
  }

  /** Asks one partition of each server. Rejects if none can be written. */
  async ready(): Promise<void> {
    const byServer = new Map(this.opens().map(store => [store.server, store]))
    byServer.delete(undefined)
    if (byServer.size === 0)
      throw new StoreUnavailable('cluster', `no node of the Cluster at ${this.nodes.address} serves it`)
    await fromAll([...byServer.values()], store => store.ready())
  }

  reconnect(): void {
    this.nodes.drop()
    for (const store of new Set([...this.stores, ...(this.opened ? [this.opened.home] : [])])) store.reconnectBeside()
  }

  private get isWhole(): boolean {
    return this.stores.length === 1 && this.stores[0] === this.opened?.home
  }

  private makeNodes(): RedisNodes {
    const { redis, log = silent, observer = {}, waitReplicas } = this.options
    return new RedisNodes({ redis, name: this.name, log, observer, waitReplicas })
  }

  /** Returns the home store. */
  private makeStores(count: number | undefined): RedisStore {
    const { redis, prefix, rules, log = silent, observer = {}, newBatchId = randomBatchId } = this.options
    const { name, nodes, rulesInUse } = this
    const options = { redis, rules, name, log, observer }
    const make = (own: string, layout: typeof SHARDED | undefined, partition?: number) =>
      new RedisStore(
        { ...options, prefix: own, newBatchId: () => newBatchId(partition) },
        { nodes, rulesInUse, ...(layout && { layout }) },
      )
    if (count === undefined) {
      this.stores = [make(prefix, undefined)]
    } else {
      const layout = nodes.isCluster ? SHARDED : PARTITION
      this.stores = partitionPrefixes(prefix, count).map((own, partition) => make(own, layout, partition))
    }
    const [whole] = this.stores
    return count === undefined && whole ? whole : make(homePrefix(prefix), undefined)
  }

  /** What stores of one kind run is the same in all partitions. */
  private async probe(home: RedisStore): Promise<void> {
    const [first] = this.stores
    await first?.probe()
    if (first !== home) await home.probe()
  }

  private opens(): RedisStore[] {
    // Rejects before `open`.
    void this.home
    return this.stores
  }

  private at(partition: number): RedisStore {
    const store = this.opens()[partition]
    if (store) return store
    throw new RangeError(`partition=${partition}: there are ${this.stores.length}`)
  }

  private storeOf(conversationId: string): RedisStore {
    return this.at(partitionOfConversation(conversationId, this.opens().length))
  }

  private async of<Reply>(conversationId: string, call: (store: RedisStore) => Promise<Reply>): Promise<Reply> {
    return call(this.storeOf(conversationId))
  }

  /** An id that names no partition of this store is nobody's: any of them says so. */
  private async ofBatch<Reply>(batchId: string, call: (store: RedisStore) => Promise<Reply>): Promise<Reply> {
    return call(this.storeOfBatch(batchId))
  }

  private storeOfBatch(batchId: string): RedisStore {
    return this.opens()[partitionOf(batchId)] ?? this.at(0)
  }

  /** Calls once for each partition that has some of `items`. Rejects if one of the calls does; the others are done. */
  private async inParts<Item, Reply>(
    items: Item[],
    batchIdOf: (item: Item) => string,
    call: (store: RedisStore, part: Item[]) => Promise<Reply>,
  ): Promise<Reply[]> {
    const parts = new Map<RedisStore, Item[]>()
    for (const item of items) {
      const store = this.storeOfBatch(batchIdOf(item))
      const part = parts.get(store)
      if (part) part.push(item)
      else parts.set(store, [item])
    }
    return inAll([...parts], ([store, part]) => call(store, part))
  }

  /** Follows in all partitions. Resolves to what ends it. */
  private async follows(
    follow: (store: RedisStore, partition: number) => Promise<() => Promise<void>>,
  ): Promise<() => Promise<void>> {
    const results = await Promise.allSettled(this.opens().map(follow))
    const stops = results.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []))
    const stop = async () => {
      await Promise.all(stops.map(end => end()))
    }
    const failed = results.find(result => result.status === 'rejected')
    if (!failed) return stop
    await stop()
    throw failed.reason
  }
}

const identity = (batchId: string) => batchId
