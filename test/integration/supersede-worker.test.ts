/**
 * Guarantee **supersede** on a queue: a worker commits, its running handler is aborted by newer messages, and no job of a
 * superseded batch is answered or retried.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { Redis } from 'ioredis'
import type { Batch } from '../../src/batch.js'
import { Batcher } from '../../src/batcher.js'
import { Lifecycle } from '../../src/cli/lifecycle.js'
import { Readiness } from '../../src/cli/roles/readiness.js'
import { startWorker } from '../../src/cli/roles/worker.js'
import { readConfig } from '../../src/config.js'
import { bullmq } from '../../src/handover/bullmq.js'
import { Commits } from '../../src/handover/commits.js'
import type { CommittingHandle } from '../../src/handover/function.js'
import { silent } from '../../src/logger.js'
import { Metrics } from '../../src/metrics/metrics.js'
import type { Observer } from '../../src/observer.js'
import { Processor } from '../../src/processor/processor.js'
import type { RuleOptions } from '../../src/rules.js'
import { RedisStore } from '../../src/store/redis/store.js'
import { Superseded } from '../../src/superseded.js'
import { QueueWorker, type QueueWorkerOptions } from '../../src/worker/worker.js'
import { privateRedis, testRedis, uniquePrefix } from '../support/redis.js'
import { until } from '../support/wait.js'

const CHAT = 'shop/79990000011@c.us'
const EARLY = { answering: 'supersede', quietGapMs: 400, earlyStartMs: 50 } as const

interface SystemOptions {
  rules?: RuleOptions
  /** Lull's own. */
  redis?: string
  /** Lull's own by default. */
  queueRedis?: string
  processors?: number
}

