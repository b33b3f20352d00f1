/** The store on Redis: the contract of a store in real time, and what redis-cli shows. */
import { expect } from 'chai'
import { Redis } from 'ioredis'
import { type RuleOptions, rulesFrom } from '../../src/rules.js'
import { entryJson } from '../../src/store/redis/entries.js'
import { RedisStore } from '../../src/store/redis/store.js'
import { ForeignKey } from '../../src/store/store.js'
import { testRedis, uniquePrefix } from '../support/redis.js'
import { storeContract } from '../support/store-contract/contract.js'
import {
  allIdsOf,
  append,
  CHAT,
  claim,
  claimed,
  claimOne,
  dead,
  direct,
  ended,
  idsOf,
  message,
  OTHER,
  PATIENT,
  steps,
} from '../support/store-contract/messages.js'
import { redisSnapshot } from '../support/store-contract/redis-snapshot.js'
import { until } from '../support/wait.js'

/** How often a test that waits asks Redis for its time. */
const LOOK_EVERY_MS = 5

async function redisStore(rules: RuleOptions = {}) {
  const redis = new Redis(await testRedis())
  const store = new RedisStore({ redis: await testRedis(), prefix: uniquePrefix(), rules: rulesFrom(rules) })
  await store.open()
  const now = async () => {
    const [seconds = 0, microseconds = 0] = (await redis.time()).map(Number)
    return seconds * 1000 + Math.floor(microseconds / 1000)
  }
  return {
    store,
    redis,
    keys: store.keys,
    pass: async (ms: number) => {
      const endMs = (await now()) + ms
      while ((await now()) < endMs) await new Promise(resolve => setTimeout(resolve, LOOK_EVERY_MS))
    },
    snapshot: (conversationIds: string[]) => redisSnapshot(redis, store.keys, conversationIds),
    close: async () => {
      await store.close()
      await redis.quit()
    },
  }
}

storeContract('RedisStore', redisStore)

