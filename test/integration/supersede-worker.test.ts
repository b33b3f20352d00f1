/**
 * Guarantee **supersede** on a queue: a worker commits, its running handler is aborted by newer messages, and no job of a
 * superseded batch is answered or retried.
 */
import { expect } from 'chai'
import { Redis } from 'ioredis'
import type { Batch } from '../../src/batch.js'
import { Batcher } from '../../src/batcher.js'
import { bullmq } from '../../src/handover/bullmq.js'
import { Commits } from '../../src/handover/commits.js'
import type { CommittingHandle } from '../../src/handover/function.js'
import { Processor } from '../../src/processor/processor.js'
import { RedisStore } from '../../src/store/redis/store.js'
import { Superseded } from '../../src/superseded.js'
import { QueueWorker, type QueueWorkerOptions } from '../../src/worker/worker.js'
import { privateRedis, testRedis, uniquePrefix } from '../support/redis.js'
import { until } from '../support/wait.js'

const CHAT = 'shop/79990000011@c.us'
const EARLY = { answering: 'supersede', quietGapMs: 400, earlyStartMs: 50 } as const

describe('supersede on a queue', () => {
  const closing: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  async function system({ rules = {}, queueRedis }: { rules?: object; queueRedis?: string } = {}) {
    const redis = await testRedis()
    const options = { redis, prefix: uniquePrefix(), ...EARLY, ...rules }
    const queue = uniquePrefix()
    const batcher = new Batcher(options)
    closing.push(() => batcher.close())
    const onQueue = queueRedis ?? redis
    const processor = new Processor({ ...options, handover: bullmq({ queue, redis: onQueue, answerAttempts: 3 }) })
    closing.push(() => processor.stop())
    await processor.start()
    const client = new Redis(onQueue)
    closing.push(async () => client.disconnect())

    const work = async (handle: CommittingHandle, more: Partial<QueueWorkerOptions> = {}) => {
      const store = new RedisStore({ redis, prefix: options.prefix, rules: batcher.store.rules })
      closing.push(() => store.close())
      await store.open()
      const worker = new QueueWorker({ redis: onQueue, queue, handle, commits: new Commits(store), ...more })
      closing.push(() => worker.stop({ timeoutMs: 300 }))
      await worker.start()
      return worker
    }
    const say = async (messageId: string) => {
      const { batchId = '' } = await batcher.append(CHAT, { messageId, text: messageId })
      return batchId
    }
    const job = (batchId: string) => client.hgetall(`bull:${queue}:${batchId}`)
    const ended = (batchId: string) =>
      until(async () => (await job(batchId))['finishedOn'] !== undefined, { what: `the end of job ${batchId}` })
    const steps = async () => (await batcher.history({ conversationId: CHAT, limit: 50 })).map(({ step }) => step)
    return { batcher, work, say, job, ended, steps, client, queue, redis, options }
  }

  it('aborts the running handler, and completes its job as superseded without another attempt', async () => {
    const { work, say, job, ended, steps } = await system()
    const begun: Batch[] = []
    const sent: string[] = []
    const thrown: unknown[] = []
    await work(async (batch, { commit, signal }) => {
      begun.push(batch)
      try {
        await commit()
      } catch (error) {
        expect(signal.reason).to.equal(error)
        thrown.push(error)
        throw error
      }
      sent.push(batch.text)
    })
    const first = await say('one')
    await until(() => begun.length === 1, { what: 'the early start' })
    const by = await say('two')
    await until(() => sent.length > 0, { what: 'an answer' })
    await ended(first)
    expect(sent).to.deep.equal(['one\ntwo'])
    expect(begun.map(({ batchId }) => batchId)).to.deep.equal([first, by])
    expect(begun[1]?.supersedes).to.deep.equal([first])
    expect(thrown).to.have.lengthOf(1)
    expect(thrown[0]).to.be.instanceOf(Superseded)
    expect(thrown[0]).to.include({ batchId: first, by })
    expect(JSON.parse((await job(first))['returnvalue'] ?? '')).to.deep.equal({ superseded: true })
    await until(async () => (await steps()).includes('answered'), { what: 'the answer in the history' })
    expect((await steps()).filter(step => step === 'answered')).to.have.lengthOf(1)
  })

  it('completes the job of a superseded handler that ignores its signal', async () => {
    const { work, say, job, ended } = await system()
    const begun: string[] = []
    const sent: string[] = []
    await work(
      async (batch, { commit }) => {
        begun.push(batch.batchId)
        if (begun.length === 1) await new Promise(() => {})
        await commit()
        sent.push(batch.text)
      },
      { concurrency: 1, answerTimeoutMs: 1000 },
    )
    const first = await say('one')
    await until(() => begun.length === 1, { what: 'the early start' })
    await say('two')
    await until(() => sent.length > 0, { what: 'an answer' })
    await ended(first)
    expect(sent).to.deep.equal(['one\ntwo'])
    expect(JSON.parse((await job(first))['returnvalue'] ?? '')).to.deep.equal({ superseded: true })
  })

  it('grants a commit at the due time, and what comes after it waits for the end of the answer', async () => {
    const { work, say } = await system()
    const committed: { text: string; lateMs: number }[] = []
    let finish = () => {}
    await work(async (batch, { commit }) => {
      expect(await commit()).to.deep.equal({ again: false })
      committed.push({ text: batch.text, lateMs: Date.now() - batch.dueAtMs })
      await new Promise<void>(resolve => {
        finish = resolve
      })
    })
    await say('one')
    await until(() => committed.length === 1, { what: 'the first commit' })
    expect(committed[0]?.lateMs).to.be.at.least(-20)
    await say('two')
    finish()
    await until(() => committed.length === 2, { what: 'the second commit' })
    finish()
    expect(committed.map(({ text }) => text)).to.deep.equal(['one', 'two'])
  })

  it('a run after the committed one is told that an answer may have been sent', async () => {
    const { work, say } = await system()
    const granted: boolean[] = []
    await work(async (_, { commit }) => {
      granted.push((await commit()).again)
      if (granted.length === 1) throw new Error('failed between commit and answer')
    })
    await say('one')
    await until(() => granted.length === 2, { what: 'the second run', timeoutMs: 5000 })
    expect(granted).to.deep.equal([false, true])
  })

  it('does not call the handler for a job whose batch was superseded while it waited', async () => {
    const { work, say, batcher, job, ended, client, queue } = await system()
    const first = await say('one')
    await until(async () => (await job(first))['timestamp'] !== undefined, { what: 'its job' })
    const data = await job(first)
    const second = await say('two')
    await until(async () => (await job(second))['timestamp'] !== undefined, { what: 'the next job' })
    // As if the processor could not have removed it.
    await client.hset(`bull:${queue}:${first}`, data)
    await client.rpush(`bull:${queue}:wait`, first)
    const begun: string[] = []
    await work(async batch => {
      begun.push(batch.batchId)
    })
    await until(() => begun.length > 0, { what: 'a run' })
    await ended(first)
    expect(begun).to.deep.equal([second])
    expect(JSON.parse((await job(first))['returnvalue'] ?? '')).to.deep.equal({ superseded: true })
    expect((await batcher.conversation(CHAT)).heldBy?.batchId ?? second).to.equal(second)
  })

  it('works with a queue on another Redis than Lull’s', async () => {
    const server = await privateRedis()
    closing.push(() => server.stop())
    const { work, say, job, ended } = await system({ queueRedis: server.url })
    const begun: string[] = []
    const sent: string[] = []
    await work(async (batch, { commit }) => {
      begun.push(batch.batchId)
      await commit()
      sent.push(batch.text)
    })
    const first = await say('one')
    await until(() => begun.length === 1, { what: 'the early start' })
    await say('two')
    await until(() => sent.length > 0, { what: 'an answer' })
    await ended(first)
    expect(sent).to.deep.equal(['one\ntwo'])
    expect(JSON.parse((await job(first))['returnvalue'] ?? '')).to.deep.equal({ superseded: true })
  })
})
