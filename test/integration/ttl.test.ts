/**
 * Guarantee **ttl**: the key of an open batch lives its full TTL from the last message, and the messages live longer.
 */

import { expect } from 'chai'
import { Redis } from 'ioredis'
import type { Batch } from '../../src/batch.js'
import { Batcher } from '../../src/batcher.js'
import { Processor } from '../../src/processor/processor.js'
import { testRedis, uniquePrefix } from '../support/redis.js'
import { until } from '../support/wait.js'

const CHAT = '79000000001@c.us'

describe('ttl', () => {
  let redis: Redis
  let prefix: string
  let batches: Batch[]

  before(async () => {
    redis = new Redis(await testRedis())
  })

  after(() => redis.quit())

  beforeEach(() => {
    prefix = uniquePrefix()
    batches = []
  })

  const processorWith = async (rules: object) =>
    new Processor({ redis: await testRedis(), prefix, ...rules, handle: batch => void batches.push(batch) })

  it('each message renews the default TTL of 60 s on the batch’s key, and the messages have no TTL', async () => {
    const batcher = new Batcher({ redis: await testRedis(), prefix })
    try {
      for (const messageId of ['1', '2', '3']) {
        await batcher.append(CHAT, { messageId, text: 'hi' })
        expect(await redis.pttl(`${prefix}:${CHAT}`)).to.be.within(1, 60_000)
        // By Redis's clock, however long it took to ask.
        const lastAtMs = Number(await redis.hget(`${prefix}:${CHAT}`, 'lastAtMs'))
        expect((await redis.pexpiretime(`${prefix}:${CHAT}`)) - lastAtMs).to.equal(60_000)
      }
      expect(await redis.pttl(`${prefix}.messages:${CHAT}`)).to.equal(-1)
      expect(await redis.hget(`${prefix}:${CHAT}`, 'count')).to.equal('3')
    } finally {
      await batcher.close()
    }
  })

  it('with a processor running, a batch is complete until the quiet gap after its last message ends, then is released', async () => {
    const rules = { quietGapMs: 600, batchTtlMs: 3600 }
    const batcher = new Batcher({ redis: await testRedis(), prefix, ...rules })
    const processor = await processorWith(rules)
    try {
      await processor.start()
      await batcher.append(CHAT, { messageId: '1', text: 'hi' })
      await batcher.append(CHAT, { messageId: '2', text: 'there' })
      while (batches.length === 0) {
        const [open, at] = await Promise.all([batcher.conversation(CHAT), redis.time()])
        // It is complete or has been released.
        if (open.waiting === 0) break
        expect(open.waiting).to.equal(2)
        expect(Number(at[0])).to.be.greaterThan(0)
      }
      await until(() => batches.length === 1, { what: 'the batch' })
      expect(batches[0]!.dueAtMs - batches[0]!.lastAtMs).to.equal(600)
      expect(batches[0]!.releasedAtMs).to.be.at.least(batches[0]!.dueAtMs)
    } finally {
      await processor.stop()
      await batcher.close()
    }
  })

  it('messages survive the TTL while no processor runs, and the next processor releases them as recovery', async () => {
    const rules = { quietGapMs: 100, batchTtlMs: 250 }
    const batcher = new Batcher({ redis: await testRedis(), prefix, ...rules })
    const processor = await processorWith(rules)
    try {
      await batcher.append(CHAT, [
        { messageId: '1', text: 'is' },
        { messageId: '2', text: 'anybody' },
        { messageId: '3', text: 'there' },
      ])
      await until(async () => (await redis.exists(`${prefix}:${CHAT}`)) === 0, { what: 'the header to expire' })
      expect((await batcher.conversation(CHAT)).waiting).to.equal(3)
      await processor.start()
      await until(() => batches.length === 1, { what: 'the batch' })
      expect(batches[0]).to.include({ releasedBy: 'recovery', text: 'is\nanybody\nthere' })
      const steps = (await batcher.history({ conversationId: CHAT })).map(entry => entry.step)
      expect(steps).not.to.include('vanished')
    } finally {
      await processor.stop()
      await batcher.close()
    }
  })

  it('a message that arrives after the header expired opens a new batch, and both are released in order', async () => {
    const rules = { quietGapMs: 100, batchTtlMs: 250 }
    const batcher = new Batcher({ redis: await testRedis(), prefix, ...rules })
    // The second batch's header outlives any start of a processor.
    const patient = new Batcher({ redis: await testRedis(), prefix, ...rules, batchTtlMs: 60_000 })
    const processor = await processorWith(rules)
    try {
      await batcher.append(CHAT, { messageId: '1', text: 'before' })
      await until(async () => (await redis.exists(`${prefix}:${CHAT}`)) === 0, { what: 'the header to expire' })
      await patient.append(CHAT, { messageId: '2', text: 'after' })
      await processor.start()
      await until(() => batches.length === 2, { what: 'two batches' })
      expect(batches.map(({ text, releasedBy }) => ({ text, releasedBy }))).to.deep.equal([
        { text: 'before', releasedBy: 'recovery' },
        { text: 'after', releasedBy: 'gap' },
      ])
    } finally {
      await processor.stop()
      await batcher.close()
      await patient.close()
    }
  })
})
