/** Workers that die while they handle a batch, or are suspended for longer than its lock: real processes. */
import { expect } from 'chai'
import { Redis } from 'ioredis'
import { type Batch, composeBatch } from '../../src/batch.js'
import { bullmq } from '../../src/handover/bullmq.js'
import { silent } from '../../src/logger.js'
import { QueueWorker } from '../../src/worker/worker.js'
import { supportScript } from '../support/processes.js'
import { testRedis, uniquePrefix } from '../support/redis.js'
import { until } from '../support/wait.js'

const LOCK_MS = 400
const TRAFFIC_EVERY_MS = 100

const batch: Batch = composeBatch({
  batchId: 'b1',
  conversationId: 'c1',
  entries: [{ receivedAtMs: 1, message: { messageId: 'm1', type: 'text', text: 'hi' } }],
  firstAtMs: 1,
  lastAtMs: 1,
  dueAtMs: 2,
  releasedAtMs: 3,
  claimedAtMs: 3,
  releasedBy: 'gap',
})

describe('workers that die', function () {
  this.timeout(60_000)
  const releases: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const release of releases.splice(0).reverse()) await release()
  })

  async function queueWithOne() {
    const redis = await testRedis()
    const queue = uniquePrefix()
    const answers: string[] = []
    const handover = bullmq({ queue, redis, answerAttempts: 1 })
    releases.push(() => handover.stop())
    await handover.start(
      { log: silent, connectionName: 'lull.test.handover' },
      { onAnswered: (batchId, outcome) => void answers.push(`${batchId} ${outcome}`), onResumed() {} },
    )
    // A waiting worker polls for jobs that came back every 5 s; a new job wakes it at once.
    const client = new Redis(redis)
    const traffic = setInterval(() => void client.zadd(`bull:${queue}:marker`, 0, '0'), TRAFFIC_EVERY_MS)
    releases.push(async () => {
      clearInterval(traffic)
      await client.quit()
    })
    const mortal = async () => {
      const worker = await supportScript('mortal-worker.mjs', {
        REDIS_URL: redis,
        QUEUE: queue,
        LOCK_MS: String(LOCK_MS),
      })
      releases.push(() => worker.stop())
      return worker
    }
    /** Starts a worker that handles batches; returns the texts that it got. */
    const able = async () => {
      const got: string[] = []
      const worker = new QueueWorker({
        redis,
        queue,
        name: 'lull.test.worker',
        lockMs: LOCK_MS,
        handle: ({ text }) => void got.push(text),
      })
      releases.push(() => worker.stop({ timeoutMs: 500 }))
      await worker.start()
      return got
    }
    const outcomes = await handover.handOver([
      { batch, attempt: 1, signal: new AbortController().signal, commit: async () => ({ again: false }) },
    ])
    expect(outcomes).to.deep.equal([{ result: 'taken' }])
    return { answers, mortal, able }
  }

  it('a batch that three workers died on is finished by the fourth, and answered once', async () => {
    const { answers, mortal, able } = await queueWithOne()
    for (let life = 0; life < 3; life++) {
      const worker = await mortal()
      await worker.line(/STARTED b1/)
      await worker.kill()
    }
    const got = await able()
    await until(() => answers.length > 0)
    expect(got).to.deep.equal(['hi'])
    expect(answers).to.deep.equal(['b1 completed'])
  })

  it('a batch whose worker was suspended past its lock is finished by another, and the first handler is aborted without effect', async () => {
    const { answers, mortal, able } = await queueWithOne()
    const sleeper = await mortal()
    await sleeper.line(/STARTED b1/)
    sleeper.send('SIGSTOP')
    const got = await able()
    await until(() => answers.length > 0)
    sleeper.send('SIGCONT')
    await sleeper.line(/ABORTED b1: .*lock/)
    await sleeper.stop()
    expect(got).to.deep.equal(['hi'])
    expect(answers).to.deep.equal(['b1 completed'])
  })
})
