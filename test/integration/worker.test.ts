/** The reference worker on a real Redis: how jobs end, also in a stop and in an outage. */
import { expect } from 'chai'
import { Redis } from 'ioredis'
import { composeBatch } from '../../src/batch.js'
import { bullmq } from '../../src/handover/bullmq.js'
import type { Handle } from '../../src/handover/function.js'
import { silent } from '../../src/logger.js'
import { QueueWorker, type QueueWorkerOptions } from '../../src/worker/worker.js'
import { privateRedis, testRedis, uniquePrefix } from '../support/redis.js'
import { until } from '../support/wait.js'

const batchOf = (batchId: string) =>
  composeBatch({
    batchId,
    conversationId: 'c1',
    entries: [{ receivedAtMs: 1, message: { messageId: 'm1', type: 'text', text: 'hi' } }],
    firstAtMs: 1,
    lastAtMs: 1,
    dueAtMs: 2,
    releasedAtMs: 3,
    claimedAtMs: 3,
    releasedBy: 'gap',
  })

const itemOf = (batchId: string) => ({
  batch: batchOf(batchId),
  attempt: 1,
  signal: new AbortController().signal,
  commit: async () => ({ again: false }),
})

describe('worker', () => {
  const releases: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const release of releases.splice(0).reverse()) await release()
  })

  async function queueOn(redis?: string) {
    const url = redis ?? (await testRedis())
    const queue = uniquePrefix()
    const answers: string[] = []
    const handover = bullmq({ queue, redis: url, answerAttempts: 3 })
    releases.push(() => handover.stop())
    const onAnswered = (batchId: string, outcome: string) => void answers.push(`${batchId} ${outcome}`)
    await handover.start({ log: silent, connectionName: 'lull.test.handover' }, { onAnswered, onResumed() {} })
    const client = new Redis(url)
    client.on('error', () => {})
    releases.push(async () => client.disconnect())
    const work = async (handle: Handle, options: Partial<QueueWorkerOptions> = {}) => {
      const worker = new QueueWorker({ redis: url, queue, handle, name: 'lull.test.worker', ...options })
      releases.push(() => worker.stop({ timeoutMs: 500 }))
      await worker.start()
      return worker
    }
    const handOver = async (...ids: string[]) => {
      expect(await handover.handOver(ids.map(itemOf))).to.deep.equal(ids.map(() => ({ result: 'taken' })))
    }
    const waiting = () => client.lrange(`bull:${queue}:wait`, 0, -1)
    return { url, queue, answers, handover, handOver, client, work, waiting }
  }

  const obedient: Handle = (_, { signal }) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))

  it('a batch is handled once, and answered when the handler resolves', async () => {
    const { work, handOver, answers } = await queueOn()
    const received: unknown[] = []
    await work(async (batch, { attempt }) => {
      received.push(batch, attempt)
      // A handler may resolve to a value that is not JSON.
      return 1n
    })
    await handOver('b1')
    await until(() => answers.length > 0)
    expect(answers).to.deep.equal(['b1 completed'])
    expect(received).to.deep.equal([batchOf('b1'), 1])
  })

  it('a handler that rejects is called again as the next attempt, and the log names batch and conversation', async () => {
    const { work, handOver, answers } = await queueOn()
    const attempts: number[] = []
    const logged: object[] = []
    const keep = (fields: object, message: string) => void logged.push({ ...fields, message })
    const handle: Handle = async (_, { attempt }) => {
      attempts.push(attempt)
      if (attempt === 1) throw 'not an Error'
    }
    await work(handle, { log: { debug() {}, info: keep, warn: keep, error: keep } })
    await handOver('b1')
    await until(() => answers.length > 0)
    const { conversationId } = batchOf('b1')
    expect(logged[0]).to.include({ batchId: 'b1', conversationId, attempt: 1, error: 'not an Error' })
    expect(logged[1]).to.include({ batchId: 'b1', conversationId, attempt: 2, message: 'the handler is done' })
    expect(logged).to.have.lengthOf(2)
    expect(attempts).to.deep.equal([1, 2])
    expect(answers).to.deep.equal(['b1 completed'])
  })

  it('another program’s job in the queue fails with a clear error, and affects no batch', async () => {
    const { work, handOver, answers, queue, url, client } = await queueOn()
    const { Queue } = await import('bullmq')
    const { hostname: host, port } = new URL(url)
    const foreign = new Queue(queue, { connection: { host, port: Number(port) } })
    releases.push(() => foreign.close())
    await foreign.add('mail', { to: 'somebody' }, { jobId: 'foreign', attempts: 5 })
    await work(async () => {})
    await handOver('b1')
    await until(() => answers.length === 2)
    expect(answers.toSorted()).to.deep.equal(['b1 completed', 'foreign failed'])
    expect(await client.hget(`bull:${queue}:foreign`, 'failedReason')).to.match(/is no batch of version 1.*LULL_QUEUE/)
  })

  it('a handler past the answer timeout is aborted, and its job fails for good', async () => {
    const { work, handOver, answers } = await queueOn()
    let calls = 0
    await work(
      (...args) => {
        calls++
        return args[0].batchId === 'b1' ? obedient(...args) : new Promise(() => {})
      },
      { answerTimeoutMs: 200 },
    )
    await handOver('b1', 'b2')
    await until(() => answers.length === 2)
    expect(answers.toSorted()).to.deep.equal(['b1 failed', 'b2 failed'])
    expect(calls).to.equal(2)
  })

  it('a handler whose job lost its lock is aborted', async () => {
    const { work, handOver, client, queue } = await queueOn()
    const aborted: string[] = []
    let calls = 0
    await work(
      async (_, { signal }) => {
        if (++calls > 1) return
        await new Promise<void>(resolve => signal.addEventListener('abort', () => resolve()))
        aborted.push(String(signal.reason.message))
      },
      { lockMs: 400 },
    )
    await handOver('b1')
    await until(() => calls === 1)
    await client.set(`bull:${queue}:b1:lock`, 'somebody else')
    await until(() => aborted.length === 1)
    expect(aborted[0]).to.match(/lock was lost/)
  })

  it('a job survives more than one stall', async () => {
    const { handOver, client, queue, work, answers } = await queueOn()
    await handOver('b1')
    await client.hset(`bull:${queue}:b1`, 'stc', 5)
    // The state that a killed worker leaves: active, without a lock, and marked by an earlier check.
    await client.lmove(`bull:${queue}:wait`, `bull:${queue}:active`, 'RIGHT', 'LEFT')
    await client.sadd(`bull:${queue}:stalled`, 'b1')
    await work(async () => {})
    await until(() => answers.length > 0)
    expect(answers).to.deep.equal(['b1 completed'])
  })

  it('a stop under load lets running handlers end, takes no more jobs, and loses nothing', async () => {
    const { work, handOver, answers, waiting } = await queueOn()
    const ids = Array.from({ length: 200 }, (_, i) => `b${i}`)
    const ended: string[] = []
    const handle: Handle = async batch => {
      await new Promise(resolve => setTimeout(resolve, 20))
      ended.push(batch.batchId)
    }
    const worker = await work(handle, { concurrency: 8 })
    await handOver(...ids.slice(0, 100))
    await handOver(...ids.slice(100))
    await until(() => ended.length >= 16)
    await Promise.all([worker.stop({ timeoutMs: 5000 }), worker.stop()])
    const before = ended.length
    expect(before).to.be.lessThan(200)
    expect(await waiting()).to.have.length(200 - before)
    await work(handle, { concurrency: 50 })
    await until(() => answers.length === 200)
    expect(ended.toSorted()).to.deep.equal(ids.toSorted())
    expect(answers.toSorted()).to.deep.equal(ids.map(id => `${id} completed`).toSorted())
  })

  for (const [what, handle] of [
    ['obeys', obedient],
    ['ignores', () => new Promise(() => {})],
  ] as [string, Handle][])
    it(`a job whose handler ${what} its signal is back in the queue when the stop has run out of time`, async () => {
      const { work, handOver, waiting, answers, client, queue } = await queueOn()
      let called = false
      const worker = await work((...args) => {
        called = true
        return handle(...args)
      })
      await handOver('b1')
      await until(() => called)
      await worker.stop({ timeoutMs: 300 })
      expect(await waiting()).to.deep.equal(['b1'])
      expect(await client.hget(`bull:${queue}:b1`, 'atm')).to.equal(null)
      await work(async () => {})
      await until(() => answers.length > 0)
      expect(answers).to.deep.equal(['b1 completed'])
    })

  it('a job that ends while Redis is away is answered when Redis is back', async () => {
    const server = await privateRedis({
      args: ['--appendonly', 'yes', '--appendfsync', 'always', '--dir', await temporary()],
    })
    releases.push(() => server.stop())
    const lines: string[] = []
    const write = (level: string) => (_: object, message: string) => {
      if (message.startsWith('Redis')) lines.push(`${level} ${message}`)
    }
    const log = { debug() {}, info: write('info'), warn: write('warn'), error: write('error') }
    const { work, handOver, answers } = await queueOn(server.url)
    let finish = () => {}
    let calls = 0
    const worker = await work(
      () => {
        calls++
        return new Promise<void>(resolve => {
          finish = resolve
        })
      },
      { log },
    )
    await handOver('b1')
    await until(() => calls === 1)
    await worker.ready()
    await server.stop()
    await until(async () =>
      worker.ready().then(
        () => false,
        () => true,
      ),
    )
    finish()
    await until(() => lines.length > 0)
    await server.restart()
    await until(() => answers.length > 0)
    await until(() => lines.length > 1)
    expect(answers).to.deep.equal(['b1 completed'])
    expect(calls).to.equal(1)
    expect(lines).to.have.length(2)
    expect(lines[0]).to.match(/^error Redis of queue .* is away/)
    expect(lines[1]).to.match(/^info Redis of queue .* is back after/)
  })

  it('a stop ends within its bound while Redis is away', async () => {
    const server = await privateRedis()
    releases.push(() => server.stop())
    const { work, handOver } = await queueOn(server.url)
    let calls = 0
    const worker = await work((...args) => {
      calls++
      return obedient(...args)
    })
    await handOver('b1')
    await until(() => calls === 1)
    await server.stop()
    const startedAtMs = performance.now()
    await worker.stop({ timeoutMs: 200 })
    // Far below the bound of closing, which must not be added to it.
    expect(performance.now() - startedAtMs).to.be.below(2000)
  })

  it('a start without its Redis fails with one line', async () => {
    const server = await privateRedis()
    await server.stop()
    const worker = new QueueWorker({ redis: server.url, handle: async () => {} })
    const error = await worker.start().then(
      () => expect.fail('started'),
      reason => reason,
    )
    expect(error.message).to.match(/can not be reached \(ECONNREFUSED\)$/)
    await worker.stop()
  })

  it('a stop works before the start', async () => {
    const worker = new QueueWorker({ redis: 'redis://127.0.0.1:1', handle: async () => {} })
    await worker.stop()
    await worker.stop()
  })

  it('every connection names itself', async () => {
    const { work, client } = await queueOn()
    await work(async () => {})
    expect(String(await client.client('LIST')).match(/ name=lull\.test\.worker /g)).to.have.length(2)
  })

  async function temporary() {
    const { mkdtemp, rm } = await import('node:fs/promises')
    const directory = await mkdtemp(`${(await import('node:os')).tmpdir()}/lull-worker-`)
    releases.push(() => rm(directory, { recursive: true, force: true }))
    return directory
  }
})
