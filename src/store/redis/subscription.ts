/**
 * A subscription to channels, on a connection of its own, that survives outages.
 *
 * Pub/Sub drops what is published while a subscriber is away, so its owner must know when the subscription is in place
 * again, and read what it missed. ioredis resubscribes without saying so. This one subscribes itself after each
 * (re)connection and calls `onSubscribed` when Redis has confirmed it.
 *
 *   subscribing   after each 'ready' of the connection: then subscribed, or refused
 *   subscribed    pinged every `HEARTBEAT_MS`, and reconnected without an answer: a hanging connection looks like a
 *                 quiet system. With `pingsOnDemand` only when its owner depends on it: see `check`
 *   refused       by an ACL, say. Logged once, tried again every `RETRY_REFUSED_MS`
 *   stopped       for good
 *
 * The client must have `SUBSCRIPTION_OPTIONS` and serve nothing else.
 */
import type { Redis } from 'ioredis'
import type { Logger } from '../../logger.js'
import { Outage } from '../../outage.js'
import { disconnect } from './connection.js'
import { redisError } from './errors.js'

const HEARTBEAT_MS = 30_000
const RETRY_REFUSED_MS = 30_000

export const SUBSCRIPTION_OPTIONS = { autoResubscribe: false } as const

/** Channels, and what is called for them. */
export interface ChannelListener {
  channels: readonly string[]
  /** At least one channel is subscribed to, for the first time or again. */
  onSubscribed(): void
  onMessage(channel: string, message: string): void
}

export interface SubscriptionOptions extends ChannelListener {
  /** The server, as errors name it. */
  address: string
  log: Logger
  /** Send no heartbeats: TCP's own find a peer that is gone, and `check` finds a connection that hangs. */
  pingsOnDemand?: boolean | undefined
}

export class Subscription {
  private readonly refusal: Outage
  private heartbeat: NodeJS.Timeout | undefined
  private retry: NodeJS.Timeout | undefined
  private stopped = false
  private checkedAtMs = performance.now()
  private readonly first: Promise<Error | undefined>
  private settleFirst: (refusal: Error | undefined) => void = () => {}

  constructor(
    private readonly client: Redis,
    private readonly options: SubscriptionOptions,
  ) {
    this.refusal = new Outage(options.log, `the subscription to ${options.channels.join(' and ')}`)
    this.first = new Promise(resolve => {
      this.settleFirst = resolve
    })
    client.on('message', (channel: string, message: string) => {
      if (!this.stopped) options.onMessage(channel, message)
    })
    client.on('ready', () => void this.subscribe())
    if (client.status === 'ready') void this.subscribe()
    // Each failed reconnection is an 'error'. The store's own connection reports the server's outage.
    client.on('error', () => {})
  }

  /** Resolves when Redis has answered the first time: to the refusal, if it refused a channel (that is tried again). */
  async start(): Promise<Error | undefined> {
    const refusal = await this.first
    if (!this.options.pingsOnDemand && !this.stopped) this.heartbeat = setInterval(() => void this.ping(), HEARTBEAT_MS)
    return refusal
  }

  /** Pings if the last time was longer ago than a heartbeat. Does not wait for the answer. */
  check(): void {
    const now = performance.now()
    if (now - this.checkedAtMs < HEARTBEAT_MS) return
    this.checkedAtMs = now
    void this.ping()
  }

  /** May be called twice, and before `start`. */
  async stop(): Promise<void> {
    this.stopped = true
    this.settleFirst(undefined)
    clearInterval(this.heartbeat)
    clearTimeout(this.retry)
    await disconnect(this.client)
  }

  /** Each channel in a call of its own: an ACL may allow one and refuse another, and one is better than none. */
  private async subscribe(): Promise<void> {
    clearTimeout(this.retry)
    const { channels, address, onSubscribed } = this.options
    const results = await Promise.allSettled(channels.map(channel => this.client.subscribe(channel)))
    // A connection that was lost meanwhile comes back as 'ready' and subscribes again.
    if (this.stopped || this.client.status !== 'ready') return
    const rejected = results.find(result => result.status === 'rejected')
    const refusal = rejected && redisError(rejected.reason, address)
    if (refusal) {
      this.refusal.began(refusal)
      this.retry = setTimeout(() => void this.subscribe(), RETRY_REFUSED_MS)
    } else this.refusal.ended()
    if (results.some(result => result.status === 'fulfilled')) onSubscribed()
    this.settleFirst(refusal)
  }

  private async ping(): Promise<void> {
    if (this.client.status !== 'ready') return
    try {
      await this.client.ping()
    } catch {
      // It hangs, or is lost already. A new connection subscribes again.
      if (!this.stopped) this.client.disconnect(true)
    }
  }
}
