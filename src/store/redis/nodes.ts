/**
 * The map of a store's Redis servers. Of one Redis, with Sentinels or without, it has one entry. Of a Cluster it knows
 * the primary of every slot. For the store this is the only file that asks whether there is a Cluster; a queue, which
 * may have a Redis of its own, asks by owner-source.ts.
 *
 * The map of a Cluster is read at the start, and again when a reply says that it is out of date:
 *
 *   MOVED                      nothing ran: the map is corrected, and the call is sent again
 *   ASK                        never followed: a script would run where the slot's keys are not yet. The caller gets
 *                              `moving`, and no script runs anywhere until the slot has moved whole
 *   a lost connection, no      never sent again. The map is read every `READ_AGAIN_MS` until each slot has a primary
 *   answer, CLUSTERDOWN,       that is connected. A server that does not answer in time loses its connections
 *   READONLY, LOADING
 *
 * Replicas are never read from: a claim or a hold that is not there yet would be acted on.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Redis, RedisOptions } from 'ioredis'
import type { Logger } from '../../logger.js'
import type { Observer } from '../../observer.js'
import { StoreUnavailable } from '../store.js'
import { clusterSettings, REPLACEABLE_OPTIONS, seedsOf } from './connection.js'
import { RedisNode, unavailable } from './node.js'
import { inspectServer, type ServerFacts } from './server.js'
import { SharedSubscriptions } from './shared-subscriptions.js'
import { type NodeAddress, SLOTS, type SlotRange, slotRanges } from './slots.js'
import type { RedisSource } from './source.js'

export interface NodesOptions {
  redis: RedisSource
  /** Names the connections, in `CLIENT LIST` for example. */
  name: string
  log: Logger
  observer: Observer
  /** Replicas that must have what is acknowledged; 0: none. */
  waitReplicas?: number | undefined
}

/** Between two readings of the map while a slot has no primary. */
const READ_AGAIN_MS = 200
/** How long a call waits for the node that a MOVED names to be connected. */
const CONNECTED_WITHIN_MS = 1000
/** Reasons of failures after which the map is as good as before. */
const SAYS_NOTHING_OF_THE_MAP: ReadonlySet<StoreUnavailable['reason']> = new Set([
  'memory',
  'replicas',
  'moving',
  'auth',
])

const MOVED = /^MOVED (\d+) (.*):(\d+)$/

export class RedisNodes {
  /** To the channels of partitions. */
  readonly subscriptions: SharedSubscriptions
  private readonly seeds: RedisNode[]
  /** Of a Cluster: its primaries, by host and port. */
  private readonly primaries = new Map<string, RedisNode>()
  private owners: (RedisNode | undefined)[] = []
  /** Of a Cluster: what all its nodes are connected to with, but for their addresses. */
  private settings: RedisOptions | undefined
  /** The slots that stores lie in: the partitions' and the home's. */
  private readonly used = new Set<number>()
  private readonly onReady = new Set<() => void>()
  private finding: Promise<void> | undefined
  private reading: Promise<void> | undefined
  private closed = false

  /** Does not connect yet. */
  constructor(private readonly options: NodesOptions) {
    this.seeds = seedsOf(options.redis).map(redis => this.node(redis))
    this.subscriptions = new SharedSubscriptions(this, options.log)
  }

  get isClosed(): boolean {
    return this.closed
  }

  get isCluster(): boolean {
    return this.settings !== undefined
  }

  /** Where a slot's keys are. @throws {StoreUnavailable} if the slot has no primary now */
  ownerOf(slot: number): RedisNode {
    const owner = this.find(slot)
    if (owner) return owner
    throw new StoreUnavailable('cluster', `no node of the Cluster at ${this.first.address} serves slot ${slot}`)
  }

  /** The same; `undefined` if the slot has no primary now. */
  find(slot: number): RedisNode | undefined {
    return this.isCluster ? this.owners[slot] : this.first
  }

  /** Whether the slot's primary can be reached now. */
  isServed(slot: number): boolean {
    return this.find(slot)?.isReady ?? false
  }

  /** A store lies in this slot. */
  use(slot: number): void {
    this.used.add(slot)
  }

  /** What errors name that concern no single node. Never with credentials. */
  get address(): string {
    return this.first.address
  }

  get waitReplicas(): number {
    return this.options.waitReplicas ?? 0
  }

  get db(): number {
    return this.isCluster ? 0 : (this.first.client.options.db ?? 0)
  }

  /** All servers that have keys of this store. */
  get all(): RedisNode[] {
    return this.isCluster ? [...this.primaries.values()] : [this.first]
  }

  /** Connects. @throws the client's error, or one line that says why Lull cannot use the server */
  async open(): Promise<ServerFacts> {
    if (this.closed) throw new Error('the store has been closed: make another one')
    const { node, facts } = await this.openOne()
    if (facts.isCluster) {
      this.settings = clusterSettings(node.client)
      this.apply(await slotRanges(node.client, hostOf(node)))
      await Promise.all(this.seeds.map(seed => seed.close()))
      // A primary that is away now comes back, or its replica takes its place.
      await Promise.all(this.all.map(primary => primary.connect().catch(() => this.doubt())))
    }
    for (const each of this.all) each.opens()
    return facts
  }

  async close(): Promise<void> {
    this.closed = true
    await this.subscriptions.close()
    await Promise.all([...this.seeds, ...this.primaries.values()].map(node => node.close()))
  }

  /** The connections for commands end at once, and reconnect. */
  drop(): void {
    for (const node of this.all) node.drop()
  }

