/** What a job keeps after its answer: its id, not what people wrote. */
import { expect } from 'chai'
import { Redis } from 'ioredis'
import { bullmq } from '../../src/handover/bullmq.js'
import type { HandoverEvents } from '../../src/handover/handover.js'
import { silent } from '../../src/logger.js'
import { batchFrom } from '../../src/worker/batch-job.js'
import { monitor } from '../support/monitor.js'
import { idsIn, itemOf, shardedQueue } from '../support/queue-shards.js'
import { privateRedis, testRedis, uniquePrefix } from '../support/redis.js'
import { until } from '../support/wait.js'

type Processor = (job: { id?: string | undefined; data: unknown; attemptsMade: number }) => Promise<unknown>

/** What `itemOf` writes. */
const TEXT = '"hi"'
const ERASED = '{"messages":1,"texts":"erased"}'

describe('texts of answered jobs', () => {
  const releases: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const release of releases.splice(0).reverse()) await release()
  })

  async function queueOn(url: string, jobTexts?: 'keep') {
    const queue = uniquePrefix()
    const answers: string[] = []
    const events: HandoverEvents = {
      onAnswered: (batchId, outcome) => void answers.push(`${batchId} ${outcome}`),
      onResumed() {},
    }
    const start = async () => {
      const handover = bullmq({ queue, redis: url, answerAttempts: 1, ...(jobTexts && { jobTexts }) })
      releases.push(() => handover.stop())
      await handover.start({ log: silent, connectionName: 'lull.test.handover' }, events)
      return handover
    }
    const { hostname: host, port } = new URL(url)
    const connection = { host, port: Number(port), maxRetriesPerRequest: null }
    const work = async (processor: Processor, version: 4 | 5 | 6 = 6) => {
      const { Worker } = await import(version === 6 ? 'bullmq' : `bullmq${version}`)
      const worker = new Worker(queue, processor, { connection })
      worker.on('error', () => {})
      releases.push(() => worker.close())
      return worker as { close(): Promise<void> }
    }
    const client = new Redis(url)
    releases.push(async () => client.disconnect())
    const { Queue } = await import('bullmq')
    const jobs = new Queue(queue, { connection })
    releases.push(() => jobs.close())
    const job = (id: string) => client.hgetall(`bull:${queue}:${id}`)
    const isErased = async (id: string) => (await job(id))['data'] === ERASED
    return { queue, answers, start, work, client, jobs, job, isErased }
  }

  const started = async (jobTexts?: 'keep') => {
    const opened = await queueOn(await testRedis(), jobTexts)
    return { ...opened, handover: await opened.start() }
  }

  for (const version of [4, 5, 6] as const)
    it(`a job that a plain worker of BullMQ ${version} has completed holds no text, and its id still makes a repeated handover harmless`, async () => {
      const { handover, work, job, jobs, client, queue, answers } = await started()
      let calls = 0
      await work(async () => {
        calls++
        return 'an order'
      }, version)
      await handover.handOver([itemOf('b1')])
      await until(async () => !JSON.stringify(await job('b1')).includes('hi'))
      const left = await job('b1')
      expect(left['data']).to.equal(ERASED)
      expect(left).to.not.have.any.keys('opts', 'stacktrace', 'failedReason')
      expect(await client.object('ENCODING', `bull:${queue}:b1`)).to.equal('listpack')
      const read = await jobs.getJob('b1')
      expect(read?.returnvalue).to.equal('an order')
      expect(read?.finishedOn).to.be.a('number')
      expect(await read?.getState()).to.equal('completed')
      expect(await handover.handOver([{ ...itemOf('b1'), attempt: 2 }])).to.deep.equal([
        { result: 'answered', outcome: 'completed' },
      ])
      expect(answers).to.deep.equal(['b1 completed'])
      expect(calls).to.equal(1)
    })

  it('a job keeps its texts if asked for', async () => {
    const { handover, work, job, answers } = await started('keep')
    await work(async () => {})
    await handover.handOver([itemOf('b1')])
    await until(() => answers.length > 0)
    // A stop erases what is left to erase.
    await handover.stop()
    expect((await job('b1'))['data']).to.include(TEXT)
  })

  it('a failed job keeps its texts, can be tried again by hand, and loses them when it is completed', async () => {
    const { handover, work, job, jobs, answers, isErased } = await started()
    const received: unknown[] = []
    await work(async ({ data }) => {
      received.push(data)
      if (received.length === 1) throw new Error('no')
    })
    await handover.handOver([itemOf('b1')])
    await until(() => answers.includes('b1 failed'))
    expect((await job('b1'))['data']).to.include(TEXT)
    await (await jobs.getJob('b1'))?.retry()
    await until(() => isErased('b1'))
    expect(received[1]).to.deep.equal(received[0])
    expect((await job('b1'))['stacktrace']).to.equal(undefined)
  })

  it('a job that its worker skipped keeps its texts until the batch is superseded', async () => {
    const { handover, work, job, isErased } = await started()
    await work(async () => ({ superseded: true }))
    await handover.handOver([itemOf('b1'), itemOf('b2')])
    const states = async () => (await handover.states?.(['b1', 'b2']))?.map(state => state?.state)
    await until(async () => (await states())?.join() === 'skipped,skipped')
    await handover.withdraw?.(['b1'])
    await until(() => isErased('b1'))
    expect((await job('b2'))['data']).to.include(TEXT)
  })

  it('a job that is superseded while a worker has it loses its texts when the worker skips it', async () => {
    const { handover, work, isErased } = await started()
    let skip = () => {}
    await work(() => new Promise(resolve => (skip = () => resolve({ superseded: true }))))
    await handover.handOver([itemOf('b1')])
    await until(async () => (await handover.states?.(['b1']))?.[0]?.state === 'active')
    expect(await handover.withdraw?.(['b1'])).to.deep.equal([])
    skip()
    await until(() => isErased('b1'))
  })

  it('a job that was put back into the queue keeps its texts', async () => {
    const { handover, work, job, jobs, answers } = await started()
    const worker = await work(async () => {})
    await handover.handOver([itemOf('b1'), itemOf('b2')])
    await until(() => answers.length === 2)
    await worker.close()
    await (await jobs.getJob('b1'))?.retry('completed')
    await handover.stop()
    expect((await job('b1'))['data']).to.include(TEXT)
    expect((await job('b2'))['data']).to.equal(ERASED)
  })

  it('texts of jobs that were completed while no processor ran are erased at the next start', async () => {
    const { start, handover, work, isErased, job, client, queue } = await started()
    await handover.handOver([itemOf('b1'), itemOf('b2')])
    await handover.stop()
    await work(async () => {})
    await until(async () => (await client.zcard(`bull:${queue}:completed`)) === 2)
    expect((await job('b1'))['data']).to.include(TEXT)
    await start()
    await until(async () => (await isErased('b1')) && (await isErased('b2')))
  })

  it('jobs of other programs keep their data', async () => {
    const { handover, work, jobs, job, answers, isErased } = await started()
    await work(async () => {})
    const data = { version: 1, text: 'hi' }
    await jobs.add('other', data, { jobId: 'foreign' })
    await handover.handOver([itemOf('b1')])
    await until(() => answers.length === 2)
    await until(() => isErased('b1'))
    await handover.stop()
    expect(JSON.parse((await job('foreign'))['data'] ?? '')).to.deep.equal(data)
  })

  it('many jobs are erased in one call', async () => {
    const server = await privateRedis()
    releases.push(() => server.stop())
    const { start, work, isErased } = await queueOn(server.url)
    const handover = await start()
    await work(async () => {})
    const watching = await monitor(server.url)
    const ids = Array.from({ length: 50 }, (_, i) => `b${i}`)
    await handover.handOver(ids.map(id => itemOf(id)))
    await until(async () => (await Promise.all(ids.map(isErased))).every(Boolean))
    await watching.stop()
    // The first answer begins a second, and the last may come after it.
    const calls = watching.lines.filter(
      line => line.includes('"eval"') && line.includes(':completed"') && line.includes('erased'),
    )
    expect(calls).to.have.lengthOf.within(1, 5)
  })

  it('texts are erased in every shard', async () => {
    const url = await testRedis()
    const { work, handover, queue } = await shardedQueue({ redis: url, shards: 2, releases })
    await work(async () => {})
    const [first = '', second = ''] = idsIn(0, 1)
    await handover.handOver([itemOf(first), itemOf(second)])
    const client = new Redis(url)
    releases.push(async () => client.disconnect())
    const data = () =>
      Promise.all([
        client.hget(`{bull/0}:${queue}:${first}`, 'data'),
        client.hget(`{bull/1}:${queue}:${second}`, 'data'),
      ])
    await until(async () => (await data()).every(one => one === ERASED))
  })

  it('a worker that gets an erased job says why it cannot be tried again', () => {
    const job = { id: 'b1', name: 'batch', data: JSON.parse(ERASED) }
    expect(() => batchFrom(job)).to.throw(TypeError, 'job b1 cannot be tried again: it was completed')
  })
})
