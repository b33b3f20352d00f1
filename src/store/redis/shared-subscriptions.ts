/**
 * Subscriptions to the channels of partitions: one connection for each primary that has any, whatever their number. On
 * a Cluster they are sharded Pub/Sub, and a channel lies in its partition's slot.
 *
 * Pub/Sub drops what is published while a subscriber is away, so its owner is told each time the subscription is in
 * place (`onSubscribed`), and reads what it missed. A channel is subscribed to again
 *
 *   after its connection was lost and is ready again
 *   when its slot has another primary: the server ends the subscription with a push (`moved`), or the map says so
 *   `RETRY_REFUSED_MS` after a refusal, by an ACL say
 *
 * Each connection is pinged every `PING_MS`: a primary that hangs keeps its connections, and publishes nothing.
 */
import type { Redis } from 'ioredis'
import type { Logger } from '../../logger.js'
import { Outage } from '../../outage.js'
import { StoreUnavailable } from '../store.js'
import { connect, disconnect } from './connection.js'
import { redisError } from './errors.js'
import type { RedisNode } from './node.js'
import type { ChannelListener } from './subscription.js'

const PING_MS = 5000
const RETRY_MS = 200
const RETRY_REFUSED_MS = 30_000

/** What this needs of the map of nodes. */
export interface SlotMap {
  readonly isCluster: boolean
  find(slot: number): RedisNode | undefined
  doubt(): void
  readMap(): Promise<void>
}

interface Wanted {
  slot: number
  listener: ChannelListener
  on: Subscriber | undefined
  /** Redis has answered the first time. */
  answered: (refusal: Error | undefined) => void
}

interface Subscriber {
  node: RedisNode
  client: Redis
  wanted: Set<Wanted>
  ping: NodeJS.Timeout
  isPlacing: boolean
}

export class SharedSubscriptions {
  private readonly wanted = new Set<Wanted>()
  private readonly subscribers = new Map<RedisNode, Subscriber>()
  private readonly retries = new Set<NodeJS.Timeout>()
  private readonly refusal: Outage
  private closed = false

  constructor(
    private readonly map: SlotMap,
    log: Logger,
  ) {
    this.refusal = new Outage(log, 'a subscription to channels of a partition')
  }

  /**
   * Resolves when Redis has answered the first time, or is away: `onSubscribed` then comes later. `refusal` says that it
   * refused, which is tried again.
   */
  async subscribe(slot: number, listener: ChannelListener): Promise<{ stop(): Promise<void>; refusal?: Error }> {
    const wanted: Wanted = { slot, listener, on: undefined, answered: () => {} }
    const refusal = await new Promise<Error | undefined>(resolve => {
      wanted.answered = resolve
      this.wanted.add(wanted)
      this.placeOne(wanted)
    })
    return { stop: () => this.remove(wanted), ...(refusal && { refusal }) }
  }

  /** The map has changed: each subscription goes to its slot's primary. */
  place(): void {
    for (const wanted of this.wanted) if (wanted.on?.node !== this.map.find(wanted.slot)) this.placeOne(wanted)
  }

  async close(): Promise<void> {
    this.closed = true
    for (const timer of this.retries) clearTimeout(timer)
    for (const wanted of this.wanted) wanted.answered(undefined)
    await Promise.all([...this.subscribers.values()].map(subscriber => this.end(subscriber)))
  }

  private placeOne(wanted: Wanted): void {
    if (this.closed || !this.wanted.has(wanted)) return
    this.leave(wanted)
    const node = this.map.find(wanted.slot)
    if (!node) {
      wanted.answered(undefined)
      this.placeLater(wanted, RETRY_MS)
      return
    }
    const subscriber = this.subscribers.get(node) ?? this.begin(node)
    wanted.on = subscriber
    subscriber.wanted.add(wanted)
    if (subscriber.client.status === 'ready') void this.subscribeOn(subscriber, wanted)
  }

  private placeLater(wanted: Wanted, ms: number): void {
    const timer = setTimeout(() => {
      this.retries.delete(timer)
      this.placeOne(wanted)
    }, ms)
    this.retries.add(timer)
  }

