/**
 * `claimOnce`, from a cron job say, in serial order: a conversation’s next batch is handed over when its last one is
 * answered, although no processor runs.
 */

import { Queue, Worker } from 'bullmq'
import { expect } from 'chai'
import type { Batch } from '../../src/batch.js'
import { Batcher } from '../../src/batcher.js'
import { bullmq } from '../../src/handover/bullmq.js'
import { type Destination, Processor } from '../../src/processor/processor.js'
import { testRedis, uniquePrefix } from '../support/redis.js'
import { until } from '../support/wait.js'

const CHAT = '79990000011@c.us'

describe('claimOnce, in serial order', () => {
  const closing: (() => unknown)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  async function setUp(destination: (redis: string) => Destination) {
    const redis = await testRedis()
    const options = { redis, prefix: uniquePrefix() }
    const batcher = new Batcher(options)
    closing.push(() => batcher.close())
    /** As a cron job does whose instance may be another one each time. */
    const claimOnce = async () => {
      const processor = new Processor({ ...options, ...destination(redis) })
      await processor.claimOnce()
      await processor.stop()
    }
    const say = (...messageIds: string[]) =>
      batcher.append(
        CHAT,
        messageIds.map(messageId => ({ messageId, text: messageId })),
        { direct: true },
      )
    return { batcher, claimOnce, say, redis }
  }

  it('handles one batch after another, in one call', async () => {
    const events: string[] = []
    const handle = async ({ text }: Batch) => {
      events.push(`begin ${text}`)
      await new Promise(resolve => setImmediate(resolve))
      events.push(`end ${text}`)
    }
    const { say, claimOnce } = await setUp(() => ({ handle }))
    await say('1', '2')
    await claimOnce()
    expect(events).to.deep.equal(['begin 1', 'end 1', 'begin 2', 'end 2'])
  })

  it('hands over the next batch after the job of the last one has ended between two calls', async () => {
    const queue = uniquePrefix()
    const { say, claimOnce, redis } = await setUp(() => ({ handover: bullmq({ queue, jobTexts: 'keep' }) }))
    const { hostname: host, port } = new URL(redis)
    const connection = { host, port: Number(port), maxRetriesPerRequest: null }
    const jobs = new Queue(queue, { connection })
    closing.push(() => jobs.close())
    const texts = async () => (await jobs.getJobs()).map(job => job.data.text).sort()
    await say('1', '2')
    await claimOnce()
    await claimOnce()
    expect(await texts()).to.deep.equal(['1'])
    const worker = new Worker(queue, async () => {}, { connection })
    closing.push(() => worker.close())
    await until(async () => (await jobs.getCompletedCount()) === 1, { what: 'the end of the first job' })
    await claimOnce()
    expect(await texts()).to.deep.equal(['1', '2'])
  })

  it('hands over the next batch after the answer to the last one was reported', async () => {
    const taken: string[] = []
    const { say, claimOnce, batcher } = await setUp(() => ({ handover: takes(taken) }))
    const { batchId = '' } = await say('1')
    await say('2')
    await claimOnce()
    expect(taken).to.deep.equal(['1'])
    await batcher.answered(batchId)
    await claimOnce()
    expect(taken).to.deep.equal(['1', '2'])
  })
})

/** A receiver that answers 202. */
const takes = (texts: string[]): NonNullable<Destination['handover']> => ({
  kind: 'test',
  batchesPerCall: 1,
  concurrency: 1,
  start: async () => {},
  stop: async () => {},
  async handOver(items) {
    texts.push(...items.map(({ batch }) => batch.text))
    return items.map(() => ({ result: 'taken' as const }))
  },
})
