/** The handover to BullMQ on a real Redis: any BullMQ worker takes the jobs, and an outage costs no attempt. */
import { expect } from 'chai'
import { Redis } from 'ioredis'
import type { Batch } from '../../src/batch.js'
import { bullmq } from '../../src/handover/bullmq.js'
import type { Handover, HandoverEvents } from '../../src/handover/handover.js'
import { type Logger, silent } from '../../src/logger.js'
import { privateRedis, testRedis, uniquePrefix } from '../support/redis.js'
import { until } from '../support/wait.js'

const batchOf = (batchId: string): Batch => ({
  version: 1,
  batchId,
  conversationId: 'c1',
  chatId: 'c1',
  isGroup: false,
  provider: 'generic',
  messages: [{ messageId: 'm1', type: 'text', text: 'hi', receivedAtMs: 1 }],
  text: 'hi',
  firstAtMs: 1,
  lastAtMs: 1,
  dueAtMs: 2,
  releasedAtMs: 3,
  releasedBy: 'gap',
})

const itemOf = (batchId: string, attempt = 1) => ({
  batch: batchOf(batchId),
  attempt,
  signal: new AbortController().signal,
  commit: async () => ({ again: false }),
})

type Processor = (job: { id?: string | undefined; data: unknown; attemptsMade: number }) => Promise<unknown>
type StartWorker = (processor: Processor) => Promise<{ close(): Promise<void> }>