  private begin(node: RedisNode): Subscriber {
    const client = node.newClient()
    Object.assign(client.options, { autoResubscribe: false })
    const subscriber: Subscriber = {
      node,
      client,
      wanted: new Set(),
      ping: setInterval(() => void this.ping(subscriber), PING_MS),
      isPlacing: false,
    }
    this.subscribers.set(node, subscriber)
    // The node's connection for commands reports its outage.
    client.on('error', () => {})
    client.on('ready', () => {
      for (const wanted of subscriber.wanted) void this.subscribeOn(subscriber, wanted)
    })
    client.on('close', () => {
      for (const wanted of subscriber.wanted) wanted.answered(undefined)
      this.map.doubt()
    })
    client.on('moved', () => void this.placeAnew(subscriber))
    client.on(this.map.isCluster ? 'smessage' : 'message', (channel: string, message: string) => {
      for (const { listener } of subscriber.wanted)
        if (listener.channels.includes(channel)) listener.onMessage(channel, message)
    })
    connect(client).catch(() => {
      // It goes on trying, and `ready` subscribes.
    })
    return subscriber
  }

  private async subscribeOn(subscriber: Subscriber, wanted: Wanted): Promise<void> {
    const { client, node } = subscriber
    const { channels, onSubscribed } = wanted.listener
    const results = await Promise.allSettled(
      channels.map(channel => (this.map.isCluster ? client.ssubscribe(channel) : client.subscribe(channel))),
    )
    // A connection that was lost meanwhile comes back as 'ready' and subscribes again.
    if (this.closed || wanted.on !== subscriber || client.status !== 'ready') return
    const rejected = results.find(result => result.status === 'rejected')
    if (!rejected) {
      this.refusal.ended()
      onSubscribed()
      return wanted.answered(undefined)
    }
    const error = redisError(rejected.reason, node.address)
    if (error instanceof StoreUnavailable && error.reason !== 'auth') {
      await this.map.readMap()
      return this.placeLater(wanted, RETRY_MS)
    }
    this.refusal.began(error)
    this.placeLater(wanted, RETRY_REFUSED_MS)
    if (results.some(result => result.status === 'fulfilled')) onSubscribed()
    wanted.answered(error)
  }

  /** The server has ended subscriptions, as their slots have another primary, and does not say which. */
  private async placeAnew(subscriber: Subscriber): Promise<void> {
    if (subscriber.isPlacing) return
    subscriber.isPlacing = true
    await this.map.readMap()
    subscriber.isPlacing = false
    for (const wanted of [...subscriber.wanted]) this.placeOne(wanted)
  }

  private leave(wanted: Wanted): void {
    const { on } = wanted
    wanted.on = undefined
    on?.wanted.delete(wanted)
    if (on && on.wanted.size === 0 && this.map.find(wanted.slot) !== on.node) void this.end(on)
  }

  private async remove(wanted: Wanted): Promise<void> {
    this.wanted.delete(wanted)
    const { on } = wanted
    this.leave(wanted)
    if (!on) return
    if (on.wanted.size === 0) return this.end(on)
    const others = new Set([...on.wanted].flatMap(({ listener }) => listener.channels))
    const left = wanted.listener.channels.filter(channel => !others.has(channel))
    // A connection that is lost has no subscriptions.
    const { client } = on
    const leaves = left.map(channel =>
      this.map.isCluster ? client.sunsubscribe(channel) : client.unsubscribe(channel),
    )
    await Promise.all(leaves.map(leave => leave.catch(() => {})))
  }

  private async end(subscriber: Subscriber): Promise<void> {
    clearInterval(subscriber.ping)
    this.subscribers.delete(subscriber.node)
    await disconnect(subscriber.client)
  }

  private async ping({ client, node }: Subscriber): Promise<void> {
    if (client.status !== 'ready') return
    try {
      await client.ping()
    } catch {
      if (this.closed) return
      client.disconnect(true)
      node.drop()
      this.map.doubt()
    }
  }
}
