/**
 * A store's connections: one for commands, and one more for each subscription and each blocking read. Their errors
 * become Lull's errors here. An outage is logged once when it begins and once when it ends.
 */
import type { Redis, RedisOptions } from 'ioredis'
import type { Logger } from '../../logger.js'
import type { Observer } from '../../observer.js'
import { Outage } from '../../outage.js'
import { type StoreIdentity, StoreUnavailable } from '../store.js'
import { addressOf, connect, createClient, disconnect, type RedisSource } from './connection.js'
import { isWrongType, redisError } from './errors.js'
import { type About, foreignKey } from './foreign-key.js'
import type { Keys } from './keys.js'
import { inspectServer } from './server.js'

/** Something that works on a connection of its own until it is stopped. */
export interface Beside {
  start(): Promise<unknown>
  stop(): Promise<void>
}

export interface RedisLinkOptions {
  redis: RedisSource
  /** Names the connections, in `CLIENT LIST` for example. */
  name: string
  keys: Keys
  log: Logger
  observer: Observer
}

export class RedisLink {
  /** For commands. */
  readonly client: Redis
  /** Never with credentials. */
  readonly address: string
  private readonly outage: Outage
  private readonly beside = new Set<Beside>()
  /** Redis refused the last write. Reconnecting does not end that; the next write that succeeds does. */
  private refusesWrites = false
  private opened = false
  private closed = false

  /** Does not connect yet. */
  constructor(private readonly options: RedisLinkOptions) {
    this.client = createClient(options.redis, options.name)
    this.address = addressOf(this.client)
    this.outage = new Outage(options.log, `Redis at ${this.address}`)
    this.client.on('error', error => this.began(redisError(error, this.address)))
    this.client.on('close', () => this.began(new Error('the connection was closed')))
    this.client.on('ready', () => {
      if (!this.refusesWrites) this.outage.ended()
    })
  }

  get db(): number {
    return this.client.options.db ?? 0
  }

  /** @throws one line naming the server, what is wrong with it and the remedy */
  async open(): Promise<StoreIdentity> {
    try {
      await this.connect(this.client)
      const server = await inspectServer(this.client, this.address)
      this.opened = true
      return { address: this.address, prefix: this.options.keys.prefix, ...server }
    } catch (error) {
      this.client.disconnect()
      throw redisError(error, this.address)
    }
  }

  async close(): Promise<void> {
    this.closed = true
    await Promise.all([...this.beside].map(task => task.stop()))
    await disconnect(this.client)
  }

  /**
   * Runs a command that changes nothing, or whose failure is no outage.
   * @param about what it works on, to name the key if one has a foreign type
   */
  async read<Reply>(work: () => Promise<Reply>, about: About = {}): Promise<Reply> {
    try {
      return await work()
    } catch (error) {
      throw await this.explained(error, about)
    }
  }

  private async explained(error: unknown, about: About): Promise<Error> {
    if (isWrongType(error)) return foreignKey(this.client, this.options.keys, about)
    const known = redisError(error, this.address)
    if (known instanceof StoreUnavailable) this.options.observer.redisFailed?.(known.reason)
    return known
  }

  /**
   * Runs a script that writes. A Redis that answers but refuses writes is an outage too, until a write succeeds: a read
   * would succeed on a replica. Full memory is no outage: only messages are refused then.
   */
  async write<Reply>(work: () => Promise<Reply>, about: About = {}): Promise<Reply> {
    try {
      const reply = await work()
      this.refusesWrites = false
      this.outage.ended()
      return reply
    } catch (error) {
      throw await this.failed(error, about)
    }
  }

  /** Translates the error of a write, and begins an outage if it is one. */
  async failed(error: unknown, about: About): Promise<Error> {
    const known = await this.explained(error, about)
    if (known instanceof StoreUnavailable && known.reason !== 'memory') {
      if (known.reason !== 'connection' && known.reason !== 'timeout') this.refusesWrites = true
      this.began(known)
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
    const client = createClient(this.options.redis, this.options.name)
    if (client === this.client)
      throw new TypeError(
        'redis: the function must make a new client each time it is called; a subscription needs its own',
      )
    Object.assign(client.options, options)
    const task = make(client)
    this.beside.add(task)
    const stop = async () => {
      this.beside.delete(task)
      await task.stop()
    }
    try {
      await this.connect(client)
      await task.start()
    } catch (error) {
      await stop()
      throw redisError(error, this.address)
    }
    return stop
  }

  private async connect(client: Redis): Promise<void> {
    await connect(client)
    // A client that the user made may have connected without the name.
    if (typeof this.options.redis === 'function') await client.client('SETNAME', this.options.name)
  }

  /** Before `open` has succeeded there is no outage: `open` rejects with what is wrong. */
  private began(error: Error): void {
    if (this.opened && !this.closed) this.outage.began(error)
  }
}
