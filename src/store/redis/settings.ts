/** Stored rules in Redis: a hash, and a channel that publishes each change. */
import { z } from 'zod'
import { MOST_SCOPES, type SettingsListener, type SettingsStore, type StoredRules, tooManyScopes } from '../settings.js'
import type { Keys } from './keys.js'
import type { RedisLink, Subscribed } from './link.js'
import { parseJson } from './parse-json.js'
import type { Scripts } from './scripts.js'
import type { ChannelListener } from './subscription.js'

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
  private readonly following = new Set<Subscribed>()

  constructor(
    private readonly link: RedisLink,
    private readonly keys: Keys,
    private readonly scripts: Scripts,
  ) {}

  async all(): Promise<StoredRules> {
    const { settings, settingsVersion } = this.keys
    const replies = await this.link.read(() => this.link.client.multi().get(settingsVersion).hgetall(settings).exec())
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
    const options = { isRequired: true, keepAlive: KEEP_ALIVE_MS, pingsOnDemand: true }
    const subscription = await this.link.subscribe(this.events(listener), options)
    this.following.add(subscription)
    return async () => {
      this.following.delete(subscription)
      await subscription.stop()
    }
  }

  check(): void {
    for (const subscription of this.following) subscription.check()
  }

  private events(listener: SettingsListener): ChannelListener {
    const { db } = this.link
    return {
      channels: [this.keys.settingsChanged],
      onSubscribed: () => listener.missed(),
      onMessage: (_channel, message) => {
        const parsed = change.safeParse(parseJson(message))
        if (parsed.success && parsed.data.db === db) listener.changed(parsed.data)
      },
    }
  }
}
