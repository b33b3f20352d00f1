/**
 * Guarantee **quiet gaps**: redis-cli sees every quiet gap end as `expired`, within milliseconds, and none as `del`. Up
 * to Redis 7.0 a script's clock, `TIME`, may be ahead of the clock by which Redis judges in that script whether a key
 * has expired.
 */
import { expect } from 'chai'
import { Redis } from 'ioredis'
import { rulesFrom } from '../../src/rules.js'
import { RedisStore } from '../../src/store/redis/store.js'
import { Clock, clocked } from '../support/clocked-redis.js'
import { privateRedis } from '../support/redis.js'
import { append, claim, claimOne, message } from '../support/store-contract/messages.js'
import { until } from '../support/wait.js'

const CHAT = '79000000001@c.us'
/** So many that most milliseconds of a run have one that is due, and one claim or more that begins right before it. */
const GAPS = 4000
const GAPS_AT_ONCE = 2
const CLAIMERS = 3
const LATE_MS = 1000

describe('quiet gaps', () => {
  let closers: (() => Promise<unknown>)[]

  beforeEach(() => {
    closers = []
  })

  afterEach(async () => {
    for (const close of closers.reverse()) await close()
  })

  const storeOn = async (redis: string, rules: object) => {
    const store = new RedisStore({ redis, prefix: 'gaps', rules: rulesFrom({ order: 'concurrent', ...rules }) })
    closers.push(() => store.close())
    await store.open()
    return store
  }

  /** Subscribes to the ends of shadow keys, by event, as redis-cli would. */
  const endsOn = async (url: string) => {
    const ends: Record<string, Map<string, number>> = { expired: new Map(), del: new Map() }
    const redis = new Redis(url)
    closers.push(async () => redis.disconnect())
    await redis.config('SET', 'notify-keyspace-events', 'Egx')
    await redis.psubscribe('__keyevent@0__:expired', '__keyevent@0__:del')
    redis.on('pmessage', (_pattern: string, channel: string, key: string) => {
      const id = key.split('.quiet:')[1]
      if (id !== undefined) ends[channel.split(':')[1] ?? '']?.set(id, Date.now())
    })
    return ends
  }

  it(`${GAPS} quiet gaps are announced as expired, and none as deleted, while claims begin at any moment`, async () => {
    const { url, stop } = await privateRedis()
    closers.push(stop)
    const ends = await endsOn(url)
    const store = await storeOn(url, { quietGapMs: 10 })
    const dueAt = new Map<string, number>()
    const claimer = async (owner: string) => {
      const claiming = await storeOn(url, { quietGapMs: 10 })
      while (dueAt.size < GAPS) {
        const { batches } = await claiming.claim({ owner, maxBatches: 200, maxBytes: 1_000_000 })
        for (const { batchId, batch } of batches) {
          expect(batch.releasedBy).to.equal('gap')
          dueAt.set(batch.conversationId, batch.dueAtMs)
          void claiming.ack([batchId])
        }
      }
    }
    const claims = Promise.all(Array.from({ length: CLAIMERS }, (_, i) => claimer(`claimer-${i}`)))
    for (let i = 0; i < GAPS; i += GAPS_AT_ONCE)
      await Promise.all(Array.from({ length: GAPS_AT_ONCE }, (_, j) => append(store, `c${i + j}`, 'm1')))
    await claims
    const { expired, del } = ends
    await until(() => expired!.size + del!.size >= GAPS, { what: 'the events' })
    expect({ expired: expired!.size, deleted: del!.size }).to.deep.equal({ expired: GAPS, deleted: 0 })
    const lateMs = [...expired!].map(([id, at]) => at - dueAt.get(id)!)
    expect(Math.max(...lateMs), 'the latest').to.be.below(LATE_MS)
  })

  describe('while Redis still holds a shadow key alive that has ended by the script’s clock', () => {
    const MAX_WAIT = { quietGapMs: 60_000, maxWaitMs: 60_000, batchTtlMs: 120_000 }

    /** The shadow key never expires by Redis's clock here; `expire` does what Redis does once its clock has passed. */
    const openBatch = async (rules: object = {}) => {
      const server = await privateRedis()
      closers.push(() => server.stop())
      const redis = new Redis(server.url)
      closers.push(async () => redis.disconnect())
      const store = new RedisStore({ redis: clocked(server.url), rules: rulesFrom({ quietGapMs: 10_000, ...rules }) })
      closers.push(() => store.close())
      const clock = new Clock(redis)
      await clock.set(clock.nowMs)
      await store.open()
      await append(store, CHAT, 'm1')
      const shadow = store.keys.quiet(CHAT)
      return { store, redis, clock, shadow, expire: () => clock.pass(0, [CHAT]) }
    }

    it('a claim leaves the conversation to the next claim, which is to follow at once', async () => {
      const { store, redis, clock, shadow, expire } = await openBatch()
      await clock.pass(10_000)
      expect(await claim(store)).to.deep.include({ batches: [], nextInMs: 0 })
      expect(await redis.exists(shadow)).to.equal(1)
      await expire()
      expect((await claimOne(store)).batch.releasedBy).to.equal('gap')
    })

    it('a claim takes a conversation whose shadow key a foreign hand has prolonged or made permanent', async () => {
      const { store, redis, clock, shadow } = await openBatch()
      await redis.pexpireat(shadow, clock.nowMs + 50_000)
      await append(store, 'other', 'm1')
      await redis.persist(store.keys.quiet('other'))
      await clock.pass(10_000)
      expect((await claim(store)).batches).to.have.length(2)
      expect(await redis.exists(shadow, store.keys.quiet('other'))).to.equal(0)
    })

    it('a claim of what is overdue by more than a second looks at no shadow key', async () => {
      const { store, redis, clock } = await openBatch()
      await clock.pass(11_000)
      await redis.config('RESETSTAT')
      await claimOne(store)
      expect(await redis.info('commandstats')).not.to.include('pexpiretime')
    })

    it('a message that comes when the max wait is over, or a millisecond before, leaves the shadow key to expire', async () => {
      for (const earlyMs of [0, 1]) {
        const { store, redis, clock, shadow } = await openBatch(MAX_WAIT)
        await clock.pass(60_000 - earlyMs)
        await append(store, CHAT, 'm2')
        expect(await redis.exists(shadow), `${earlyMs} ms early`).to.equal(1)
      }
    })

    it('a flush, a cap and a direct message leave a shadow key that has ended, and delete one that has not', async () => {
      const cap = { maxMessages: 2 }
      const seals: [string, (store: RedisStore) => Promise<unknown>, object?][] = [
        ['flush', store => store.flush(CHAT)],
        ['cap', store => append(store, CHAT, 'm2'), cap],
        ['direct', store => store.append({ conversationId: CHAT, messages: [message('m2')], direct: true })],
      ]
      for (const [name, seal, rules] of seals)
        for (const afterMs of [5_000, 10_000]) {
          const { store, redis, clock, shadow } = await openBatch(rules)
          await clock.pass(afterMs)
          await seal(store)
          expect(await redis.exists(shadow), `${name} after ${afterMs} ms`).to.equal(afterMs < 10_000 ? 0 : 1)
        }
    })
  })
})
