/**
 * A subscription that survives its connection. Pub/sub forgets a subscriber that is away, and ioredis resubscribes without
 * saying so. So the channels are subscribed to by hand after each (re)connection, and `onSubscribed` is called once Redis has
 * confirmed it: whatever was missed can be looked up from then on.
 *
 *   refused   a server may refuse a channel (ACL); it is asked again after `RETRY_MS`
 *   silent    a hanging connection looks like a quiet system: it is pinged once a heartbeat, and replaced if that fails
 *
 * The client must be made with `SUBSCRIPTION_OPTIONS` and serve nothing else.
 */
import type { Redis } from 'ioredis'
import type { Logger } from '../../logger.js'
import { Outage } from '../../outage.js'
import { disconnect } from './connection.js'
import { redisError } from './errors.js'

const HEARTBEAT_MS = 30_000
const RETRY_MS = 30_000

export const SUBSCRIPTION_OPTIONS = { autoResubscribe: false } as const

export interface SubscriptionOptions {
  channels: readonly string[]
  /** The server, as errors name it. */
  address: string
  log: Logger
  /** At least one channel is subscribed to, now or again. */
  onSubscribed(): void
  onMessage(channel: string, message: string): void
}

export class Subscription {
  private readonly refusal: Outage
  private heartbeat: NodeJS.Timeout | undefined
  private retry: NodeJS.Timeout | undefined
  private stopped = false
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
    // Every reconnection that fails is an 'error'; the store reports the server's outage.
    client.on('error', () => {})
  }

  /** Resolves after the first try: to nothing if all channels were granted, else to the refusal (it is tried again). */
  async start(): Promise<Error | undefined> {
    const refusal = await this.first
    this.heartbeat = setInterval(() => void this.ping(), HEARTBEAT_MS)
    return refusal
  }

  /** May be called twice, or before `start`. */
  async stop(): Promise<void> {
    this.stopped = true
    clearInterval(this.heartbeat)
    clearTimeout(this.retry)
    await disconnect(this.client)
  }

  /** Each channel by itself: a server may grant one and refuse another, and one is better than none. */
  private async subscribe(): Promise<void> {
    clearTimeout(this.retry)
    const { channels, address, onSubscribed } = this.options
    const results = await Promise.allSettled(channels.map(channel => this.client.subscribe(channel)))
    // A connection that broke meanwhile comes back as 'ready'.
    if (this.stopped || this.client.status !== 'ready') return
    const rejected = results.find(result => result.status === 'rejected')
    const refusal = rejected && redisError(rejected.reason, address)
    if (refusal) {
      this.refusal.began(refusal)
      this.retry = setTimeout(() => void this.subscribe(), RETRY_MS)
    } else this.refusal.ended()
    if (results.some(result => result.status === 'fulfilled')) onSubscribed()
    this.settleFirst(refusal)
  }

  private async ping(): Promise<void> {
    if (this.client.status !== 'ready') return
    try {
      await this.client.ping()
    } catch {
      // A new connection ends the hang, and subscribes again.
      if (!this.stopped) this.client.disconnect(true)
    }
  }
}