describe('supersede on a queue', () => {
  const closing: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  async function persistentRedis() {
    const directory = await mkdtemp(join(tmpdir(), 'lull-supersede-'))
    closing.push(() => rm(directory, { recursive: true, force: true }))
    const server = await privateRedis({
      args: ['--appendonly', 'yes', '--appendfsync', 'always', '--dir', directory],
    })
    closing.push(() => server.stop())
    return server
  }

  async function system({ rules = {}, redis: given, queueRedis, processors = 1 }: SystemOptions = {}) {
    const redis = given ?? (await testRedis())
    const options = { redis, prefix: uniquePrefix(), ...EARLY, ...rules }
    const queue = uniquePrefix()
    const batcher = new Batcher(options)
    closing.push(() => batcher.close())
    const onQueue = queueRedis ?? redis
    const counted: string[] = []
    const observer: Observer = {
      answered: outcome => counted.push(`answered ${outcome}`),
      superseded: when => counted.push(`superseded ${when}`),
    }
    const troubles: string[] = []
    const trouble = (_: object, line: string) => void troubles.push(line)
    const log = { debug() {}, info() {}, warn: trouble, error: trouble }
    for (let i = 0; i < processors; i++) {
      const handover = bullmq({ queue, redis: onQueue, answerAttempts: 3, jobTexts: 'keep' })
      const processor = new Processor({ ...options, handover, observer, log })
      closing.push(() => processor.stop())
      await processor.start()
    }
    const client = new Redis(onQueue)
    closing.push(async () => client.disconnect())

    const work = async (handle: CommittingHandle, more: Partial<QueueWorkerOptions> = {}) => {
      const store = new RedisStore({ redis, prefix: options.prefix, rules: batcher.store.rules })
      closing.push(() => store.close())
      await store.open()
      const commits = new Commits(store, { observer })
      const worker = new QueueWorker({ redis: onQueue, queue, handle, commits, ...more })
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
    const there = async (batchId: string) => (await job(batchId))['timestamp'] !== undefined
    return { batcher, work, say, job, there, ended, steps, client, queue, counted, troubles }
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

  it('removes a job that still waits when its batch is superseded, which is no answer and no trouble', async () => {
    const { work, say, there, steps, counted, troubles, client, queue } = await system({ processors: 2 })
    const first = await say('one')
    await until(() => there(first), { what: 'its job' })
    const second = await say('two')
    await until(async () => !(await there(first)), { what: 'the removal' })
    await until(() => there(second), { what: 'the next job' })
    expect(await client.lrange(`bull:${queue}:wait`, 0, -1)).to.deep.equal([second])
    const begun: string[] = []
    await work(async batch => void begun.push(batch.batchId))
    await until(() => counted.some(one => one.startsWith('answered')), { what: 'the answer' })
    expect(begun).to.deep.equal([second])
    expect(counted).to.deep.equal(['superseded waiting', 'answered completed'])
    expect((await steps()).filter(step => step === 'answered')).to.have.lengthOf(1)
    expect(troubles).to.deep.equal([])
  })

  it('leaves a running job in the queue when its batch is superseded', async () => {
    const { work, say, job, ended, counted } = await system()
    let begun = 0
    await work(async (_, { signal }) => {
      begun++
      if (begun === 1) await new Promise<void>(resolve => signal.addEventListener('abort', () => resolve()))
    })
    const first = await say('one')
    await until(() => begun === 1, { what: 'the early start' })
    await say('two')
    await ended(first)
    expect(JSON.parse((await job(first))['returnvalue'] ?? '')).to.deep.equal({ superseded: true })
    await until(() => counted.includes('answered completed'), { what: 'the answer' })
    expect(counted).to.deep.equal(['superseded running', 'answered completed'])
  })

  it('does not call the handler for a job that could not be removed', async () => {
    const { work, say, job, there, ended, client, queue, counted } = await system()
    const first = await say('one')
    await until(() => there(first), { what: 'its job' })
    const data = await job(first)
    const second = await say('two')
    await until(async () => !(await there(first)), { what: 'the removal' })
    await until(() => there(second), { what: 'the next job' })
    await client.hset(`bull:${queue}:${first}`, data)
    await client.rpush(`bull:${queue}:wait`, first)
    const begun: string[] = []
    await work(async batch => void begun.push(batch.batchId))
    await until(() => counted.includes('answered completed'), { what: 'the answer' })
    await ended(first)
    expect(begun).to.deep.equal([second])
    expect(JSON.parse((await job(first))['returnvalue'] ?? '')).to.deep.equal({ superseded: true })
    expect(counted.filter(one => one.startsWith('answered'))).to.deep.equal(['answered completed'])
  })

  it('does not call the handler again for an old job whose answer has ended, and fails it for good', async () => {
    const { work, say, batcher, job, there, ended } = await system()
    const first = await say('one')
    await until(() => there(first), { what: 'its job' })
    await batcher.answered(first, 'failed')
    let calls = 0
    await work(async () => void calls++)
    await ended(first)
    expect(calls).to.equal(0)
    expect((await job(first))['failedReason']).to.match(/has gone on without it/)
  })

  it('a worker that is started after the commit is told that an answer may have been sent', async () => {
    const { work, say } = await system({ rules: { quietGapMs: 100 } })
    const granted: boolean[] = []
    const first = await work(async (_, { commit, signal }) => {
      granted.push((await commit()).again)
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    })
    await say('one')
    await until(() => granted.length === 1, { what: 'the commit' })
    await first.stop({ timeoutMs: 100 })
    await work(async (_, { commit }) => void granted.push((await commit()).again))
    await until(() => granted.length === 2, { what: 'the second run' })
    expect(granted).to.deep.equal([false, true])
  })

  it('a stop ends a commit that waits, and the job is back in the queue', async () => {
    const { work, say, client, queue } = await system({ rules: { quietGapMs: 30_000 } })
    const rejected: string[] = []
    let begun = false
    const worker = await work(async (_, { commit }) => {
      begun = true
      await commit().catch(error => {
        rejected.push(error.message)
        throw error
      })
    })
    const batchId = await say('one')
    await until(() => begun, { what: 'the early start' })
    await worker.stop({ timeoutMs: 300 })
    expect(rejected).to.deep.equal(['the worker is stopping'])
    expect(await client.lrange(`bull:${queue}:wait`, 0, -1)).to.deep.equal([batchId])
  })

  it('a commit and the question before a run wait for Lull’s Redis while it is away', async () => {
    const server = await persistentRedis()
    const { work, say, client, queue } = await system({ redis: server.url, queueRedis: await testRedis() })
    const begun: string[] = []
    const granted: boolean[] = []
    const handle: CommittingHandle = async (batch, { commit }) => {
      begun.push(batch.batchId)
      granted.push((await commit()).again)
    }
    const worker = await work(handle)
    await say('one')
    await until(() => begun.length === 1, { what: 'the early start' })
    await server.stop()
    // A job that comes while Redis is away is asked about later: this one is known to nobody.
    const data = { ...JSON.parse((await client.hget(`bull:${queue}:${begun[0]}`, 'data')) ?? ''), batchId: 'unknown' }
    const { Queue } = await import('bullmq')
    const board = new Queue(queue, { connection: client })
    closing.push(() => board.close())
    await board.add('batch', data, { jobId: 'unknown' })
    await until(async () => (await client.lrange(`bull:${queue}:active`, 0, -1)).includes('unknown'), { what: 'a run' })
    expect(granted).to.deep.equal([])
    await server.restart()
    await until(() => granted.length === 1, { what: 'the commit' })
    await until(async () => (await client.hget(`bull:${queue}:unknown`, 'returnvalue')) !== null, { what: 'its end' })
    expect(granted).to.deep.equal([false])
    expect(begun).to.have.lengthOf(1)
    await worker.stop({ timeoutMs: 300 })
  })

  for (const answering of ['queue', 'supersede'] as const)
    it(`\`lull worker\` opens ${answering === 'queue' ? 'no connection' : 'two'} to Lull’s Redis for a queue elsewhere, in ${answering}`, async () => {
      const server = await privateRedis()
      closing.push(() => server.stop())
      const lifecycle = new Lifecycle(silent)
      closing.push(() => lifecycle.stop(1000))
      const config = readConfig({
        REDIS_URL: server.url,
        LULL_QUEUE_REDIS_URL: await testRedis(),
        LULL_QUEUE: uniquePrefix(),
        LULL_ANSWERING: answering,
      })
      await startWorker({ config, log: silent, lifecycle, metrics: new Metrics('0.0.0'), readiness: new Readiness() })
      const client = new Redis(server.url)
      closing.push(async () => client.disconnect())
      const connections = String(await client.client('LIST')).match(/ name=lull\.worker\./g) ?? []
      expect(connections).to.have.lengthOf(answering === 'queue' ? 0 : 2)
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
