/** The system that Lull replaces: a processor that scans for batches every second, and takes those that are due. */
import { Redis } from 'ioredis'
import { z } from 'zod'
import type { Peer } from './peer.js'

const PREFIX = 'rapid-fire:'
const EVERY_MS = 1000
const SCAN_COUNT = 1000
const takenShape = z.array(z.string())
const TAKE = `
local time = redis.call('TIME')
if tonumber(redis.call('GET', KEYS[2]) or 0) > time[1] * 1000 + math.floor(time[2] / 1000) then return {} end
local texts = redis.call('LRANGE', KEYS[1], 0, -1)
redis.call('DEL', KEYS[1], KEYS[2])
return texts`

export const scan: Peer = {
  async produce({ redis: url, gapMs }) {
    const redis = new Redis(url, { enableAutoPipelining: true })
    return {
      append: (conversation, _messageId, text) =>
        Promise.all([
          redis.rpush(`${PREFIX}${conversation}`, text),
          redis.set(`due:${conversation}`, Date.now() + gapMs, 'PX', gapMs * 2),
        ]),
      close: () => redis.quit(),
    }
  },
  async consume({ redis: url }, onBatch) {
    const redis = new Redis(url, { enableAutoPipelining: true })
    let running = Promise.resolve()
    let busy = false
    const poll = async () => {
      for await (const keys of redis.scanStream({ match: `${PREFIX}*`, count: SCAN_COUNT }))
        await Promise.all(takenShape.parse(keys).map(take))
    }
    const take = async (key: string) => {
      const conversation = key.slice(PREFIX.length)
      const texts = takenShape.parse(await redis.eval(TAKE, 2, key, `due:${conversation}`))
      if (texts.length > 0) void onBatch(conversation, texts)
    }
    const timer = setInterval(() => {
      if (busy) return
      busy = true
      running = poll().finally(() => {
        busy = false
      })
    }, EVERY_MS)
    return {
      async close() {
        clearInterval(timer)
        await running
        redis.disconnect()
      },
    }
  },
}
