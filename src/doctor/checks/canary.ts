/**
 * Two keys that expire, one left to Redis, the other read right after its expiry, as a claim reads a shadow key; and
 * how long it takes until the expiry of each is published.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Check } from '../check.js'
import { degraded, type Finding, ok } from '../finding.js'
import type { Surroundings } from '../surroundings.js'

const TTL_MS = 100
const WAITED_MS = 3000
const LOOK_AGAIN_MS = 10
/** A key is still alive in the millisecond in which it ends. */
const TOUCH_AFTER_MS = 2
const TOUCHED_OK_MS = 100
/** A natural expiry that takes longer than this gets an explanation. */
const NATURAL_USUAL_MS = 1000

export const canary: Check = {
  name: 'canary',
  look: async surroundings => {
    // With partitions nothing depends on it.
    if (!surroundings.store.canary) return []
    const { natural, touched } = await measured(surroundings)
    return verdict(natural, touched)
  },
}

/** How late each expiry was published, in ms; `undefined`: not within `WAITED_MS`. */
async function measured({ store: { canary, name } }: Surroundings): Promise<{ natural?: number; touched?: number }> {
  const heardAtMs = new Map<string, number>()
  if (!canary) return {}
  const stop = await canary.listen(name => heardAtMs.set(name, performance.now()))
  const natural = `${name}.natural`
  const touched = `${name}.touched`
  try {
    await canary.set(natural, TTL_MS)
    await canary.set(touched, TTL_MS)
    const dueAtMs = performance.now() + TTL_MS
    await delay(TTL_MS + TOUCH_AFTER_MS)
    await canary.touch(touched)
    const isHeard = () => heardAtMs.has(natural) && heardAtMs.has(touched)
    while (!isHeard() && performance.now() < dueAtMs + WAITED_MS) await delay(LOOK_AGAIN_MS)
    const lag = (name: string) => {
      const atMs = heardAtMs.get(name)
      return atMs === undefined ? undefined : Math.max(Math.round(atMs - dueAtMs), 0)
    }
    const [naturalMs, touchedMs] = [lag(natural), lag(touched)]
    return {
      ...(naturalMs === undefined ? {} : { natural: naturalMs }),
      ...(touchedMs === undefined ? {} : { touched: touchedMs }),
    }
  } finally {
    await stop()
  }
}

function announced(naturalMs: number | undefined, touchedMs: number | undefined): string {
  const bound = `within ${WAITED_MS} ms`
  const byItself = `${naturalMs === undefined ? `not announced ${bound}` : `announced after ${naturalMs} ms`} by itself`
  if (touchedMs !== undefined) return `${byItself}, after ${touchedMs} ms when touched`
  return naturalMs === undefined ? `${byItself}, nor when touched` : `${byItself}, and not ${bound} when touched`
}

/** Only the touched key counts. Redis finds expired keys by sampling, and later the more keys have a TTL. */
function verdict(naturalMs: number | undefined, touchedMs: number | undefined): Finding {
  const says = `canary: an expired key is ${announced(naturalMs, touchedMs)}`
  if (touchedMs === undefined)
    return degraded(
      'canary',
      `${says}; the timer and next-due work without it`,
      'turn notify-keyspace-events Ex on, as above, and allow SUBSCRIBE to __keyevent@* to this user',
    )
  if (touchedMs > TOUCHED_OK_MS)
    return degraded(
      'canary',
      says,
      'Redis, or the network to it, is slow: redis-cli --latency, slowlog get; lull_release_lateness_seconds shows how late batches are',
    )
  const isSampled = naturalMs === undefined || naturalMs > NATURAL_USUAL_MS
  return ok('canary', isSampled ? `${says}; Redis samples, and Lull does not wait for it` : says)
}
