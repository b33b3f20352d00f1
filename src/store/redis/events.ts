/**
 * What Redis tells a processor: `next-due`, and the expiry of shadow keys and headers.
 *
 * Pub/sub forgets whoever is not there. After each (re)connection the channels are subscribed to by hand, and only when
 * Redis has confirmed that does the listener hear `subscribed`: whatever it missed, it may look up now. (A client that
 * resubscribes by itself does so silently.) A connection that nothing comes through looks like a quiet system, so it is
 * pinged once a heartbeat, and given up on if that is not answered.
 */
import type { Redis } from 'ioredis'
import { z } from 'zod'
import type { Logger } from '../../logger.js'
import { Outage } from '../../outage.js'
import type { StoreEvent } from '../store.js'
import { disconnect } from './connection.js'
import { redisError } from './errors.js'
import type { Keys } from './keys.js'
import { parseJson } from './parse-json.js'

const HEARTBEAT_MS = 30_000
const RETRY_SUBSCRIBE_MS = 30_000

const nextDue = z.object({
  conversationId: z.string(),
  batchId: z.string(),
  dueInMs: z.number(),
  db: z.number(),
})

export class RedisEvents {
  private readonly channels: [nextDue: string, expired: string]
  private readonly refusal: Outage
  private heartbeat: NodeJS.Timeout | undefined
  private retry: NodeJS.Timeout | undefined
  private closed = false
  /** Settles with the first subscription, whether Redis granted or refused it. */
  private readonly first: Promise<void>
  private settleFirst = () => {}

  constructor(
    private readonly client: Redis,
    private readonly keys: Keys,
    db: number,
    private readonly address: string,
    log: Logger,
    private readonly listener: (event: StoreEvent) => void,
  ) {
    this.channels = [keys.nextDue, `__keyevent@${db}__:expired`]
    this.refusal = new Outage(log, `the subscription to ${this.channels.join(' and ')}`)
    client.on('message', (channel: string, message: string) => this.hear(channel, message))
    this.first = new Promise(resolve => {
      this.settleFirst = resolve
    })
    client.on('ready', () => void this.subscribe())
    if (client.status === 'ready') void this.subscribe()
    // Every reconnection that fails is an 'error'; the outage of the server is the store's to report.
    client.on('error', () => {})
  }

  /** Resolves when the first subscription stands, or was refused (and is asked for again). */
  async start(): Promise<void> {
    await this.first
    this.heartbeat = setInterval(() => void this.ping(), HEARTBEAT_MS)
  }

  async stop(): Promise<void> {
    this.closed = true
    clearInterval(this.heartbeat)
    clearTimeout(this.retry)
    await disconnect(this.client)
  }

  /** Each channel by itself: a server may grant one (ACL) and refuse the other, and one is better than none. */
  private async subscribe(): Promise<void> {
    clearTimeout(this.retry)
    const results = await Promise.allSettled(this.channels.map(channel => this.client.subscribe(channel)))
    // A connection that broke comes back as 'ready'; a server that refuses is asked again.
    if (this.closed || this.client.status !== 'ready') return
    const refused = results.find(result => result.status === 'rejected')
    if (refused) {
      this.refusal.began(redisError(refused.reason, this.address))
      this.retry = setTimeout(() => void this.subscribe(), RETRY_SUBSCRIBE_MS)
    } else this.refusal.ended()
    if (results.some(result => result.status === 'fulfilled')) this.listener({ kind: 'subscribed' })
    this.settleFirst()
  }

  private async ping(): Promise<void> {
    if (this.client.status !== 'ready') return
    try {
      await this.client.ping()
    } catch {
      // It hangs: a new connection is what helps, and that it stands again is reported as `subscribed`.
      if (!this.closed) this.client.disconnect(true)
    }
  }

  private hear(channel: string, message: string): void {
    if (this.closed) return
    if (channel === this.channels[0]) {
      const parsed = nextDue.safeParse(parseJson(message))
      if (parsed.success) this.listener({ kind: 'next-due', ...parsed.data })
      return
    }
    const expired = this.keys.expiring(message)
    if (expired) this.listener({ kind: 'expired', ...expired })
  }
}