  /** Ends all connections at once, for good. */
  disconnect(): void {
    this.closed = true
    for (const node of [...this.seeds, ...this.primaries.values()]) node.disconnect()
  }

  /** Calls `listener` each time a connection for commands is ready. */
  whenReady(listener: () => void): void {
    this.onReady.add(listener)
  }

  /**
   * A client of a slot's primary that is not connected yet. When it reconnects, it connects to the primary of then.
   * @throws {StoreUnavailable} if the slot has no primary now
   */
  newClient(slot: number): Redis {
    const client = this.ownerOf(slot).newClient()
    const { retryStrategy } = client.options
    if (this.isCluster)
      client.options.retryStrategy = times => {
        const owner = this.owners[slot]
        if (owner) Object.assign(client.options, hostOf(owner))
        return retryStrategy?.(times)
      }
    return client
  }

  /** Whether the call is to be sent again: `error` is a MOVED, after which nothing ran. */
  async hasMoved(error: unknown): Promise<boolean> {
    const moved = this.isCluster && error instanceof Error ? MOVED.exec(error.message) : null
    if (!moved) return false
    const [, slot, host, port] = moved
    this.options.observer.redirected?.('moved')
    await this.readMap()
    // The node that was asked may not know yet what the one that answered knows.
    const address = { host: host === '' ? hostOf(this.ownerOf(Number(slot))).host : (host ?? ''), port: Number(port) }
    const owner = this.nodeAt(address)
    this.owners[Number(slot)] = owner
    await this.isConnected(owner)
    return true
  }

  /** What a failed call says of its node. */
  failed(node: RedisNode, error: StoreUnavailable): void {
    if (!this.isCluster) return
    if (error.reason === 'moving') this.options.observer.redirected?.('ask')
    if (error.reason === 'timeout') node.drop()
    if (!SAYS_NOTHING_OF_THE_MAP.has(error.reason)) this.doubt()
  }

  /** Reads the map until every slot has a primary that is connected. */
  doubt(): void {
    if (!this.isCluster || this.closed) return
    this.finding ??= this.findOwners().finally(() => {
      this.finding = undefined
    })
  }

  /** Reads the map once. Never rejects. */
  async readMap(): Promise<void> {
    this.reading ??= this.readAnywhere().finally(() => {
      this.reading = undefined
    })
    await this.reading
  }

  private get first(): RedisNode {
    const [first] = this.seeds
    if (!first) throw new TypeError('redis: nodes is empty: give the addresses of some nodes')
    return first
  }

  private async openOne(): Promise<{ node: RedisNode; facts: ServerFacts }> {
    let failure: unknown
    for (const node of this.seeds) {
      try {
        await node.connect()
        const facts = await inspectServer(node.client, node.address)
        if (!facts.isCluster && this.seeds.length > 1)
          throw new Error(`Redis at ${node.address} is no Cluster: several addresses are those of a Cluster's nodes`)
        return { node, facts }
      } catch (error) {
        node.client.disconnect()
        failure ??= unavailable(error, node) ?? error
      }
    }
    throw failure
  }

  private async findOwners(): Promise<void> {
    while (!this.closed) {
      await this.readMap()
      if ([...this.used].every(slot => this.isServed(slot))) return
      await delay(READ_AGAIN_MS, undefined, { ref: false })
    }
  }

  private async readAnywhere(): Promise<void> {
    for (const node of this.primaries.values()) {
      if (!node.isReady) continue
      try {
        const ranges = await slotRanges(node.client, hostOf(node))
        if (!this.closed) this.apply(ranges)
        return
      } catch (error) {
        if (unavailable(error, node)?.reason === 'timeout') node.drop()
      }
    }
  }

  private apply(ranges: SlotRange[]): void {
    const before = this.owners
    const owners: (RedisNode | undefined)[] = new Array(SLOTS)
    for (const { from, to, owner } of ranges) owners.fill(this.nodeAt(owner), from, to + 1)
    this.owners = owners
    const needed = new Set(owners)
    for (const [address, node] of this.primaries)
      if (!needed.has(node)) {
        this.primaries.delete(address)
        void node.close()
      }
    if ([...this.used].some(slot => before[slot] !== owners[slot])) this.subscriptions.place()
  }

  private nodeAt(address: NodeAddress): RedisNode {
    const key = `${address.host}:${address.port}`
    const known = this.primaries.get(key)
    if (known) return known
    const node = this.node({ ...this.settings, ...address })
    this.primaries.set(key, node)
    if (this.owners.length > 0) {
      node.opens()
      node.connect().catch(() => this.doubt())
    }
    return node
  }

  private async isConnected(node: RedisNode): Promise<void> {
    const until = performance.now() + CONNECTED_WITHIN_MS
    while (!node.isReady && performance.now() < until) await delay(10)
  }

  private node(redis: RedisSource): RedisNode {
    const { name, log, waitReplicas = 0 } = this.options
    const node = new RedisNode({
      redis,
      ...(this.settings ? { timeouts: REPLACEABLE_OPTIONS } : {}),
      name,
      log,
      waitReplicas,
      meaning: () => this.meaningOf(node),
      onReady: () => {
        for (const listener of this.onReady) listener()
      },
      onLost: () => this.doubt(),
    })
    return node
  }

  private meaningOf(node: RedisNode): string {
    if (!this.isCluster) return ''
    const has = [...this.used].filter(slot => this.owners[slot] === node).length
    return `, which serves ${has} of ${this.used.size} slots that are used,`
  }
}

function hostOf({ client }: RedisNode): NodeAddress {
  const { host = '127.0.0.1', port = 6379 } = client.options
  return { host, port }
}
