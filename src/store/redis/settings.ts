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

export class RedisSettings implements SettingsStore {
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

  follow(listener: SettingsListener): Promise<() => Promise<void>> {
    return this.link.start(SUBSCRIPTION_OPTIONS, client => this.events(client, listener))
  }

  private events(client: Redis, listener: SettingsListener): Subscription {
    const { address, db } = this.link
    return new RequiredSubscription(client, {
      channels: [this.keys.settingsChanged],
      address,
      log: this.log,
      onSubscribed: () => listener.missed(),
      onMessage: (_channel, message) => {
        const parsed = change.safeParse(parseJson(message))
        if (parsed.success && parsed.data.db === db) listener.changed(parsed.data)
      },
    })
  }
}
