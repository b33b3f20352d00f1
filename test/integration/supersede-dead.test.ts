/**
 * Guarantee **dead batches** with `answering: 'supersede'`: the queue may have the job of a dead batch, as the reply to
 * its handover was lost. Its messages are answered once, before or after its redrive.
 */
import { expect } from 'chai'
import { Redis } from 'ioredis'
import { Batcher } from '../../src/batcher.js'
import { bullmq } from '../../src/handover/bullmq.js'
import { Commits } from '../../src/handover/commits.js'
import type { Handover } from '../../src/handover/handover.js'
import { Processor } from '../../src/processor/processor.js'
import { RedisStore } from '../../src/store/redis/store.js'
import { QueueWorker } from '../../src/worker/worker.js'
import { testRedis, uniquePrefix } from '../support/redis.js'
import { until } from '../support/wait.js'

const CHAT = 'shop/79990000011@c.us'
/** Checks of answers are half a TTL apart. */
const RULES = { answering: 'supersede', quietGapMs: 50, batchTtlMs: 400, maxAttempts: 1 } as const

describe('a dead batch whose job the queue has, with supersede', () => {
  const closing: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  /** @param isLost says of a text whether the reply to its handover is lost */
  async function system(isLost: (text: string) => boolean) {
    const redis = await testRedis()
    const options = { redis, prefix: uniquePrefix(), ...RULES }
    const queue = uniquePrefix()
    const batcher = new Batcher(options)
    closing.push(() => batcher.close())
    const real = bullmq({ queue, redis })
    const handover: Handover = {
      kind: 'bullmq',
      batchesPerCall: 1,
      concurrency: 4,
      start: (...args) => real.start(...args),
      async handOver(items) {
        const outcomes = await real.handOver(items)
        return items.map(({ batch: { text } }, i) =>
          isLost(text)
            ? { result: 'failed', counts: true, error: new Error('its reply was lost') }
            : (outcomes[i] ?? { result: 'taken' }),
        )
      },
      states: async ids => (await real.states?.(ids)) ?? [],
      repeat: async ids => real.repeat?.(ids),
      withdraw: async ids => (await real.withdraw?.(ids)) ?? [],
      stop: () => real.stop(),
    }
    const warned: string[] = []
    const log = { debug() {}, info() {}, warn: (_: object, line: string) => void warned.push(line), error() {} }
    const processor = new Processor({ ...options, handover, log })
    closing.push(() => processor.stop())
    await processor.start()
    const client = new Redis(redis)
    closing.push(async () => client.disconnect())
    const sent: { text: string; again: boolean }[] = []
    const work = async (before: (text: string) => Promise<unknown> = async () => {}) => {
      const store = new RedisStore({ redis, prefix: options.prefix, rules: batcher.store.rules })
      closing.push(() => store.close())
      await store.open()
      const worker = new QueueWorker({
        redis,
        queue,
        commits: new Commits(store),
        handle: async ({ text }, { commit }) => {
          await before(text)
          const { again } = await commit()
          sent.push({ text, again })
        },
      })
      closing.push(() => worker.stop({ timeoutMs: 300 }))
      await worker.start()
    }
    const say = async (text: string) => (await batcher.append(CHAT, { messageId: text, text })).batchId ?? ''
    const died = async (text: string) => {
      const batchId = await say(text)
      await until(async () => (await batcher.dead()).length > 0, { what: `${text} to die` })
      return batchId
    }
    const job = (batchId: string) => client.hgetall(`bull:${queue}:${batchId}`)
    const skipped = (batchId: string) =>
      until(async () => (await job(batchId))['returnvalue'] === '{"superseded":true}', { what: 'the job is skipped' })
    const allAnswered = () =>
      until(async () => (await batcher.conversations()).length === 0, { what: 'all to be answered' })
    return { batcher, work, sent, say, died, job, skipped, allAnswered, warned }
  }

  it('is answered by its worker, and not a second time after its redrive', async () => {
    let isLost = true
    const { batcher, work, sent, died, job, allAnswered } = await system(() => isLost)
    const batchId = await died('m1')
    await work()
    await until(async () => (await job(batchId))['finishedOn'] !== undefined, { what: 'the end of its job' })
    expect(sent).to.deep.equal([{ text: 'm1', again: false }])
    isLost = false
    await batcher.redrive(batchId)
    await allAnswered()
    expect(sent).to.deep.equal([{ text: 'm1', again: false }])
    expect(await batcher.dead()).to.deep.equal([])
    const ends = (await batcher.history({ conversationId: CHAT })).filter(({ step }) => step === 'answered')
    expect(ends.map(({ batchId: id, detail }) => [id, detail['outcome']])).to.deep.equal([[batchId, 'completed']])
  })

  it('is answered after its redrive if its worker skipped it while it waited for another answer', async () => {
    const lost = new Set(['m1'])
    const { batcher, work, sent, say, died, skipped, allAnswered, warned } = await system(text => lost.has(text))
    const batchId = await died('m1')
    const other = await say('m2')
    await until(async () => (await batcher.conversation(CHAT)).heldBy?.batchId === other, { what: 'm2 is handed over' })
    lost.clear()
    // It waits behind m2.
    await batcher.redrive(batchId)
    let letGo = () => {}
    const held = new Promise<void>(resolve => {
      letGo = resolve
    })
    await work(text => (text === 'm2' ? held : Promise.resolve()))
    await skipped(batchId)
    expect(sent).to.deep.equal([])
    letGo()
    await until(() => sent.length === 2, { what: 'both to be sent' })
    await allAnswered()
    expect(sent).to.deep.equal([
      { text: 'm2', again: false },
      { text: 'm1', again: false },
    ])
    expect(warned.filter(line => line.startsWith('a worker skipped a batch that is to be answered'))).to.have.lengthOf(
      1,
    )
  })
})
