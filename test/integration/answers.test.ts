/** Guarantee **answers**: a conversation goes on whatever happens to the processes between handover and answer. */
import { expect } from 'chai'
import { Redis } from 'ioredis'
import { Batcher } from '../../src/batcher.js'
import type { Handover } from '../../src/handover/handover.js'
import { Processor } from '../../src/processor/processor.js'
import { type Pipeline, pipeline } from '../support/pipeline.js'
import { lull } from '../support/processes.js'
import { privateRedis } from '../support/redis.js'
import { until } from '../support/wait.js'

const CHAT = '79000000001@c.us'
/** The first check comes after 22 s or more, later than any test waits. */
const RULES = { quietGapMs: 50 }

/** A handler's work that ends when `answer` is called. */
function heldAnswer() {
  let answer = () => {}
  const answering = new Promise<void>(resolve => {
    answer = resolve
  })
  return { answer, answering }
}

describe('answers', () => {
  let running: Pipeline | undefined

  afterEach(async () => {
    await running?.stop()
    running = undefined
  })

  it('an answer is noticed by another processor when the one that handed over has stopped', async () => {
    const { answer, answering } = heldAnswer()
    running = await pipeline({
      rules: RULES,
      processors: 2,
      handle: batch => (batch.text === 'first' ? answering : Promise.resolve()),
    })
    const { post, received, batcher, processors } = running
    await post(CHAT, [{ messageId: '1', text: 'first' }])
    await received(1)
    await until(async () => (await batcher.conversation(CHAT)).heldBy?.state === 'answering', { what: 'the hold' })
    const [step] = (await batcher.history({ conversationId: CHAT })).filter(({ step }) => step === 'claimed')
    const owner = processors.find(processor => processor.owner === step?.detail['owner'])
    expect(owner, 'the processor that handed it over').not.to.equal(undefined)
    await owner?.stop()
    await post(CHAT, [{ messageId: '2', text: 'second' }])
    await until(async () => (await batcher.conversation(CHAT)).open?.dueInMs === 0, { what: 'the second to be due' })
    expect(running.batches).to.have.length(1)
    answer()
    const batches = await received(2)
    expect(batches[1]?.text).to.equal('second')
  })

  it('an answer that ends while no processor runs is noticed by the next one to start', async () => {
    running = await pipeline({ rules: RULES, workers: 0 })
    const { post, batcher, processors } = running
    await post(CHAT, [{ messageId: '1', text: 'first' }])
    await until(async () => (await batcher.conversation(CHAT)).heldBy?.state === 'answering', { what: 'the hold' })
    await processors[0]?.stop()
    await running.startWorker()
    await running.received(1)
    await post(CHAT, [{ messageId: '2', text: 'second' }])
    await running.startProcessor()
    const batches = await running.received(2)
    expect(batches.map(batch => batch.text)).to.deep.equal(['first', 'second'])
  })

  it('an answer is noticed by the next processor to start when the one that handed over has died', async () => {
    const { answer, answering } = heldAnswer()
    running = await pipeline({
      rules: RULES,
      processors: 0,
      handle: ({ text }) => (text === 'first' ? answering : Promise.resolve()),
    })
    const { post, received, batcher, redis, prefix } = running
    const mortal = await lull(['processor'], {
      REDIS_URL: redis,
      LULL_PREFIX: prefix,
      LULL_QUEUE: `queue-${prefix}`,
      LULL_QUIET_GAP_MS: String(RULES.quietGapMs),
    })
    try {
      await post(CHAT, [{ messageId: '1', text: 'first' }])
      await until(async () => (await batcher.conversation(CHAT)).heldBy?.state === 'answering', { what: 'the hold' })
    } finally {
      await mortal.kill()
    }
    await received(1)
    await post(CHAT, [{ messageId: '2', text: 'second' }])
    await until(async () => (await batcher.conversation(CHAT)).open?.dueInMs === 0, { what: 'the second to be due' })
    await running.startProcessor()
    answer()
    const batches = await received(2)
    expect(batches[1]?.text).to.equal('second')
  })

  it('an end that the server does not know is noticed when the subscription comes back', async () => {
    // As after a failover: the new primary has the batch, and not the end of its answer, which nobody reports again.
    const given: string[] = []
    const receiver: Handover = {
      kind: 'receiver',
      batchesPerCall: 1,
      concurrency: 1,
      start: async () => {},
      stop: async () => {},
      handOver: async items => {
        for (const { batch } of items) given.push(batch.text)
        return items.map(() => ({ result: 'taken' }))
      },
      states: async batchIds => batchIds.map(() => ({ state: 'ended', outcome: 'completed' })),
    }
    const server = await privateRedis()
    const admin = new Redis(server.url)
    const batcher = new Batcher({ redis: server.url, ...RULES })
    const processor = new Processor({ redis: server.url, ...RULES, handover: receiver })
    try {
      await processor.start()
      await batcher.append(CHAT, { messageId: '1', text: 'first' })
      await until(async () => (await batcher.conversation(CHAT)).heldBy?.state === 'answering', { what: 'the hold' })
      await batcher.append(CHAT, { messageId: '2', text: 'second' })
      await until(async () => (await batcher.conversation(CHAT)).open?.dueInMs === 0, { what: 'the second to be due' })
      expect(given).to.deep.equal(['first'])
      await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
      await until(() => given.length === 2, { what: 'the second' })
      expect(given).to.deep.equal(['first', 'second'])
    } finally {
      await processor.stop({ timeoutMs: 0 })
      await batcher.close()
      admin.disconnect()
      await server.stop()
    }
  })
})
