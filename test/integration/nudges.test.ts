/**
 * Guarantee **nudges**: each of the ways to wake a processor is enough alone. None of these tests waits as long as the
 * heartbeat (30 s), so the heartbeat wakes no processor here.
 */
import { expect } from 'chai'
import { Redis } from 'ioredis'
import type { Batch } from '../../src/batch.js'
import { Batcher } from '../../src/batcher.js'
import { Processor } from '../../src/processor/processor.js'
import { rulesFrom } from '../../src/rules.js'
import { RedisStore } from '../../src/store/redis/store.js'
import type { StoreEvent } from '../../src/store/store.js'
import type { StoreOptions } from '../../src/store/store-options.js'
import { privateRedis, testRedis, uniquePrefix } from '../support/redis.js'
import { until } from '../support/wait.js'

const CHAT = '79000000001@c.us'
const WELL_UNDER_A_HEARTBEAT = { timeoutMs: 20_000 }

/** A store that passes on only some events. */
class DeafStore extends RedisStore {
  hears: (event: StoreEvent) => boolean = () => true
  override listen(listener: (event: StoreEvent) => void) {
    return super.listen(event => {
      if (this.hears(event)) listener(event)
    })
  }
}

describe('nudges', () => {
  let batches: Batch[]
  let closers: (() => Promise<unknown>)[]

  beforeEach(() => {
    batches = []
    closers = []
  })

  afterEach(async () => {
    for (const close of closers.reverse()) await close()
  })

  const processorOn = (options: StoreOptions) => {
    const processor = new Processor({ ...options, handle: batch => void batches.push(batch) })
    closers.push(() => processor.stop())
    return processor
  }

  const batcherOn = (redis: string, prefix: string, rules: object) => {
    const batcher = new Batcher({ redis, prefix, ...rules })
    closers.push(() => batcher.close())
    return batcher
  }

  const clientOf = (url: string) => {
    const client = new Redis(url)
    closers.push(async () => client.disconnect())
    return client
  }

  it('the timer alone releases a batch when Redis refuses keyspace notifications', async () => {
    const server = await privateRedis({ args: ['--rename-command', 'CONFIG', ''] })
    closers.push(() => server.stop())
    const prefix = uniquePrefix()
    const rules = { quietGapMs: 200 }
    await processorOn({ redis: server.url, prefix, ...rules }).start()
    await batcherOn(server.url, prefix, rules).append(CHAT, { messageId: '1', text: 'hi' })
    await until(() => batches.length === 1, { ...WELL_UNDER_A_HEARTBEAT, what: 'the batch' })
    expect(batches[0]?.releasedBy).to.equal('gap')
  })

  it('a renewed subscription alone releases a batch that became due while the connection was lost', async () => {
    const server = await privateRedis()
    closers.push(() => server.stop())
    const prefix = uniquePrefix()
    const rules = { quietGapMs: 50 }
    const admin = clientOf(server.url)
    const store = new DeafStore({ redis: server.url, prefix, rules: rulesFrom(rules) })
    closers.push(() => store.close())
    store.hears = event => event.kind === 'subscribed'
    await processorOn({ store }).start()
    const batcher = batcherOn(server.url, prefix, rules)
    await batcher.append(CHAT, { messageId: '1', text: 'hi' })
    await until(async () => (await batcher.conversations(1))[0]?.dueInMs === 0, { what: 'the batch to be due' })
    expect(batches).to.have.length(0)
    // The processor's, and two to the stored settings.
    const subscribed = async () => String(await admin.call('CLIENT', 'LIST', 'TYPE', 'pubsub')).split('\n').length - 1
    await until(async () => (await subscribed()) === 3, { what: 'the subscriptions' })
    expect(await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub')).to.equal(3)
    await until(() => batches.length === 1, { ...WELL_UNDER_A_HEARTBEAT, what: 'the batch' })
  })

  it('a processor that starts after the due time releases the batch', async () => {
    const redis = await testRedis()
    const prefix = uniquePrefix()
    const rules = { quietGapMs: 50 }
    const batcher = batcherOn(redis, prefix, rules)
    await batcher.append(CHAT, { messageId: '1', text: 'hi' })
    await until(async () => (await batcher.conversations(1))[0]?.dueInMs === 0, { what: 'the batch to be due' })
    await processorOn({ redis, prefix, ...rules }).start()
    await until(() => batches.length === 1, { ...WELL_UNDER_A_HEARTBEAT, what: 'the batch' })
  })

  it('the expired shadow key alone wakes a processor that received no due time', async () => {
    // A private Redis without other keys that expire, because Redis finds expired keys by sampling.
    const server = await privateRedis()
    closers.push(() => server.stop())
    const redis = server.url
    const prefix = uniquePrefix()
    const rules = { quietGapMs: 300 }
    const store = new DeafStore({ redis, prefix, rules: rulesFrom(rules) })
    closers.push(() => store.close())
    store.hears = event => event.kind !== 'next-due'
    await processorOn({ store }).start()
    await batcherOn(redis, prefix, rules).append(CHAT, { messageId: '1', text: 'hi' })
    await until(() => batches.length === 1, { ...WELL_UNDER_A_HEARTBEAT, what: 'the batch' })
    const { dueAtMs, releasedAtMs } = batches[0]!
    expect(releasedAtMs).to.be.at.least(dueAtMs)
  })

  it('the end of an answer alone releases the next batch on a processor that receives no events', async () => {
    const redis = await testRedis()
    const prefix = uniquePrefix()
    const rules = { quietGapMs: 50 }
    const batcher = batcherOn(redis, prefix, rules)
    const store = new DeafStore({ redis, prefix, rules: rulesFrom(rules) })
    closers.push(() => store.close())
    store.hears = event => event.kind === 'subscribed'
    let answer = () => {}
    const processor = new Processor({
      store,
      handle: batch => {
        batches.push(batch)
        return batches.length === 1
          ? new Promise<void>(resolve => {
              answer = resolve
            })
          : undefined
      },
    })
    closers.push(() => processor.stop())
    await batcher.append(CHAT, { messageId: '1', text: 'first' })
    await until(async () => (await batcher.conversations(1))[0]?.dueInMs === 0, { what: 'the batch to be due' })
    await processor.start()
    await until(() => batches.length === 1, { what: 'the first batch' })
    await batcher.append(CHAT, { messageId: '2', text: 'second' })
    await until(async () => (await batcher.conversation(CHAT)).open?.dueInMs === 0, { what: 'the second to be due' })
    expect(batches).to.have.length(1)
    answer()
    await until(() => batches.length === 2, { ...WELL_UNDER_A_HEARTBEAT, what: 'the second batch' })
  })
})