describe('RedisStore', () => {
  const made: { close(): Promise<void> }[] = []
  const make = async (rules: RuleOptions = PATIENT) => {
    const underTest = await redisStore(rules)
    made.push(underTest)
    return underTest
  }
  afterEach(async () => {
    for (const underTest of made.splice(0)) await underTest.close()
  })

  it('takes rules one by one, as a Batcher does, or all in `rules`, and not both', async () => {
    const redis = await testRedis()
    expect(new RedisStore({ redis, quietGapMs: 5000 }).rules).to.deep.equal(rulesFrom({ quietGapMs: 5000 }))
    expect(new RedisStore({ redis, rules: rulesFrom({ quietGapMs: 5000 }) }).rules.quietGapMs).to.equal(5000)
    expect(() => new RedisStore({ redis, quietGapMs: 1 })).to.throw(RangeError, 'quietGapMs=1')
    expect(() => new RedisStore({ redis, quietGapMs: 5000, rules: rulesFrom() })).to.throw(
      TypeError,
      'quietGapMs=5000: it is given beside rules, which has all of them: give one of the two',
    )
  })

  it('makes the checks of all batches due, however many there are', async () => {
    const { store, redis, keys } = await make()
    const inAWhile = Date.now() + 600_000
    await redis.zadd(keys.answering, ...Array.from({ length: 2600 }, (_, i) => [inAWhile, `batch-${i}`]).flat())
    await store.checkAllNow()
    expect(await redis.zcount(keys.answering, inAWhile, '+inf')).to.equal(0)
    expect(await redis.zcard(keys.answering)).to.equal(2600)
  })

  describe('shows in redis-cli', () => {
    it('an open batch as a hash with a TTL, its messages as a list without one, and its due time', async () => {
      const { store, redis, keys } = await make({ quietGapMs: 10_000, batchTtlMs: 60_000 })
      const p = keys.prefix
      const { batchId } = await append(store, 'chat', 'm1', 'm2')
      const header = await redis.hgetall(`${p}:chat`)
      expect(header).to.include({ batchId, count: '2' })
      expect(header).to.include.keys('bytes', 'firstAtMs', 'lastAtMs', 'dueAtMs')
      expect(await redis.pttl(`${p}:chat`)).to.be.within(50_000, 60_000)
      expect(await redis.llen(`${p}.messages:chat`)).to.equal(2)
      expect(await redis.pttl(`${p}.messages:chat`)).to.equal(-1)
      expect(await redis.zscore(`${p}.due`, 'chat')).to.equal(header['dueAtMs'])
      expect(await redis.get(`${p}.quiet:chat`)).to.equal('0')
      expect(await redis.pexpiretime(`${p}.quiet:chat`)).to.equal(Number(header['dueAtMs']) - 1)
      expect(await redis.zcard(`${p}.seen:chat`)).to.equal(2)
    })

    it('an early start in the due set and the shadow key, which a sign of typing moves, and the due time in the hash', async () => {
      const early = { answering: 'supersede', quietGapMs: 20_000, earlyStartMs: 10_000 } as const
      const { store, redis, keys } = await make({ ...early, batchTtlMs: 60_000, maxWaitMs: 60_000 })
      const startsAtMs = async () => {
        const score = Number(await redis.zscore(keys.due, CHAT))
        expect(await redis.pexpiretime(keys.quiet(CHAT))).to.equal(score - 1)
        return score
      }
      await append(store, CHAT, 'm1')
      const header = await redis.hgetall(keys.header(CHAT))
      expect(Number(header['dueAtMs'])).to.equal(Number(header['lastAtMs']) + early.quietGapMs)
      const first = await startsAtMs()
      expect(first).to.equal(Number(header['lastAtMs']) + early.earlyStartMs)
      await store.extend(CHAT, 30_000)
      expect(await startsAtMs()).to.be.at.least(first)
      expect(Number(await redis.hget(keys.header(CHAT), 'dueAtMs'))).to.be.above(Number(header['dueAtMs']))
    })

    it('a claimed batch, then the batch that holds its conversation, then nothing', async () => {
      const { store, redis, keys } = await make()
      const p = keys.prefix
      const { batchId } = await claimed(store, 'chat')
      expect(await redis.zrange(`${p}.claimed`, '0', '-1')).to.deep.equal([batchId])
      expect(await redis.type(`${p}.claimed:${batchId}`)).to.equal('hash')
      expect(await redis.get(`${p}.answering:chat`)).to.equal(batchId)
      await store.ack([batchId])
      expect(await redis.exists(`${p}.claimed`, `${p}.claimed:${batchId}`)).to.equal(0)
      expect(await redis.zrange(`${p}.answering`, '0', '-1')).to.deep.equal([batchId])
      await store.answered(batchId, 'completed')
      const left = [keys.due, keys.claimed, keys.answering, keys.hold('chat'), keys.messages('chat')]
      expect(await redis.exists(...left, keys.header('chat'), keys.quiet('chat'), keys.handedOver(batchId))).to.equal(0)
    })

    it('a committed batch in five fields, whose memory Redis keeps small', async () => {
      const { store, redis, keys, pass } = await make({ answering: 'supersede', quietGapMs: 20 })
      await append(store, CHAT, 'm1')
      await pass(21)
      const { batchId } = await claimOne(store)
      await store.ack([batchId])
      const key = keys.handedOver(batchId)
      expect(await redis.hlen(key)).to.equal(14)
      const { handedOverAtMs, owner, lastAtMs } = await redis.hgetall(key)
      await store.commit(batchId)
      const { committedAtMs, ...kept } = await redis.hgetall(key)
      expect(kept).to.deep.equal({ conversationId: CHAT, handedOverAtMs, owner, lastAtMs })
      expect(Number(committedAtMs)).to.be.above(0)
      expect(await redis.object('ENCODING', key)).to.equal('listpack')
    })

    it('a worker’s start, which stays with a batch that is committed after it', async () => {
      const { store, redis, keys, pass } = await make({ answering: 'supersede', quietGapMs: 20 })
      await append(store, CHAT, 'm1')
      await pass(21)
      const { batchId } = await claimOne(store)
      await store.ack([batchId])
      await store.workerStarted(batchId, '7.1')
      await store.commit(batchId)
      const kept = await redis.hgetall(keys.handedOver(batchId))
      expect(kept).to.include({ workerAttempt: '7.1' })
      expect(kept).to.include.keys('workerStartedAtMs', 'committedAtMs')
    })

    it('how a batch ended: an answer for its timeout and two minutes, what was superseded for an hour', async () => {
      const rules = { answering: 'supersede', quietGapMs: 20, answerTimeoutMs: 400_000 } as const
      const { store, redis, keys, pass } = await make(rules)
      await append(store, CHAT, 'm1')
      await pass(21)
      const first = await claimOne(store)
      await append(store, CHAT, 'm2')
      await pass(21)
      const second = await claimOne(store)
      await store.answered(second.batchId, 'completed')
      const ended = `${keys.prefix}.ended:`
      expect(await redis.pttl(ended + first.batchId)).to.be.within(3_540_000, 3_600_000)
      expect(await redis.pttl(ended + second.batchId)).to.be.within(460_000, 520_000)
    })

    it('every step on its channel, as one JSON object', async () => {
      const { store, redis, keys } = await make({ ...PATIENT, maxAttempts: 1 })
      const subscriber = redis.duplicate()
      const heard: [string, unknown][] = []
      const end = new Promise<void>(resolve => {
        subscriber.on('pmessage', (_pattern: string, channel: string, text: string) => {
          if (text.includes('the end')) resolve()
          else heard.push([channel.slice(keys.prefix.length + 1), JSON.parse(text)])
        })
      })
      await subscriber.psubscribe(`${keys.prefix}.*`)
      const conversationId = 'a "chat"\n🍰'
      const first = await claimed(store, conversationId)
      await store.ack([first.batchId])
      await store.answered(first.batchId, 'failed')
      const second = await claimed(store, conversationId, 'm2')
      await store.nack({ ...second, delayMs: 0, counts: true, error: 'it said "no"' })
      await redis.publish(`${keys.prefix}.batch-dead`, '"the end"')
      await end
      await subscriber.quit()
      const { batchId } = first
      const told = heard.slice(4, 7)
      expect(heard.map(([channel]) => channel)).to.deep.equal([
        'batch-updated',
        'next-due',
        'next-due',
        'batch-updated',
        'batch-released',
        'batch-handed-over',
        'batch-answered',
        'batch-updated',
        'next-due',
        'next-due',
        'batch-updated',
        'batch-released',
        'batch-dead',
      ])
      expect(told.map(([, event]) => event)).to.deep.equal([
        { conversationId, batchId, count: 1, releasedBy: 'flush', lateMs: first.lateMs, processor: 'processor-1' },
        { conversationId, batchId },
        { conversationId, batchId, outcome: 'failed' },
      ])
      expect(heard.at(-1)?.[1]).to.deep.equal({ conversationId, batchId: second.batchId, error: 'it said "no"' })
    })
  })

  it('makes Redis announce every shadow key when its batch is claimed, and leaves none behind', async () => {
    const { store, redis, keys, pass } = await make({ ...PATIENT, quietGapMs: 50 })
    await store.ensureNotifications(true)
    const chats = Array.from({ length: 20 }, (_, i) => `chat-${i}`)
    const announced = new Set<string>()
    await store.listen(event => {
      if (event.kind === 'expired' && event.key === 'quiet') announced.add(event.conversationId)
    })
    for (const chat of chats) await append(store, chat, 'm1')
    await pass(51)
    expect((await claim(store)).batches).to.have.lengthOf(chats.length)
    expect(await redis.exists(...chats.map(keys.quiet))).to.equal(0)
    await until(() => announced.size === chats.length, { what: 'every shadow key is announced' })
  })

  it('reports expired canaries to their listener, which does not count as a processor', async () => {
    const { store } = await make(PATIENT)
    await store.ensureNotifications(true)
    const expired: string[] = []
    const stop = await store.canary.listen(name => expired.push(name))
    await store.canary.set('one', 1)
    await until(
      async () => {
        await store.canary.touch('one')
        return expired.includes('one')
      },
      { what: 'the canary has expired' },
    )
    expect(await append(store, CHAT, 'm1')).to.include({ listeners: 0 })
    await stop()
  })

  it('releases a batch whose header another program deleted, and records that it vanished', async () => {
    const { store, redis, keys, pass } = await make({ ...PATIENT, quietGapMs: 50 })
    const { batchId } = await append(store, CHAT, 'm1', 'm2')
    await redis.del(keys.header(CHAT))
    await pass(51)
    const taken = await claimOne(store)
    expect(taken).to.include({ batchId, headerLost: 'vanished' })
    expect(taken.batch.releasedBy).to.equal('recovery')
    expect(idsOf(taken.batch)).to.deep.equal(['m1', 'm2'])
    expect(steps(await store.history({ limit: 2 }))).to.deep.equal(['claimed', 'vanished'])
  })

  it('goes on collecting after another program has deleted the messages but not the header, and corrects the header', async () => {
    const { store, redis, keys } = await make({ ...PATIENT, maxMessages: 4 })
    const { batchId } = await append(store, CHAT, 'm1', 'm2')
    await redis.del(keys.messages(CHAT))
    expect(await append(store, CHAT, 'm3')).to.include({ accepted: 1, batchId })
    const { open, waiting } = await store.conversation(CHAT)
    expect(open).to.include({ batchId, count: 1, bytes: Buffer.byteLength(entryJson(message('m3'))) })
    expect(waiting).to.equal(1)
    // By the header as it was found, the batch is full; later messages wait behind it.
    await redis.del(keys.messages(CHAT))
    await append(store, CHAT, 'm4', 'm5', 'm6')
    await append(store, CHAT, 'm7')
    await redis.del(keys.messages(CHAT))
    expect((await direct(store, CHAT, 'm8')).accepted).to.equal(1)
    const { batch } = await claimOne(store)
    expect(idsOf(batch)).to.deep.equal(['m8'])
  })

  it('frees a conversation whose hold names a batch that is gone', async () => {
    const { store, redis, keys } = await make({ ...PATIENT, order: 'concurrent' })
    const { batchId } = await claimed(store)
    await append(store, CHAT, 'm2')
    await redis.del(keys.claimedBatch(batchId))
    await redis.zrem(keys.claimed, batchId)
    await store.flush(CHAT)
    const second = await claimOne(store)
    expect(idsOf(second.batch)).to.deep.equal(['m2'])
    await redis.del(keys.claimedBatch(second.batchId))
    await redis.zrem(keys.claimed, second.batchId)
    await direct(store, CHAT, 'm3')
    expect(allIdsOf(await claim(store))).to.deep.equal([['m3']])
  })

  describe('if a key has a foreign type', () => {
    const PLANT: [name: string, key: (conversationId: string) => string][] = [
      ['header', id => `:${id}`],
      ['messages', id => `.messages:${id}`],
      ['seen', id => `.seen:${id}`],
      ['due', () => '.due'],
      ['history', () => '.history'],
    ]
    for (const [name, key] of PLANT)
      it(`refuses an append, writes nothing, and names the key (${name})`, async () => {
        const { store, redis, keys } = await make()
        const planted = keys.prefix + key(CHAT)
        await redis.set(planted, 'of an older system')
        const error = await append(store, CHAT, 'm1').catch(thrown => thrown)
        expect(error).to.be.instanceOf(ForeignKey)
        expect(error.message).to.include(planted)
        const all = [keys.header(CHAT), keys.messages(CHAT), keys.seen(CHAT), keys.quiet(CHAT), keys.due, keys.history]
        expect(await redis.exists(...all.filter(other => other !== planted))).to.equal(0)
        await redis.del(planted)
        expect(await append(store, CHAT, 'm1')).to.include({ accepted: 1, duplicates: 0 })
      })

    it('a claim puts that conversation off, names the key, and takes the other conversations', async () => {
      const { store, redis, keys } = await make()
      await direct(store, CHAT, 'm1')
      await direct(store, OTHER, 'm1')
      await redis.set(keys.header(CHAT), 'of an older system')
      const { batches, troubles } = await claim(store)
      expect(batches.map(({ batch }) => batch.conversationId)).to.deep.equal([OTHER])
      expect(troubles.map(trouble => trouble.conversationId)).to.deep.equal([CHAT])
      expect(troubles[0]?.error).to.include(keys.header(CHAT))
      const { troubles: again, nextInMs } = await claim(store)
      expect(again).to.deep.equal([])
      expect(nextInMs).to.be.above(0)
    })

    it('a claim changes nothing if the key is shared by all conversations', async () => {
      for (const shared of ['.history', '.dead', '.claimed', '.answering']) {
        const { store, redis, keys } = await make()
        await direct(store, CHAT, 'm1')
        await redis.del(keys.prefix + shared)
        await redis.set(keys.prefix + shared, 'of an older system')
        const error = await claim(store).catch(thrown => thrown)
        expect(error, shared).to.be.instanceOf(ForeignKey)
        expect(await redis.llen(keys.messages(CHAT)), shared).to.equal(1)
        expect(await redis.zcard(keys.due), shared).to.equal(1)
      }
    })

    it('the end of a batch changes nothing until the key is renamed or deleted', async () => {
      const { store, redis, keys } = await make({ ...PATIENT, maxAttempts: 1 })
      const { batchId, lease } = await claimed(store)
      await redis.set(keys.messages(CHAT), 'of an older system')
      const failure = { batchId, lease, delayMs: 0, counts: true, error: 'refused' }
      for (const end of [() => store.answered(batchId, 'completed'), () => store.nack(failure)]) {
        expect(await end().catch(thrown => thrown)).to.be.instanceOf(ForeignKey)
        expect(await redis.get(keys.hold(CHAT))).to.equal(batchId)
        expect(await redis.exists(keys.claimedBatch(batchId))).to.equal(1)
      }
      await redis.del(keys.messages(CHAT))
      expect(await ended(store, batchId, 'completed')).to.deep.equal({ freed: true })
    })

    it('a redrive leaves the batch dead', async () => {
      const { store, redis, keys } = await make({ ...PATIENT, maxAttempts: 1 })
      const { batchId } = await dead(store)
      await redis.set(keys.messages(CHAT), 'of an older system')
      expect(await store.redrive(batchId).catch(thrown => thrown)).to.be.instanceOf(ForeignKey)
      expect(await store.dead(10)).to.have.lengthOf(1)
    })
  })
})
