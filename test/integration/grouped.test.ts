/**
 * Guarantee **grouped**: requests that share a script call succeed or fail independently. A failed request leaves
 * nothing half done: the ids of messages that are not stored are not remembered, and stored messages will be claimed.
 */
import { expect } from 'chai'
import { Redis } from 'ioredis'
import { rulesFrom } from '../../src/rules.js'
import { RedisStore } from '../../src/store/redis/store.js'
import { StoreUnavailable } from '../../src/store/store.js'
import { privateRedis, testRedis, uniquePrefix } from '../support/redis.js'
import { allIdsOf, append, claim, claimOne, idsOf, message, PATIENT } from '../support/store-contract/messages.js'

describe('grouped', () => {
  let closers: (() => Promise<unknown>)[]

  beforeEach(() => {
    closers = []
  })

  afterEach(async () => {
    for (const close of closers.reverse()) await close()
  })

  const clientOf = (url: string) => {
    const client = new Redis(url)
    closers.push(async () => client.disconnect())
    return client
  }

  const storeOn = async (redis: string, rules: object = {}) => {
    const store = new RedisStore({ redis, prefix: uniquePrefix(), rules: rulesFrom({ ...PATIENT, ...rules }) })
    closers.push(() => store.close())
    await store.open()
    return store
  }

  it('counts are numbers, though the user’s options ask for strings', async () => {
    const { hostname: host, port } = new URL(await testRedis())
    const redis = { host, port: Number(port), stringNumbers: true }
    const store = new RedisStore({ redis, prefix: uniquePrefix(), rules: rulesFrom(PATIENT) })
    closers.push(() => store.close())
    await store.open()
    expect(await append(store, 'a', 'm1')).to.include({ accepted: 1, duplicates: 0 })
  })

  it('concurrent appends share a few script calls, and each gets its own result', async () => {
    const url = await testRedis()
    const redis = clientOf(url)
    const store = await storeOn(url)
    const before = await callsOf(redis)
    const ids = Array.from({ length: 60 }, (_, i) => `c${i % 30}`)
    const results = await Promise.all(ids.map((id, i) => append(store, id, `m${i}`, `m${i}`)))
    expect(results.every(({ accepted, duplicates }) => accepted === 1 && duplicates === 1)).to.equal(true)
    expect((await callsOf(redis)) - before).to.be.at.most(3)
    for (const id of new Set(ids)) await store.flush(id)
    const { batches } = await claim(store)
    expect(batches.map(({ batch }) => idsOf(batch).length)).to.deep.equal(Array.from({ length: 30 }, () => 2))
    await store.ack(batches.map(({ batchId }) => batchId))
    const ends = await Promise.all(batches.map(({ batchId }) => store.answered(batchId, 'completed')))
    expect(ends.every(({ freed }) => freed)).to.equal(true)
    expect(await store.totals()).to.include({ open: 0, held: 0 })
  })

  it('requests with rules of their own share a call with the others, and each is due by its own', async () => {
    const url = await testRedis()
    const redis = clientOf(url)
    const store = await storeOn(url)
    const before = await callsOf(redis)
    const gaps = Array.from({ length: 30 }, (_, i) => 20_000 + (i % 3) * 1000)
    const results = await Promise.all(
      gaps.map((quietGapMs, i) =>
        store.append({
          conversationId: `c${i}`,
          messages: [message('m1')],
          ...(i % 3 === 0 ? {} : { rules: { quietGapMs, scopes: {} } }),
        }),
      ),
    )
    expect((await callsOf(redis)) - before).to.be.at.most(3)
    expect(results.map(({ dueInMs }) => dueInMs)).to.deep.equal(
      gaps.map((quietGapMs, i) => (i % 3 === 0 ? PATIENT.quietGapMs : quietGapMs)),
    )
  })

  it('a request that meets a foreign key fails alone, and its error names the key', async () => {
    const url = await testRedis()
    const redis = clientOf(url)
    const store = await storeOn(url)
    await redis.set(store.keys.messages('b'), 'foreign')
    const [a, b, c] = await Promise.allSettled(['a', 'b', 'c'].map(id => append(store, id, 'm1')))
    expect([a?.status, b?.status, c?.status]).to.deep.equal(['fulfilled', 'rejected', 'fulfilled'])
    expect(String(b?.status === 'rejected' && b.reason)).to.include(store.keys.messages('b'))
    await redis.del(store.keys.messages('b'))
    expect(await append(store, 'b', 'm1')).to.include({ accepted: 1, duplicates: 0 })
  })

  it('no message is lost when another program damages a header', async () => {
    const url = await testRedis()
    const redis = clientOf(url)
    const store = await storeOn(url, { order: 'concurrent' })
    await append(store, 'a', 'm1')
    await redis.hdel(store.keys.header('a'), 'count')
    expect(await append(store, 'a', 'm2')).to.include({ accepted: 1, duplicates: 0 })
    const first = await claimOne(store)
    expect([idsOf(first.batch), first.batch.releasedBy]).to.deep.equal([['m1'], 'recovery'])
    await store.ack([first.batchId])
    await store.flush('a')
    expect(allIdsOf(await claim(store))).to.deep.equal([['m2']])
  })

  it('a message that Redis refused to store is accepted when it is sent again', async () => {
    const server = await privateRedis()
    closers.push(() => server.stop())
    const admin = clientOf(server.url)
    await admin.call('ACL', 'SETUSER', 'default', '-rpush')
    const store = await storeOn(server.url)
    const refused = await append(store, 'a', 'm1').catch((error: unknown) => error)
    expect(refused).to.be.instanceOf(StoreUnavailable)
    await admin.call('ACL', 'SETUSER', 'default', '+rpush')
    await store.open()
    expect(await append(store, 'a', 'm1')).to.include({ accepted: 1, duplicates: 0 })
  })

  it('a user who may not publish loses no batch: a claimed one comes back, a handed-over one is checked', async () => {
    const server = await privateRedis()
    closers.push(() => server.stop())
    const admin = clientOf(server.url)
    const store = await storeOn(server.url, { leaseMs: 100 })
    const ids = ['a', 'b', 'c']
    for (const id of ids) await append(store, id, `of ${id}`)
    for (const id of ids) await store.flush(id)
    // Scripts publish only if somebody subscribes.
    await admin.call('ACL', 'SETUSER', 'reader', 'on', 'nopass', 'allchannels', '+@all')
    const reader = clientOf(server.url)
    await reader.auth('reader', '')
    await reader.psubscribe('*')
    await admin.call('ACL', 'SETUSER', 'default', 'resetchannels')
    expect(await claim(store).catch((error: unknown) => error)).to.be.instanceOf(StoreUnavailable)
    expect((await store.totals()).held).to.equal(3)
    await admin.call('ACL', 'SETUSER', 'default', 'allchannels')
    const batchIds = await admin.zrange(store.keys.claimed, '0', '-1')
    expect(batchIds).to.have.lengthOf(3)
    await admin.call('ACL', 'SETUSER', 'default', 'resetchannels')
    expect(await store.ack(batchIds).catch((error: unknown) => error)).to.be.instanceOf(StoreUnavailable)
    await admin.call('ACL', 'SETUSER', 'default', 'allchannels')
    expect(await admin.zcard(store.keys.claimed)).to.equal(0)
    expect(await admin.zrange(store.keys.answering, '0', '-1')).to.have.members(batchIds)
    for (const batchId of batchIds) expect((await store.answered(batchId, 'completed')).freed).to.equal(true)
  })

  it('a store sends its waiting appends before it closes', async () => {
    const url = await testRedis()
    const store = await storeOn(url)
    await append(store, 'a', 'm0')
    const results = Promise.all(Array.from({ length: 300 }, (_, i) => append(store, `c${i}`, 'm1')))
    await new Promise(resolve => setImmediate(resolve))
    await store.close()
    expect((await results).every(({ accepted }) => accepted === 1)).to.equal(true)
  })

  it('a list with entries that Lull did not write can be dropped', async () => {
    const url = await testRedis()
    const redis = clientOf(url)
    const store = await storeOn(url)
    await redis.rpush(store.keys.messages('a'), 'nobody’s', 'x')
    expect(await store.drop('a')).to.equal(2)
    await append(store, 'a', 'm1')
    expect((await store.conversation('a')).messages.map(({ message: one }) => one)).to.deep.equal([message('m1')])
  })
})

const callsOf = async (redis: Redis) =>
  [...(await redis.info('commandstats')).matchAll(/^cmdstat_evalsha:calls=(\d+)/gm)].reduce(
    (sum, [, calls]) => sum + Number(calls),
    0,
  )
