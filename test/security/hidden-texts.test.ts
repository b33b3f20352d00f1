/** What a worker writes about a job may quote the person: LULL_SHOW_TEXTS=off hides it, and `lull forget` erases it. */
import { UnrecoverableError, Worker } from 'bullmq'
import { expect } from 'chai'
import { Redis } from 'ioredis'
import { Batcher } from '../../src/batcher.js'
import { RedisStore } from '../../src/store/redis/store.js'
import { type LullProcess, lull } from '../support/processes.js'
import { testRedis, uniquePrefix } from '../support/redis.js'
import { until } from '../support/wait.js'

const SECRET = 'Privet'
const TEXT = `my address is 4 ${SECRET} Drive`

describe('texts that a worker quotes', function () {
  this.timeout(60_000)
  let running: LullProcess[]
  let env: Record<string, string>
  let redis: Redis
  let batcher: Batcher
  let worker: Worker
  let queue: string
  let url: string

  beforeEach(async () => {
    running = []
    const prefix = uniquePrefix()
    const address = await testRedis()
    queue = `queue-${prefix}`
    env = { REDIS_URL: address, LULL_PREFIX: prefix, LULL_QUEUE: queue, LULL_API_TOKEN: 'a-token', PORT: '0' }
    redis = new Redis(address, { maxRetriesPerRequest: null })
    batcher = new Batcher({ redis: address, prefix, quietGapMs: 50 })
    worker = new Worker(
      queue,
      async job => {
        await job.log(job.data.text)
        await job.updateProgress({ at: job.data.text })
        if (job.data.conversationId === 'fails') throw new UnrecoverableError(`cannot parse half of it: ${SECRET}`)
        return { answer: job.data.text }
      },
      { connection: redis },
    )
    await start('processor')
    const api = await start('api')
    url = /http:\/\/127\.0\.0\.1:\d+/.exec(await api.line(/api listens on/))?.[0] ?? ''
    for (const id of ['fails', 'works']) await batcher.append(id, { messageId: id, text: TEXT })
    await until(async () => (await steps()).filter(({ step }) => step === 'answered').length === 2)
  })

  afterEach(async () => {
    await worker.close()
    for (const command of running) await command.kill()
    await batcher.close()
    redis.disconnect()
  })

  const steps = () => batcher.history({ limit: 100 })
  const start = async (...args: string[]) => {
    const command = await lull(args, { LULL_SHOW_TEXTS: 'off', ...env })
    running.push(command)
    return command
  }
  const get = async (path: string) => {
    const response = await fetch(url + path, { headers: { authorization: 'Bearer a-token' } })
    expect(response.status, path).to.equal(200)
    return response.text()
  }

  it('are hidden in everything that the board shows of a job', async () => {
    const ids = new Map((await steps()).map(({ conversationId, batchId }) => [conversationId, batchId]))
    for (const [conversation, state] of [
      ['fails', 'failed'],
      ['works', 'completed'],
    ] as const) {
      const id = ids.get(conversation)
      const list = await get(`/queues/api/queues?activeQueue=${queue}&status=${state}&page=1&jobsPerPage=10`)
      expect(list).to.include(`"id":"${id}"`)
      const job = await get(`/queues/api/queues/${queue}/${id}`)
      expect(job).to.include(state === 'failed' ? '"failedReason":"(hidden)"' : '"returnValue":"(hidden)"')
      const logs = await get(`/queues/api/queues/${queue}/${id}/logs`)
      expect(logs).to.equal('["(hidden)"]')
      const flow = await get(`/queues/api/queues/${queue}/${id}/flow`)
      for (const shown of [list, job, logs, flow]) expect(shown).not.to.include(SECRET)
    }
  })

  it('are hidden in the error of a dead batch and of a step, on every route and in the events', async () => {
    const store = new RedisStore({ redis: env['REDIS_URL'] ?? '', prefix: env['LULL_PREFIX'] ?? '' })
    await store.open()
    try {
      for (const command of running.filter((_, i) => i === 0)) await command.stop()
      const abort = new AbortController()
      const stream = await fetch(`${url}/events`, {
        headers: { authorization: 'Bearer a-token' },
        signal: abort.signal,
      })
      let sent = ''
      const reading = (async () => {
        for await (const chunk of stream.body ?? []) sent += Buffer.from(chunk).toString()
      })().catch(() => {})
      await batcher.append('dies', { messageId: 'd', text: TEXT })
      await batcher.flush('dies')
      for (let attempt = 1; attempt <= store.rules.maxAttempts; attempt++)
        await until(async () => {
          const { batches } = await store.claim({ owner: 'p', maxBatches: 1, maxBytes: 1e6 })
          for (const { batchId, lease } of batches)
            await store.nack({ batchId, lease, delayMs: 0, counts: true, error: `cannot parse: ${SECRET}` })
          return batches.length > 0
        })
      await until(() => /"step":"dead"/.test(sent))
      abort.abort()
      await reading
      const paths = [
        '/dead',
        '/conversations/dies/history',
        '/conversations/dies/lives',
        '/page/history',
        '/page/lives',
      ]
      for (const shown of [sent, ...(await Promise.all(paths.map(get)))])
        expect(shown).to.include('"error":"(hidden)"').and.not.to.include(SECRET)
    } finally {
      await store.close()
    }
  })

  it('are erased by lull forget, in the event stream too, and those of other conversations stay', async () => {
    const events = async () => JSON.stringify(await redis.xrange(`bull:${queue}:events`, '-', '+'))
    expect(await events())
      .to.include('cannot parse half of it')
      .and.include('answer')
    const forget = await start('forget', 'fails')
    expect((await forget.exit).code).to.equal(0)
    expect(await events()).not.to.include('cannot parse half of it')
    expect(await events()).to.include('answer')
    expect((await (await start('forget', 'works')).exit).code).to.equal(0)
    expect(await events()).not.to.include(SECRET)
  })
})
