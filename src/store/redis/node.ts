/**
 * The connections to one Redis server: one for commands, and one for writes that wait for replicas, if any do. Their
 * outage is logged once when it begins and once when it ends.
 */
import type { Redis, RedisOptions } from 'ioredis'
import type { Logger } from '../../logger.js'
import { Outage } from '../../outage.js'
import { StoreUnavailable } from '../store.js'
import { addressOf, connect, createClient, disconnect } from './connection.js'
import { DurableWrites } from './durable-writes.js'
import { redisError } from './errors.js'
import { MemoryGuard } from './memory-guard.js'
import type { RedisSource } from './source.js'

export interface NodeOptions {
  redis: RedisSource
  /** Names the connections, in `CLIENT LIST` for example. */
  name: string
  log: Logger
  /** Instead of the usual ones. */
  timeouts?: RedisOptions
  /** Replicas that must have a durable write; 0: none, and no connection of its own. */
  waitReplicas: number
  /** What an outage of this server means, for the log: `, which serves 22 of 65 slots that are used,`. */
  meaning?: () => string
  /** Called each time the connection for commands is ready. */
  onReady?: () => void
  /** The connection for commands was lost. */
  onLost?: () => void
}

export class RedisNode {
  /** For commands. */
  readonly client: Redis
  readonly memory: MemoryGuard
  private readonly outage: Outage
  private readonly durable: DurableWrites | undefined
  /** Redis refused the last write. Reconnecting does not end that; the next write that succeeds does. */
  private refusesWrites = false
  private opened = false
  private closed = false

  /** Does not connect yet. */
  constructor(private readonly options: NodeOptions) {
    const { log, waitReplicas, meaning = () => '', onReady, onLost } = options
    this.client = this.made()
    this.memory = new MemoryGuard(() => this.client.info('memory'), addressOf(this.client))
    this.outage = new Outage(log, () => `Redis at ${this.address}${meaning()}`)
    this.client.on('error', error => this.began(redisError(error, this.address)))
    this.client.on('close', () => {
      this.began(new Error('the connection was closed'))
      onLost?.()
    })
    this.client.on('ready', () => {
      if (!this.refusesWrites) this.outage.ended()
      onReady?.()
    })
    if (waitReplicas > 0) this.durable = new DurableWrites(this.newClient(), waitReplicas, this.address)
  }

  /** @throws the client's error */
  async connect(): Promise<void> {
    await connect(this.client)
    if (this.durable) await connect(this.durable.client)
  }

  /** From now on a lost connection is an outage. Before it, `connect` rejects with what is wrong. */
  opens(): void {
    this.opened = true
  }

  async close(): Promise<void> {
    this.closed = true
    await Promise.all([this.durable?.close(), disconnect(this.client)])
  }

  /** Ends its connections at once, for good. */
  disconnect(): void {
    this.closed = true
    this.durable?.client.disconnect()
    this.client.disconnect()
  }

  /** Its connections end at once, and reconnect: a server that does not answer in time may have hung. */
  drop(): void {
    if (this.closed) return
    dropConnection(this.client)
    if (this.durable) dropConnection(this.durable.client)
  }

  /** Never with credentials. */
  get address(): string {
    return addressOf(this.client)
  }

  get isReady(): boolean {
    return !this.closed && this.client.status === 'ready'
  }

  /** A client of the same server that is not connected yet. Its owner connects and disconnects it. */
  newClient(): Redis {
    const client = this.made()
    if (client === this.client)
      throw new TypeError(
        'redis: the function must make a new client each time it is called; a subscription needs its own',
      )
    return client
  }

  private made(): Redis {
    const { redis, name, timeouts } = this.options
    const client = createClient(redis, name)
    Object.assign(client.options, timeouts)
    return client
  }

  /**
   * Runs a write that counts only when enough replicas have it. Without `waitReplicas` it is a write like all others.
   * @throws {StoreUnavailable} (`replicas`) if they do not; the write was done all the same
   */
  durably<Reply>(write: (client: Redis) => Promise<Reply>): Promise<Reply> {
    return this.durable ? this.durable.run(write) : write(this.client)
  }

  /** A write has succeeded. */
  wrote(): void {
    this.refusesWrites = false
    this.outage.ended()
  }

  /**
   * A write has failed. A Redis that answers but refuses writes is an outage too, until a write succeeds: a read would
   * succeed on a replica. Full memory, a slot on its way and a WAIT that fell short are no outage: other calls succeed.
   */
  refused(error: StoreUnavailable): void {
    const fellShort = error.reason === 'replicas' && error.cause === undefined
    if (error.reason === 'memory' || error.reason === 'moving' || fellShort) return
    if (error.reason !== 'connection' && error.reason !== 'timeout') this.refusesWrites = true
    this.began(error)
  }

  private began(error: Error): void {
    if (this.opened && !this.closed) this.outage.began(error)
  }
}

/** A connection that is ready ends at once, and reconnects. ioredis's `disconnect` waits 2 s for the server's goodbye. */
export function dropConnection(client: Redis): void {
  if (client.status === 'ready') client.stream.destroy()
}

/** An error of the client as an error of Lull's, if it is a passing one. */
export function unavailable(error: unknown, node: RedisNode): StoreUnavailable | undefined {
  const known = redisError(error, node.address)
  return known instanceof StoreUnavailable ? known : undefined
}
