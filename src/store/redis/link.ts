/**
 * What a store sees of Redis: the primary of its slot, whichever that is now. One connection serves its commands;
 * each subscription and each blocking read has another one. The errors of Redis become Lull's errors here.
 */
import type { Redis, RedisOptions } from 'ioredis'
import type { Logger } from '../../logger.js'
import type { Observer } from '../../observer.js'
import { StoreUnavailable } from '../store.js'
import { connect } from './connection.js'
import { isWrongType, redisError } from './errors.js'
import { type About, foreignKey } from './foreign-key.js'
import type { Keys } from './keys.js'
import { dropConnection, type RedisNode } from './node.js'
import type { RedisNodes } from './nodes.js'
import { slotOf } from './slots.js'
import { type ChannelListener, SUBSCRIPTION_OPTIONS, Subscription } from './subscription.js'

/** Something that works on a connection of its own until it is stopped. */
export interface Beside {
  start(): Promise<unknown>
  stop(): Promise<void>
}

export interface LinkOptions {
  nodes: RedisNodes
  keys: Keys
  log: Logger
  observer: Observer
}

export interface SubscribeOptions {
  /** Reject if Redis refuses a channel. Otherwise it is logged, and tried again. */
  isRequired?: boolean
  /** Send no heartbeats: see `Subscription`. */
  pingsOnDemand?: boolean
  /** Of TCP, in ms. */
  keepAlive?: number
}

/** A call is sent again after this many MOVED replies. */
const MOST_MOVED = 3

export class RedisLink {
  private readonly beside = new Map<Beside, Redis>()
  private readonly slot: number
  private closed = false

  constructor(private readonly options: LinkOptions) {
    this.slot = slotOf(options.keys.prefix)
    options.nodes.use(this.slot)
  }

  /** For commands. @throws {StoreUnavailable} if the slot has no primary now */
  get client(): Redis {
    return this.node.client
  }

  /** Never with credentials. */
  get address(): string {
    return this.node.address
  }

  get server(): string | undefined {
    return this.options.nodes.find(this.slot)?.address
  }

  /** Whether that server can be reached now. */
  get isServed(): boolean {
    return this.options.nodes.isServed(this.slot)
  }

  get db(): number {
    return this.options.nodes.db
  }

  /** Calls `listener` each time a connection for commands is ready. */
  whenReady(listener: () => void): void {
    this.options.nodes.whenReady(listener)
  }

  private get node(): RedisNode {
    return this.options.nodes.ownerOf(this.slot)
  }

  async close(): Promise<void> {
    this.closed = true
    await Promise.all([...this.beside.keys()].map(task => task.stop()))
  }

  /** The connections of what works beside the commands end at once, and reconnect. */
  reconnectBeside(): void {
    for (const client of this.beside.values()) dropConnection(client)
  }

  /**
   * Runs a command that changes nothing, or whose failure is no outage.
   * @param work takes `client` anew each time it is called
   * @param about what it works on, to name the key if one has a foreign type
   */
  read<Reply>(work: () => Promise<Reply>, about: About = {}): Promise<Reply> {
    return this.attempt(work, (error, node) => this.explained(error, about, node))
  }

  /** Runs a script that writes. */
  async write<Reply>(work: () => Promise<Reply>, about: About = {}): Promise<Reply> {
    const reply = await this.attempt(work, (error, node) => this.failed(error, about, node))
    this.node.wrote()
    return reply
  }

  /**
   * Runs a script that writes and that counts only when enough replicas have what it wrote.
   * @throws {StoreUnavailable} (`replicas`) if they do not
   */
  async durably<Reply>(write: (client: Redis) => Promise<Reply>, about: About = {}): Promise<Reply> {
    const reply = await this.attempt(
      node => node.durably(write),
      (error, node) => this.failed(error, about, node),
    )
    this.node.wrote()
    return reply
  }

  /** Rejects with a `StoreUnavailable` (`memory`) if the server has no room for more messages. */
  checkMemory(): undefined | Promise<void> {
    if (this.node.memory.isOpen) return undefined
    return this.read(() => this.node.memory.check())
  }

  /** Translates the error of a write, and begins an outage if it is one. */
  async failed(error: unknown, about: About, node = this.node): Promise<Error> {
    const known = await this.explained(error, about, node)
    if (known instanceof StoreUnavailable) {
      if (known.reason === 'replicas' && known.cause === undefined) this.options.observer.waitFellShort?.()
      node.refused(known)
    }
    return known
  }

  /** Translates an error that a script returned for one of many, without failing. */
  async nameTrouble(error: string, about: About): Promise<string> {
    if (!error.includes('WRONGTYPE')) return error
    return (await foreignKey(this.client, this.options.keys, about)).message
  }

  /** Starts a task on a new connection. Resolves to a function that stops it. */
  async start(options: RedisOptions, make: (client: Redis) => Beside): Promise<() => Promise<void>> {
    if (this.closed) throw new Error('the store has been closed: make another one')
    const { nodes } = this.options
    const client = nodes.newClient(this.slot)
    Object.assign(client.options, options)
    const task = make(client)
    this.beside.set(task, client)
    const stop = async () => {
      this.beside.delete(task)
      await task.stop()
    }
    try {
      await connect(client)
      await task.start()
    } catch (error) {
      await stop()
      throw redisError(error, this.address)
    }
    return stop
  }

  /** Subscribes on a connection of its own. Resolves when Redis has answered the first time. */
  async subscribe(listener: ChannelListener, options: SubscribeOptions = {}): Promise<Subscribed> {
    const { pingsOnDemand, keepAlive, isRequired } = options
    let subscription: Subscription | undefined
    const clientOptions = { ...SUBSCRIPTION_OPTIONS, ...(keepAlive === undefined ? {} : { keepAlive }) }
    const stop = await this.start(clientOptions, client => {
      const { log } = this.options
      subscription = new Subscription(client, { ...listener, address: this.address, log, pingsOnDemand })
      return isRequired ? required(subscription) : subscription
    })
    return { stop, check: () => subscription?.check() }
  }

  /** Subscribes to channels of this slot, on a connection that all slots of its primary share. */
  async subscribeShared(listener: ChannelListener, { isRequired }: SubscribeOptions = {}): Promise<Subscribed> {
    const { stop, refusal } = await this.options.nodes.subscriptions.subscribe(this.slot, listener)
    if (refusal && isRequired) {
      await stop()
      throw refusal
    }
    return { stop, check: () => {} }
  }

  private async attempt<Reply>(
    work: (node: RedisNode) => Promise<Reply>,
    explain: (error: unknown, node: RedisNode) => Promise<Error>,
  ): Promise<Reply> {
    for (let moved = 0; ; moved++) {
      const { node } = this
      try {
        return await work(node)
      } catch (error) {
        if (moved < MOST_MOVED && (await this.options.nodes.hasMoved(error))) continue
        throw await explain(error, node)
      }
    }
  }

  private async explained(error: unknown, about: About, node: RedisNode): Promise<Error> {
    if (isWrongType(error)) return foreignKey(node.client, this.options.keys, about)
    const known = redisError(error, node.address)
    if (known instanceof StoreUnavailable) {
      this.options.observer.redisFailed?.(known.reason)
      this.options.nodes.failed(node, known)
    }
    return known
  }
}

export interface Subscribed {
  stop(): Promise<void>
  /** A heartbeat, if the last one was long ago: see `Subscription`. */
  check(): void
}

function required(subscription: Subscription): Beside {
  return {
    start: async () => {
      const refusal = await subscription.start()
      if (refusal) throw refusal
    },
    stop: () => subscription.stop(),
  }
}
