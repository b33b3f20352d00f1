/**
 * The sessions of the page in Redis, so that several API processes behind one port share them: a key with a TTL for
 * each, whose value is its generation, and a counter for the current generation.
 */
import { RENEWED_AFTER, type Sessions } from '../sessions.js'
import type { Keys } from './keys.js'
import type { RedisLink } from './link.js'

export class RedisSessions implements Sessions {
  constructor(
    private readonly link: RedisLink,
    private readonly keys: Keys,
  ) {}

  async begin(digest: string, ttlMs: number): Promise<void> {
    const generation = await this.generation()
    await this.link.read(() => this.link.client.set(this.keys.session(digest), generation, 'PX', ttlMs))
  }

  async use(digest: string, ttlMs: number): Promise<boolean> {
    const key = this.keys.session(digest)
    return this.link.read(async () => {
      const { client } = this.link
      const [generation, own, leftMs] = await Promise.all([
        client.get(this.keys.sessions),
        client.get(key),
        client.pttl(key),
      ])
      if (own === null || own !== (generation ?? '0')) return false
      // A Redis that refuses writes does not end a session before its time.
      if (leftMs < ttlMs * (1 - RENEWED_AFTER)) await client.pexpire(key, ttlMs).catch(() => {})
      return true
    })
  }

  async end(digest: string): Promise<void> {
    await this.link.read(() => this.link.client.del(this.keys.session(digest)))
  }

  async endAll(): Promise<void> {
    await this.link.read(() => this.link.client.incr(this.keys.sessions))
  }

  async generation(): Promise<number> {
    return Number((await this.link.read(() => this.link.client.get(this.keys.sessions))) ?? 0)
  }
}
