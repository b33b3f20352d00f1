/** Guarantee **direct**: without batching each message is handed over at once, alone and in order. */
import { expect } from 'chai'
import type { Batch } from '../../src/batch.js'
import { Batcher } from '../../src/batcher.js'
import { Processor } from '../../src/processor/processor.js'
import { type Pipeline, pipeline } from '../support/pipeline.js'
import { testRedis, uniquePrefix } from '../support/redis.js'

const AN_HOUR = 3_600_000
const CHAT = '79000000001@c.us'
const texts = (batches: Batch[]) => batches.map(({ text, releasedBy }) => `${releasedBy}: ${text}`)

describe('direct', () => {
  let running: Pipeline | undefined

  afterEach(async () => {
    await running?.stop()
    running = undefined
  })

  it('the direct webhook hands over each message at once, after the open batch of its conversation', async () => {
    running = await pipeline({ rules: { quietGapMs: AN_HOUR, maxWaitMs: AN_HOUR, batchTtlMs: 2 * AN_HOUR } })
    await running.post(CHAT, [{ messageId: '1', text: 'collected' }])
    await running.post(
      CHAT,
      [
        { messageId: '2', text: 'now' },
        { messageId: '3', text: 'and now' },
      ],
      { direct: true },
    )
    const batches = await running.received(3)
    expect(texts(batches)).to.deep.equal(['direct: collected', 'direct: now', 'direct: and now'])
  })

  it('LULL_BATCHING=off hands over each message of the batched webhook at once', async () => {
    running = await pipeline({
      batching: false,
      rules: { quietGapMs: AN_HOUR, maxWaitMs: AN_HOUR, batchTtlMs: 2 * AN_HOUR },
    })
    await running.post(CHAT, [{ messageId: '1', text: 'one' }])
    await running.post(CHAT, [{ messageId: '2', text: 'two' }])
    const batches = await running.received(2)
    expect(texts(batches)).to.deep.equal(['direct: one', 'direct: two'])
  })

  it('a program can hand over what it appended without a processor, in concurrent order', async () => {
    const options = {
      redis: await testRedis(),
      prefix: uniquePrefix(),
      order: 'concurrent' as const,
      quietGapMs: AN_HOUR,
      maxWaitMs: AN_HOUR,
      batchTtlMs: 2 * AN_HOUR,
    }
    const batches: Batch[] = []
    const batcher = new Batcher(options)
    const processor = new Processor({ ...options, handle: batch => void batches.push(batch) })
    try {
      const { listeners } = await batcher.append(CHAT, { messageId: '1', text: 'now' }, { direct: true })
      expect(listeners).to.equal(0)
      await processor.claimOnce()
      await batcher.append(CHAT, { messageId: '2', text: 'and' }, { direct: true })
      await batcher.append(CHAT, { messageId: '3', text: 'then' }, { direct: true })
      await processor.claimOnce()
      expect(texts(batches)).to.deep.equal(['direct: now', 'direct: and', 'direct: then'])
    } finally {
      await processor.stop()
      await batcher.close()
    }
  })
})
