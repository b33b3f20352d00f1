/** Whether `lull up` would start a private Redis on this machine. */
import { Redis } from 'ioredis'
import { findRedisBinary, isNewEnough } from './redis-servers.js'

/** What keeps `lull up` from starting a private Redis here; `undefined`: nothing. */
export async function noPrivateRedis(): Promise<string | undefined> {
  const binary = await findRedisBinary()
  if (!binary || !isNewEnough(binary)) return 'no redis-server of version 7 or later'
  return (await answersAtTheUsualPlace()) ? 'a Redis runs at 127.0.0.1:6379' : undefined
}

/** Whether a Redis runs at 127.0.0.1:6379, where `lull up` looks first. */
export async function answersAtTheUsualPlace(): Promise<boolean> {
  const probe = new Redis({ lazyConnect: true, retryStrategy: null })
  probe.on('error', () => {})
  const isThere = await probe.connect().then(
    () => true,
    () => false,
  )
  probe.disconnect()
  return isThere
}
