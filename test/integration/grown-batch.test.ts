/**
 * A failover may lose a claim that was handed over: the batch is open again, under the id that the queue knows. A
 * message that joined it would be dropped with the second handover. By hand on one Redis: what the claim took is put
 * back.
 */
import { expect } from 'chai'
import { Redis } from 'ioredis'
import { bullmq } from '../../src/handover/bullmq.js'
import { silent } from '../../src/logger.js'
import { rulesFrom } from '../../src/rules.js'
import { RedisStore } from '../../src/store/redis/store.js'
import { testRedis, uniquePrefix } from '../support/redis.js'
import { append, CHAT, claimOne, idsOf } from '../support/store-contract/messages.js'
import { until } from '../support/wait.js'

describe('a claim that a failover has lost', () => {
  it('loses no message that comes before the batch is claimed again', async () => {
    const url = await testRedis()
    const redis = new Redis(url)
    const store = new RedisStore({ redis: url, prefix: uniquePrefix(), rules: rulesFrom({ quietGapMs: 20 }) })
    const queue = bullmq({ queue: uniquePrefix(), redis: url })
    const events = { onAnswered: () => {}, onResumed: () => {} }
    await store.open()
    await queue.start({ log: silent, connectionName: 'test' }, events)
    const handOver = async ({ batch, attempt }: Awaited<ReturnType<typeof claimOne>>) =>
      (
        await queue.handOver([
          { batch, attempt, signal: new AbortController().signal, commit: async () => ({ again: false }) },
        ])
      )[0]
    const { keys } = store
    const taken = [keys.header(CHAT), keys.messages(CHAT)]
    try {
      await append(store, CHAT, 'm1')
      const dumps = await Promise.all(taken.map(key => redis.dumpBuffer(key)))
      const dueAt = await redis.zscore(keys.due, CHAT)
      await until(async () => Number(dueAt) < Date.now(), { what: 'the quiet gap' })
      const first = await claimOne(store)
      expect(await handOver(first)).to.deep.equal({ result: 'taken' })
      // The new primary has not seen the claim.
      await redis.del(keys.claimedBatch(first.batchId), keys.hold(CHAT))
      await redis.zrem(keys.claimed, first.batchId)
      for (const [i, key] of taken.entries()) await redis.restore(key, 0, dumps[i] ?? '')
      await redis.zadd(keys.due, dueAt ?? 0, CHAT)
      await until(async () => Number(dueAt) + 1000 < Date.now(), { what: 'the batch to be overdue' })
      await append(store, CHAT, 'm2')
      const again = await claimOne(store)
      expect(again.batchId).to.equal(first.batchId)
      expect(idsOf(again.batch)).to.deep.equal(['m1'])
      await store.ack([again.batchId])
      await store.answered(again.batchId, 'completed')
      const second = await until(
        async () => (await store.claim({ owner: 'p', maxBatches: 1, maxBytes: 1 })).batches[0],
        {
          what: 'the second batch',
        },
      )
      expect(idsOf(second.batch)).to.deep.equal(['m2'])
      expect(await handOver(second)).to.deep.equal({ result: 'taken' })
    } finally {
      await queue.stop()
      await store.close()
      redis.disconnect()
    }
  })
})
