/**
 * A canary: two keys that expire, one left to Redis, one touched as a claim touches a shadow key, and how long it takes
 * until each is announced.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { connect, createClient, disconnect } from '../store/redis/connection.js'
import { degraded, type Finding, ok } from './finding.js'
import type { Surroundings } from './surroundings.js'

const TTL_MS = 100
const WAITED_MS = 3000
/** A key is alive still in the millisecond it is due. */
const TOUCH_AFTER_MS = 2
const TOUCHED_OK_MS = 100
/** What more than this is needs a word. */
const NATURAL_USUAL_MS = 1000

export async function canary({ config, store, server, identity }: Surroundings): Promise<Finding> {
  const subscriber = createClient(config.redis, store.name)
  subscriber.on('error', () => {})
  const heardAtMs = new Map<string, number>()
  subscriber.on('message', (_channel: string, key: string) => heardAtMs.set(key, performance.now()))
  const [natural, touched] = (['natural', 'touched'] as const).map(kind =>
    store.keys.canary(`${store.name}.${kind}`),
  ) as [string, string]
  try {
    await connect(subscriber)
    await subscriber.subscribe(`__keyevent@${identity.db}__:expired`)
    await server.client.set(natural, '', 'PX', TTL_MS)
    await server.client.set(touched, '', 'PX', TTL_MS)
    const dueAtMs = performance.now() + TTL_MS
    await delay(TTL_MS + TOUCH_AFTER_MS)
    await server.client.exists(touched)
    while (heardAtMs.size < 2 && performance.now() < dueAtMs + WAITED_MS) await delay(10)
    const lag = (key: string) => {
      const atMs = heardAtMs.get(key)
      return atMs === undefined ? undefined : Math.max(Math.round(atMs - dueAtMs), 0)
    }
    return verdict(lag(natural), lag(touched))
  } catch (error) {
    return degraded(
      'canary',
      `no canary could be sent: ${error instanceof Error ? error.message : String(error)}`,
      'allow SUBSCRIBE to __keyevent@* and SET to this user',
    )
  } finally {
    await disconnect(subscriber)
  }
}

function announced(naturalMs: number | undefined, touchedMs: number | undefined): string {
  const bound = `within ${WAITED_MS} ms`
  const byItself = `${naturalMs === undefined ? `not announced ${bound}` : `announced after ${naturalMs} ms`} by itself`
  if (touchedMs !== undefined) return `${byItself}, after ${touchedMs} ms when touched`
  return naturalMs === undefined ? `${byItself}, nor when touched` : `${byItself}, and not ${bound} when touched`
}

/** Only the touched one counts: by itself Redis finds keys by sampling, the later the more of them have a TTL. */
function verdict(naturalMs: number | undefined, touchedMs: number | undefined): Finding {
  const says = `canary: an expired key is ${announced(naturalMs, touchedMs)}`
  if (touchedMs === undefined)
    return degraded(
      'canary',
      `${says}; the timer and next-due do without`,
      'turn notify-keyspace-events Ex on, as above',
    )
  if (touchedMs > TOUCHED_OK_MS)
    return degraded(
      'canary',
      says,
      'Redis, or the way to it, is slow: redis-cli --latency, slowlog get; lull_release_lateness_seconds says what it comes to',
    )
  const isSampled = naturalMs === undefined || naturalMs > NATURAL_USUAL_MS
  return ok('canary', isSampled ? `${says}; Redis samples, and Lull does not wait for it` : says)
}
