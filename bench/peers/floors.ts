/**
 * Floors: the least that any system pays to store a message, and to store it with a TTL and an event. They batch
 * nothing.
 */
import { Redis } from 'ioredis'
import type { Peer } from './peer.js'

export const rpush: Peer = {
  async produce({ redis: url }) {
    const redis = new Redis(url, { enableAutoPipelining: true })
    return {
      append: (conversation, _messageId, text) => redis.rpush(`list:${conversation}`, text),
      close: () => redis.quit(),
    }
  },
}

export const pipeline: Peer = {
  async produce({ redis: url, gapMs }) {
    const redis = new Redis(url)
    return {
      append: (conversation, _messageId, text) =>
        redis
          .pipeline()
          .rpush(`list:${conversation}`, text)
          .pexpire(`list:${conversation}`, 60_000)
          .set(`quiet:${conversation}`, '', 'PX', gapMs)
          .publish('batch-updated', conversation)
          .exec(),
      close: () => redis.quit(),
    }
  },
}
