/**
 * Textbook keyspace notifications (https://redis.io/docs/latest/develop/pubsub/keyspace-notifications): a shadow key
 * whose TTL is the gap, which each message sets again, and a subscriber to its `expired` event.
 */
import { Redis } from 'ioredis'
import { z } from 'zod'
import type { Peer } from './peer.js'

const SHADOW = 'quiet:'
const drained = z.array(z.string())
const DRAIN = `local texts = redis.call('LRANGE', KEYS[1], 0, -1) redis.call('DEL', KEYS[1]) return texts`

export const textbook: Peer = {
  async produce({ redis: url, gapMs }) {
    const redis = new Redis(url, { enableAutoPipelining: true })
    return {
      append: (conversation, _messageId, text) =>
        Promise.all([
          redis.rpush(`batch:${conversation}`, text),
          redis.set(`${SHADOW}${conversation}`, '', 'PX', gapMs),
        ]),
      close: () => redis.quit(),
    }
  },
  async consume({ redis: url }, onBatch) {
    const redis = new Redis(url, { enableAutoPipelining: true })
    await redis.config('SET', 'notify-keyspace-events', 'Ex')
    const subscriber = new Redis(url)
    subscriber.on('message', (_channel: string, key: string) => {
      if (key.startsWith(SHADOW)) void take(key.slice(SHADOW.length))
    })
    const take = async (conversation: string) => {
      const texts = drained.parse(await redis.eval(DRAIN, 1, `batch:${conversation}`))
      if (texts.length > 0) void onBatch(conversation, texts)
    }
    await subscriber.subscribe('__keyevent@0__:expired')
    return {
      async close() {
        subscriber.disconnect()
        redis.disconnect()
      },
    }
  },
}
