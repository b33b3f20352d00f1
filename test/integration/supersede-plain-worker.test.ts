/** Guarantee **supersede** for a plain BullMQ `Worker`: `toBullmq` and `answering`. */
import { Worker } from 'bullmq'
import { expect } from 'chai'
import { Redis } from 'ioredis'
import type { Batch } from '../../src/batch.js'
import { Batcher } from '../../src/batcher.js'
import { bullmq } from '../../src/handover/bullmq.js'
import type { CommittingHandle } from '../../src/handover/function.js'
import { Processor } from '../../src/processor/processor.js'
import type { RuleOptions } from '../../src/rules.js'
import { isSuperseded } from '../../src/superseded.js'
import { answering, type BatchJob } from '../../src/worker/answering.js'
import { toBullmq } from '../../src/worker/to-bullmq.js'
import { testRedis, uniquePrefix } from '../support/redis.js'
import { until } from '../support/wait.js'

const CHAT = 'shop/79990000011@c.us'
const EARLY = { answering: 'supersede', quietGapMs: 400, earlyStartMs: 50 } as const

describe('supersede in a plain BullMQ worker', () => {
  const closing: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  /** @param jobTexts by default kept: some tests try a completed job again */
  async function system(rules: RuleOptions = {}, jobTexts: 'keep' | 'erase' = 'keep') {
    const redis = await testRedis()
    const options = { redis, prefix: uniquePrefix(), ...EARLY, ...rules }
    const queue = uniquePrefix()
    const client = new Redis(redis, { maxRetriesPerRequest: null })
    closing.push(async () => client.disconnect())
    const batcher = new Batcher(options)
    closing.push(() => batcher.close())
    const processor = new Processor({ ...options, handover: bullmq({ queue, answerAttempts: 3, jobTexts }) })
    closing.push(() => processor.stop())
    await processor.start()
    const ended: { id: string | undefined; result: unknown }[] = []
    const work = (processJob: (job: BatchJob & { attemptsMade: number }) => Promise<unknown>) => {
      const worker = new Worker(queue, processJob, { connection: client })
      closing.push(() => worker.close(true))
      worker.on('error', () => {})
      worker.on('completed', ({ id }, result) => ended.push({ id, result }))
      worker.on('failed', (job, error) => ended.push({ id: job?.id, result: error.message }))
    }
    const say = async (messageId: string) => {
      const { batchId = '' } = await batcher.append(CHAT, { messageId, text: messageId })
      return batchId
    }
    /** The processor's among them. */
    const subscriptions = async () => Number((await client.pubsub('NUMSUB', `${options.prefix}.batch-superseded`))[1])
    return { batcher, work, say, ended, subscriptions, client, queue }
  }

  it('a handler commits at the due time, and is aborted by newer messages, whose job follows', async () => {
    const { batcher, work, say, ended } = await system()
    const begun: Batch[] = []
    const sent: string[] = []
    const handle: CommittingHandle = async (batch, { commit, signal, attempt }) => {
      begun.push(batch)
      expect(attempt).to.equal(1)
      await commit().catch(error => {
        expect(signal.reason).to.equal(error)
        throw error
      })
      sent.push(batch.text)
      return 'is not kept'
    }
    work(toBullmq(handle, { batcher }))
    const first = await say('one')
    await until(() => begun.length === 1, { what: 'the early start' })
    const second = await say('two')
    await until(() => ended.length === 2, { what: 'two jobs' })
    expect(sent).to.deep.equal(['one\ntwo'])
    expect(begun[1]?.supersedes).to.deep.equal([first])
    expect(ended).to.deep.equal([
      { id: first, result: { superseded: true } },
      { id: second, result: undefined },
    ])
  })

  it('a handler that fails is tried again, and its commit then says that an answer may have been sent', async () => {
    const { batcher, work, say, ended } = await system({ quietGapMs: 100 })
    const runs: { attempt: number; again: boolean }[] = []
    work(
      toBullmq(
        async (_, { commit, attempt }) => {
          runs.push({ attempt, ...(await commit()) })
          if (runs.length === 1) throw new Error('failed after its commit')
        },
        { batcher },
      ),
    )
    await say('one')
    await until(() => ended.length === 2, { what: 'both attempts' })
    expect(runs).to.deep.equal([
      { attempt: 1, again: false },
      { attempt: 2, again: true },
    ])
  })

  it('a superseded job loses its texts when its worker has skipped it, and its successor when it is answered', async () => {
    const { batcher, work, say, ended, client, queue } = await system({}, 'erase')
    const data = async (id: string) => (await client.hget(`bull:${queue}:${id}`, 'data')) ?? ''
    let begin = () => {}
    const begun = new Promise<void>(resolve => {
      begin = resolve
    })
    work(
      toBullmq(
        async (_, { commit }) => {
          begin()
          await commit()
        },
        { batcher },
      ),
    )
    const first = await say('one')
    await begun
    const second = await say('two')
    expect(second).to.not.equal(first)
    await until(() => ended.length === 2, { what: 'both jobs' })
    expect(ended.find(({ id }) => id === first)?.result).to.deep.equal({ superseded: true })
    await until(async () => (await data(first)) === '{"messages":1,"texts":"erased"}', { what: 'the first' })
    await until(async () => (await data(second)) === '{"messages":2,"texts":"erased"}', { what: 'the second' })
  })

  it('`toBullmq` calls no handler for a batch that was superseded while its job waited', async () => {
    const { batcher, work, say, ended, client, queue } = await system()
    const key = (batchId: string) => `bull:${queue}:${batchId}`
    const first = await say('one')
    await until(async () => (await client.exists(key(first))) === 1, { what: 'its job' })
    const data = await client.hgetall(key(first))
    const second = await say('two')
    await until(async () => (await client.exists(key(first))) === 0, { what: 'the removal' })
    await until(async () => (await client.exists(key(second))) === 1, { what: 'the next job' })
    await client.hset(key(first), data)
    await client.rpush(`bull:${queue}:wait`, first)
    const begun: string[] = []
    work(toBullmq(async batch => void begun.push(batch.batchId), { batcher }))
    await until(() => ended.length === 2, { what: 'two jobs' })
    expect(begun).to.deep.equal([second])
    expect(ended).to.deep.include({ id: first, result: { superseded: true } })
  })

  it('`answering` gives a batch its signal and its commit, by one subscription for all jobs', async () => {
    const { batcher, work, say, ended, subscriptions } = await system()
    const begun: string[] = []
    const sent: string[] = []
    work(async job => {
      const { batch, signal, commit, end } = answering(job, { batcher })
      begun.push(batch.batchId)
      try {
        await commit()
        sent.push(batch.text)
        return 'sent'
      } catch (error) {
        if (isSuperseded(signal.reason)) return { superseded: true }
        throw error
      } finally {
        end()
      }
    })
    const first = await say('one')
    await until(() => begun.length === 1, { what: 'the early start' })
    const second = await say('two')
    await until(() => ended.length === 2, { what: 'two jobs' })
    expect(sent).to.deep.equal(['one\ntwo'])
    expect(ended).to.deep.equal([
      { id: first, result: { superseded: true } },
      { id: second, result: 'sent' },
    ])
    expect(await subscriptions()).to.equal(2)
    await batcher.close()
    await until(async () => (await subscriptions()) === 1, { what: 'the end of the subscription' })
  })

  it('`answering` aborts the signal for a batch that was superseded before', async () => {
    const { batcher, say, client, queue } = await system()
    const first = await say('one')
    await until(async () => (await client.exists(`bull:${queue}:${first}`)) === 1, { what: 'its job' })
    const data: unknown = JSON.parse((await client.hget(`bull:${queue}:${first}`, 'data')) ?? '')
    await say('two')
    const { signal } = answering({ id: first, name: 'batch', data }, { batcher })
    await until(() => signal.aborted, { what: 'the abort' })
    expect(isSuperseded(signal.reason)).to.equal(true)
  })

  it('a forgotten `answering` ends at the answer timeout, and its commit rejects then', async () => {
    const { batcher, say, client, queue } = await system({
      quietGapMs: 60_000,
      batchTtlMs: 120_000,
      answerTimeoutMs: 300,
    })
    const first = await say('one')
    await until(async () => (await client.exists(`bull:${queue}:${first}`)) === 1, { what: 'its job' })
    const data: unknown = JSON.parse((await client.hget(`bull:${queue}:${first}`, 'data')) ?? '')
    const { signal, commit } = answering({ id: first, name: 'batch', data }, { batcher })
    const error: unknown = await commit().catch(reason => reason)
    expect(error).to.have.property('message', 'no answer within 300 ms')
    expect(signal.reason).to.equal(error)
  })

  for (const order of ['serial', 'concurrent'] as const)
    it(`\`toBullmq\` works in queue mode, too, in ${order} order, and for a job that is tried again by hand`, async () => {
      const rules = { answering: 'queue', quietGapMs: 50, earlyStartMs: 0, order } as const
      const { batcher, work, say, ended, client, queue } = await system(rules)
      const runs: boolean[] = []
      const handle: CommittingHandle = async (_, { commit }) => {
        runs.push((await commit()).again)
      }
      work(toBullmq(handle, { batcher }))
      const first = await say('one')
      await until(() => ended.length === 1, { what: 'the job' })
      expect(ended).to.deep.equal([{ id: first, result: undefined }])
      const { Queue } = await import('bullmq')
      const board = new Queue(queue, { connection: client })
      closing.push(() => board.close())
      await (await board.getJob(first))?.retry('completed')
      await until(() => ended.length === 2, { what: 'the job again' })
      expect(runs).to.deep.equal([false, false])
    })

  it('refuses a job that is no batch', async () => {
    const { batcher } = await system()
    expect(() => answering({ id: 'x', name: 'mail', data: {} }, { batcher })).to.throw(TypeError, /is no batch/)
  })
})
