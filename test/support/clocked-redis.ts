/**
 * A client whose scripts read the time from a key instead of Redis's clock, so that a test can stop the clock, move it
 * and set it back. The client replaces the calls in the scripts when it sends them; nothing in `src/` is changed for
 * it.
 *
 * Keys still expire by Redis's own clock. This clock is far ahead, so they never do; instead, setting the clock deletes
 * the keys that should have expired, as Redis deletes a key that is read after its time.
 */
import { Redis } from 'ioredis'
import { DEFAULT_PREFIX, Keys } from '../../src/store/redis/keys.js'

const CLOCK = '.test-clock'
const READS_CLOCK = "redis.call('TIME')"
/** The probe's: whether scripts may call TIME. It needs no time. */
const PROBES_CLOCK = "try('TIME')"
/** The reply of TIME, seconds and microseconds, with everything in the microseconds. */
const READS_KEY = `{ 0, redis.call('GET', P .. '${CLOCK}') * 1000 }`
const AHEAD_MS = 400 * 24 * 3600 * 1000

/** KEYS: the clock, then keys that may have expired. ARGV: the time. */
const SET_CLOCK = `
redis.call('SET', KEYS[1], ARGV[1])
for i = 2, #KEYS do
  local at = redis.call('PEXPIRETIME', KEYS[i])
  if at >= 0 and at < tonumber(ARGV[1]) then redis.call('DEL', KEYS[i]) end
end`

class ClockedRedis extends Redis {
  override defineCommand(name: string, definition: { lua: string; numberOfKeys?: number; readOnly?: boolean }) {
    const lua = definition.lua.replaceAll(READS_CLOCK, READS_KEY)
    const rest = lua.replace(PROBES_CLOCK, '').replace(/--.*$/gm, '')
    if (/\bTIME\b/.test(rest)) throw new Error(`${name} reads a clock that a test cannot set`)
    super.defineCommand(name, { ...definition, lua })
  }
}

/** For the option `redis` of a store: a client whose scripts read the clock that `Clock` sets. */
export const clocked = (url: string) => () => new ClockedRedis(url, { lazyConnect: true })

export class Clock {
  nowMs = Date.now() + AHEAD_MS
  private readonly keys: Keys[]

  /** @param prefixes of a store, or of a store and each of its partitions */
  constructor(
    private readonly redis: Redis,
    prefixes: string | string[] = DEFAULT_PREFIX,
  ) {
    this.keys = [prefixes].flat().map(prefix => new Keys(prefix))
  }

  /** @param conversationIds whose headers and shadow keys may have expired by then */
  async set(nowMs: number, conversationIds: string[] = []): Promise<void> {
    this.nowMs = nowMs
    await Promise.all(
      this.keys.map(of => {
        const expiring = conversationIds.flatMap(id => [of.header(id), of.quiet(id)])
        const keys = [of.prefix + CLOCK, ...expiring]
        return this.redis.eval(SET_CLOCK, keys.length, ...keys, nowMs)
      }),
    )
  }

  pass(ms: number, conversationIds: string[] = []): Promise<void> {
    return this.set(this.nowMs + ms, conversationIds)
  }
}
