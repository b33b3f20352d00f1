/** Stored rules in Redis: a hash, and a channel that publishes each change. */
import type { Redis } from 'ioredis'
import { z } from 'zod'
import type { Logger } from '../../logger.js'
import { MOST_SCOPES, type SettingsListener, type SettingsStore, type StoredRules, tooManyScopes } from '../settings.js'
import type { Keys } from './keys.js'
import type { RedisLink } from './link.js'
import { parseJson } from './parse-json.js'
import type { Scripts } from './scripts.js'
import { RequiredSubscription, SUBSCRIPTION_OPTIONS, type Subscription } from './subscription.js'

const change = z.object({
  scope: z.string(),
  json: z.string().optional(),
  version: z.number(),
  db: z.number(),
})

/** A record would leave out the name `__proto__`. */
const pairs = z.array(z.tuple([z.string(), z.string()]))

/** TCP's keep-alive, which also keeps an idle connection through a firewall. Redis does not see it. */
const KEEP_ALIVE_MS = 30_000

export class RedisSettings implements SettingsStore {
  private readonly following = new Set<Subscription>()

  constructor(
    private readonly link: RedisLink,
    private readonly keys: Keys,
    private readonly scripts: Scripts,
    private readonly log: Logger,
  ) {}

  async all(): Promise<StoredRules> {
    const { client } = this.link
    const { settings, settingsVersion } = this.keys
    const replies = await this.link.read(() => client.multi().get(settingsVersion).hgetall(settings).exec())
    const [version, rules] = (replies ?? []).map(([error, reply]) => {
      if (error) throw error
      return reply
    })
    return {
      version: Number(version ?? 0),
      rules: new Map(pairs.parse(Object.entries(Object(rules)))),
    }
  }

  async put(scope: string, json: string | undefined, was: string | undefined): Promise<boolean> {
    const result = await this.link.write(() => this.scripts.putSettings(scope, json, was, MOST_SCOPES))
    if (result === 'full') throw tooManyScopes()
    return result === 'put'
  }

  async follow(listener: SettingsListener): Promise<() => Promise<void>> {
    let subscription: Subscription | undefined
    const stop = await this.link.start({ ...SUBSCRIPTION_OPTIONS, keepAlive: KEEP_ALIVE_MS }, client => {
      subscription = this.events(client, listener)
      return subscription
    })
    if (subscription) this.following.add(subscription)
    return async () => {
      if (subscription) this.following.delete(subscription)
      await stop()
    }
  }

  check(): void {
    for (const subscription of this.following) subscription.check()
  }

  private events(client: Redis, listener: SettingsListener): Subscription {
    const { address, db } = this.link
    return new RequiredSubscription(client, {
      channels: [this.keys.settingsChanged],
      address,
      log: this.log,
      pingsOnDemand: true,
      onSubscribed: () => listener.missed(),
      onMessage: (_channel, message) => {
        const parsed = change.safeParse(parseJson(message))
        if (parsed.success && parsed.data.db === db) listener.changed(parsed.data)
      },
    })
  }
}