describe('handover to BullMQ', () => {
  const releases: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const release of releases.splice(0).reverse()) await release()
  })

  async function started({ redis, log = silent }: { redis?: string; log?: Logger } = {}) {
    const url = redis ?? (await testRedis())
    const queue = uniquePrefix()
    const answers: string[] = []
    let resumed = 0
    const events: HandoverEvents = {
      onAnswered: (batchId, outcome) => answers.push(`${batchId} ${outcome}`),
      onResumed: () => {
        resumed++
      },
    }
    const handover = bullmq({ queue, redis: url, answerAttempts: 2 })
    releases.push(() => handover.stop())
    await handover.start({ log, connectionName: 'lull.test.handover' }, events)
    const { hostname: host, port } = new URL(url)
    const connection = { host, port: Number(port), maxRetriesPerRequest: null }
    const client = new Redis(url)
    client.on('error', () => {})
    releases.push(async () => client.disconnect())
    const start = async <W extends { close(): Promise<void>; waitUntilReady(): Promise<unknown>; on: unknown }>(
      w: W,
    ) => {
      releases.push(() => w.close())
      await w.waitUntilReady()
      return w
    }
    const workers: Record<4 | 5 | 6, StartWorker> = {
      4: async processor => {
        const { Worker } = await import('bullmq4')
        const worker = new Worker(queue, processor, { connection })
        worker.on('error', () => {})
        return start(worker)
      },
      5: async processor => {
        const { Worker } = await import('bullmq5')
        const worker = new Worker(queue, processor, { connection })
        worker.on('error', () => {})
        return start(worker)
      },
      6: async processor => {
        const { Worker } = await import('bullmq')
        const worker = new Worker(queue, processor, { connection })
        worker.on('error', () => {})
        return start(worker)
      },
    }
    return { url, queue, handover, answers, client, workers, resumed: () => resumed }
  }

  const stateOf = async (handover: Handover, id: string) => (await handover.states?.([id]))?.[0]

  for (const version of [4, 5, 6] as const) {
    it(`a plain worker of BullMQ ${version} gets the batch, and its answer is noticed`, async () => {
      const { handover, workers, answers } = await started()
      const received: unknown[] = []
      await workers[version](async job => {
        received.push(job.data)
      })
      expect(await handover.handOver([itemOf('b1')])).to.deep.equal([{ result: 'taken' }])
      await until(() => answers.includes('b1 completed'))
      expect(received).to.deep.equal([batchOf('b1')])
    })

    it(`a job that fails in a worker of BullMQ ${version} is retried, and answered once, as failed`, async () => {
      const { handover, workers, answers } = await started()
      let calls = 0
      await workers[version](async () => {
        calls++
        throw new Error('no')
      })
      await handover.handOver([itemOf('b1')])
      await until(() => calls === 1)
      await until(async () => (await stateOf(handover, 'b1'))?.state === 'waiting')
      expect(answers).to.deep.equal([])
      await until(() => answers.length > 0)
      expect(calls).to.equal(2)
      expect(answers).to.deep.equal(['b1 failed'])
    })

    it(`a job that a worker of BullMQ ${version} has skipped is no answer, and is given to a worker again`, async () => {
      const { handover, workers, answers } = await started()
      let calls = 0
      await workers[version](async () => {
        calls++
        return calls === 1 ? { superseded: true } : undefined
      })
      await handover.handOver([itemOf('b1')])
      await until(async () => (await stateOf(handover, 'b1'))?.state === 'skipped')
      await handover.repeat?.(['b1'])
      await until(() => answers.length > 0)
      expect(answers).to.deep.equal(['b1 completed'])
      expect(calls).to.equal(2)
      // Its job is not skipped any more, or gone: nothing happens.
      await handover.repeat?.(['b1', 'gone'])
      expect(await handover.states?.(['b1', 'gone'])).to.deep.equal([
        { state: 'ended', outcome: 'completed' },
        { state: 'ended', outcome: 'removed' },
      ])
      expect(calls).to.equal(2)
    })

    it(`states tell waiting, active, stalled and ended jobs of a worker of BullMQ ${version} apart, and each new attempt`, async () => {
      const { handover, workers, client, queue } = await started()
      await handover.handOver([itemOf('b1')])
      expect(await stateOf(handover, 'b1')).to.deep.equal({ state: 'waiting' })
      const ends: ((how: 'well' | 'badly') => void)[] = []
      await workers[version](
        () =>
          new Promise((resolve, reject) => {
            ends.push(how => (how === 'well' ? resolve(undefined) : reject(new Error('no'))))
          }),
      )
      await until(() => ends.length === 1)
      const first = await stateOf(handover, 'b1')
      expect(first?.state).to.equal('active')
      // As when its worker is killed: nobody renews the lock.
      const lock = `bull:${queue}:b1:lock`
      const token = String(await client.getdel(lock))
      expect(await stateOf(handover, 'b1')).to.deep.equal({ state: 'stalled' })
      await client.set(lock, token, 'PX', 30_000)
      ends[0]?.('badly')
      await until(() => ends.length === 2)
      const second = await stateOf(handover, 'b1')
      expect(second?.state).to.equal('active')
      expect(second).to.not.deep.equal(first)
      ends[1]?.('well')
      await until(async () => (await stateOf(handover, 'b1'))?.state === 'ended')
      expect(await handover.states?.(['b1', 'gone'])).to.deep.equal([
        { state: 'ended', outcome: 'completed' },
        { state: 'ended', outcome: 'removed' },
      ])
      expect(await client.hget(`bull:${queue}:b1`, 'name')).to.equal('batch')
    })
  }

  it('a batch handed over again makes no second job while the queue knows it', async () => {
    const { handover, workers, answers, client, queue } = await started()
    await handover.handOver([itemOf('b1'), itemOf('b2')])
    expect(await handover.handOver([itemOf('b1'), itemOf('b3')])).to.deep.equal([
      { result: 'taken' },
      { result: 'taken' },
    ])
    expect(await client.llen(`bull:${queue}:wait`)).to.equal(3)
    const received: string[] = []
    await workers[6](async job => {
      received.push(job.id ?? '')
    })
    await until(() => answers.length === 3)
    expect(received.toSorted()).to.deep.equal(['b1', 'b2', 'b3'])
  })

  it('a batch handed over again after its answer is answered at once', async () => {
    const { handover, workers, answers } = await started()
    await workers[6](async () => {})
    await handover.handOver([itemOf('b1')])
    await until(() => answers.length === 1)
    expect(await handover.handOver([itemOf('b1', 2)])).to.deep.equal([{ result: 'answered', outcome: 'completed' }])
  })

  it('a removed job is answered as removed', async () => {
    const { handover, answers, queue, url } = await started()
    await handover.handOver([itemOf('b1')])
    const { Queue } = await import('bullmq')
    const { hostname: host, port } = new URL(url)
    const other = new Queue(queue, { connection: { host, port: Number(port) } })
    releases.push(() => other.close())
    await other.remove('b1')
    await until(() => answers.includes('b1 removed'))
  })

  it('a batch that BullMQ refuses costs no other batch an attempt', async () => {
    const { handover, client, queue } = await started()
    const outcomes = await handover.handOver([itemOf('b1'), itemOf('17'), itemOf('b2')])
    expect(outcomes.map(({ result }) => result)).to.deep.equal(['taken', 'failed', 'taken'])
    expect(outcomes[1]).to.include({ counts: true })
    expect(await client.llen(`bull:${queue}:wait`)).to.equal(2)
  })

  it('finished jobs are kept by age only', async () => {
    const { handover, client, queue } = await started()
    await handover.handOver([itemOf('b1')])
    const options = JSON.parse((await client.hget(`bull:${queue}:b1`, 'opts')) ?? '')
    expect(options.removeOnComplete).to.deep.equal({ age: 86_400 })
    expect(options.removeOnFail).to.deep.equal({ age: 86_400 })
    expect(options.attempts).to.equal(2)
  })

  it('every connection has the processor’s name', async () => {
    const { client } = await started()
    const named = String(await client.client('LIST')).match(/ name=lull\.test\.handover /g)
    expect(named).to.have.length(2)
  })

  it('an outage of the queue costs no attempt and is logged once, and answers during it are noticed afterwards', async () => {
    const server = await privateRedis({ args: ['--appendonly', 'no'] })
    releases.push(() => server.stop())
    const lines: string[] = []
    const write = (level: string) => (_: object, message: string) => lines.push(`${level} ${message}`)
    const log = { debug() {}, info: write('info'), warn: write('warn'), error: write('error') }
    const { handover, resumed } = await started({ redis: server.url, log })
    await server.stop()
    await until(async () => (await handover.handOver([itemOf('b0')]))[0]?.result === 'failed')
    for (let i = 0; i < 5; i++) {
      const [outcome] = await handover.handOver([itemOf(`b${i}`)])
      expect(outcome).to.include({ result: 'failed', counts: false })
    }
    await until(() => lines.length > 0)
    expect(lines).to.have.length(1)
    expect(lines[0]).to.match(/^error Redis of queue .* is away/)
    expect(resumed()).to.equal(0)
    await server.restart()
    await until(() => resumed() > 0)
    expect(lines).to.have.length(2)
    expect(lines[1]).to.match(/^info Redis of queue .* is back after/)
    expect(await handover.handOver([itemOf('b1')])).to.deep.equal([{ result: 'taken' }])
  })

  it('a full Redis costs no attempt', async () => {
    const server = await privateRedis({ args: ['--maxmemory', '1', '--maxmemory-policy', 'noeviction'] })
    releases.push(() => server.stop())
    const { handover } = await started({ redis: server.url })
    const [outcome] = await handover.handOver([itemOf('b1')])
    expect(outcome).to.include({ result: 'failed', counts: false })
    if (outcome?.result === 'failed') expect(outcome.error.message).to.match(/free memory or raise maxmemory/)
  })

  it('answers are noticed that come while the event stream’s connection is cut', async () => {
    const { handover, workers, answers, client, resumed } = await started()
    await workers[6](async () => {})
    await handover.handOver([itemOf('b1')])
    await until(() => answers.length === 1)
    const list = String(await client.client('LIST')).split('\n')
    for (const line of list.filter(one => one.includes('name=lull.test.handover ') && one.includes('cmd=xread')))
      await client.client('KILL', 'ID', /id=(\d+)/.exec(line)?.[1] ?? '')
    await handover.handOver([itemOf('b2'), itemOf('b3')])
    await until(() => answers.length === 3)
    await until(() => resumed() === 1)
    expect(answers.toSorted()).to.deep.equal(['b1 completed', 'b2 completed', 'b3 completed'])
  })

  it('events without a job, or unreadable ones, do not end the reading', async () => {
    const { handover, workers, answers, client, queue } = await started()
    await client.xadd(`bull:${queue}:events`, '*', 'event', 'completed', 'jobId', 'x', 'returnvalue', 'no json')
    await client.xadd(`bull:${queue}:events`, '*', 'event', 'completed')
    await client.xadd(`bull:${queue}:events`, '*', 'odd', 'event')
    await workers[6](async () => {})
    await handover.handOver([itemOf('b1')])
    await until(() => answers.includes('b1 completed'))
  })

  it('a start without its Redis fails with one line, and can be repeated', async () => {
    const server = await privateRedis()
    await server.stop()
    const handover = bullmq({ queue: 'q', redis: server.url })
    const events: HandoverEvents = { onAnswered() {}, onResumed() {} }
    const context = { log: silent, connectionName: 'lull.test' }
    const error = await handover.start(context, events).then(
      () => undefined,
      reason => reason,
    )
    expect(error).to.be.instanceOf(Error)
    expect(error.message).to.match(/can not be reached \(ECONNREFUSED\)$/)
    await server.restart()
    releases.push(() => server.stop())
    await handover.start(context, events)
    await handover.stop()
  })

  it('a stop works twice, before the start, and in an outage', async () => {
    const never = bullmq({ queue: 'q', redis: 'redis://127.0.0.1:1' })
    await never.stop()
    const server = await privateRedis()
    const { handover } = await started({ redis: server.url })
    await server.stop()
    await Promise.all([handover.stop(), handover.stop()])
    await handover.stop()
  })
})
