/** The processors that run, in Redis: a sorted set of owners by the time until which they count as running. */
import { PROCESSOR_TTL_MS, type ProcessorList } from '../processors.js'
import type { Keys } from './keys.js'
import type { RedisLink } from './link.js'
import type { Scripts } from './scripts.js'

/** TCP's keep-alive, as for stored settings. Changes that a hanging connection misses are found by the next renewal. */
const KEEP_ALIVE_MS = 30_000

export class RedisProcessors implements ProcessorList {
  constructor(
    private readonly link: RedisLink,
    private readonly keys: Keys,
    private readonly scripts: Scripts,
  ) {}

  renew(owner: string): Promise<string[]> {
    return this.link.write(() => this.scripts.renewProcessor(owner, PROCESSOR_TTL_MS))
  }

  async leave(owner: string): Promise<void> {
    await this.link.write(() => this.scripts.renewProcessor(owner, 0))
  }

  async follow(listener: () => void): Promise<() => Promise<void>> {
    const channels = [this.keys.processorsChanged]
    const subscription = await this.link.subscribe(
      { channels, onSubscribed: listener, onMessage: listener },
      { isRequired: true, keepAlive: KEEP_ALIVE_MS, pingsOnDemand: true },
    )
    return () => subscription.stop()
  }
}
