/**
 * Guarantee **clocks**: only Redis's clock counts. Wrong clocks of the processes change nothing, and when Redis's clock
 * steps back nothing waits until it has caught up.
 */
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { Redis } from 'ioredis'
import type { Batch } from '../../src/batch.js'
import { type RuleOptions, rulesFrom } from '../../src/rules.js'
import { RedisStore } from '../../src/store/redis/store.js'
import { Clock, clocked } from '../support/clocked-redis.js'
import { freePort, type LullProcess, lull } from '../support/processes.js'
import { testRedis, uniquePrefix } from '../support/redis.js'
import { append, CHAT, claim, claimed, claimOne, idsOf } from '../support/store-contract/messages.js'
import { until } from '../support/wait.js'

const HOUR_MS = 3_600_000

describe('clocks: Redis’s clock steps back by an hour', () => {
  const releases: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const release of releases.splice(0).reverse()) await release()
  })

  const RULES = { quietGapMs: 10_000, maxWaitMs: 60_000, leaseMs: 30_000, answerTimeoutMs: 20 * HOUR_MS }

  async function clockedStore(rules: RuleOptions = {}) {
    const url = await testRedis()
    const redis = new Redis(url)
    const options = { redis: clocked(url), prefix: uniquePrefix(), rules: rulesFrom({ ...RULES, ...rules }) }
    const store = new RedisStore(options)
    const clock = new Clock(redis, store.keys.prefix)
    await clock.set(clock.nowMs)
    await store.open()
    releases.push(async () => {
      await store.close()
      await redis.quit()
    })
    const pass = (ms: number) => clock.pass(ms, [CHAT])
    return { store, pass, stepBack: () => pass(-HOUR_MS) }
  }

  it('the next claim releases an open batch', async () => {
    const { store, stepBack } = await clockedStore()
    await append(store, CHAT, 'm1')
    await stepBack()
    expect(idsOf((await claimOne(store)).batch)).to.deep.equal(['m1'])
  })

  it('a message after the step joins the open batch, whose quiet gap starts again by the new time', async () => {
    const { store, pass, stepBack } = await clockedStore()
    await append(store, CHAT, 'm1')
    await stepBack()
    expect(await append(store, CHAT, 'm2')).to.include({ accepted: 1, dueInMs: RULES.quietGapMs })
    expect((await claim(store)).batches).to.deep.equal([])
    await pass(RULES.quietGapMs)
    expect(idsOf((await claimOne(store)).batch)).to.deep.equal(['m1', 'm2'])
  })

  it('messages that waited for a long answer are released, however old they are', async () => {
    for (const seal of [true, false]) {
      const { store, pass, stepBack } = await clockedStore({ batchTtlMs: 10 * HOUR_MS })
      const { batchId } = await claimed(store)
      await store.ack([batchId])
      await append(store, CHAT, 'm2')
      if (seal) await store.flush(CHAT)
      await pass(2 * HOUR_MS)
      await store.answered(batchId, 'completed')
      await stepBack()
      expect(idsOf((await claimOne(store)).batch), `sealed: ${seal}`).to.deep.equal(['m2'])
    }
  })

  it('a lease restarts: its owner keeps the batch until it ends, then another processor claims it', async () => {
    for (const renewed of [false, true]) {
      const { store, pass, stepBack } = await clockedStore()
      const taken = await claimed(store)
      if (renewed) {
        await pass(2 * HOUR_MS)
        expect(await store.renew([taken])).to.deep.equal([])
      }
      await stepBack()
      expect((await claim(store)).batches, 'its owner may be at work').to.deep.equal([])
      expect(await store.renew([taken])).to.deep.equal([])
      await pass(RULES.leaseMs)
      expect(await claimOne(store), `renewed: ${renewed}`).to.include({ batchId: taken.batchId, attempt: 2 })
    }
  })

  it('a batch that was to be retried later, or was given back, is retried at once', async () => {
    const { store, stepBack } = await clockedStore()
    const { batchId, lease } = await claimed(store)
    await store.nack({ batchId, lease, delayMs: 50_000, counts: true, error: 'refused' })
    await stepBack()
    await claim(store)
    const again = await claimOne(store)
    expect(again).to.include({ batchId, attempt: 2 })
    await store.giveBack('processor-1')
    await stepBack()
    await claim(store)
    expect(await claimOne(store)).to.include({ batchId, attempt: 2 })
  })

  it('an answer is checked at once, and its timeout starts again', async () => {
    const { store, pass, stepBack } = await clockedStore({ answerTimeoutMs: 100_000 })
    const { batchId } = await claimed(store)
    await store.ack([batchId])
    await store.workerStarted(batchId, '1')
    await stepBack()
    const { checks } = await claim(store)
    expect(checks.map(({ workingForMs, ...check }) => [check.batchId, workingForMs])).to.deep.equal([[batchId, 0]])
    await pass(100_000)
    expect((await claim(store)).checks[0]).to.include({ batchId, workingForMs: 100_000 })
  })

  it('an id seen before is still dropped as a duplicate', async () => {
    const { store, stepBack } = await clockedStore()
    await append(store, CHAT, 'm1')
    await stepBack()
    expect(await append(store, CHAT, 'm1')).to.include({ accepted: 0, duplicates: 1 })
  })
})

describe('clocks: processes whose wall clocks are wrong', function () {
  this.timeout(60_000)
  const GAP_MS = 1500
  const BURSTS = 2
  const SUPPORT = (file: string) => fileURLToPath(new URL(`../support/${file}`, import.meta.url))

  it('batches come on time and one after the other with an API an hour ahead, a processor an hour behind, and a processor and a worker with jumping clocks', async () => {
    const prefix = uniquePrefix()
    const redisUrl = await testRedis()
    const port = await freePort()
    const start = (role: string, offMs: number, jumps = false) =>
      lull([role], {
        REDIS_URL: redisUrl,
        LULL_PREFIX: prefix,
        LULL_QUEUE: `queue-${prefix}`,
        LULL_QUIET_GAP_MS: String(GAP_MS),
        LULL_WORKER_HANDLER: SUPPORT('printing-handler.mjs'),
        PORT: String(port),
        NODE_OPTIONS: `--import=${SUPPORT('odd-clock.mjs')}`,
        LULL_TEST_CLOCK_OFF_MS: String(offMs),
        ...(jumps ? { LULL_TEST_CLOCK_JUMPS: '1' } : {}),
      })
    const starting = [
      start('api', HOUR_MS),
      start('processor', -HOUR_MS),
      start('processor', HOUR_MS, true),
      start('worker', HOUR_MS, true),
    ]
    try {
      const [api, , , worker] = await Promise.all(starting)
      await ready(port, api)
      for (let burst = 1; burst <= BURSTS; burst++) {
        for (const part of ['a', 'b', 'c']) await post(port, `${burst}${part}`)
        await until(() => batchesOf(worker).length === burst, { what: `batch ${burst}` })
      }
      const batches = batchesOf(worker)
      expect(batches.map(({ text }) => text)).to.deep.equal(['1a\n1b\n1c', '2a\n2b\n2c'])
      for (const { releasedBy, dueAtMs, lastAtMs, releasedAtMs } of batches) {
        expect(releasedBy).to.equal('gap')
        expect(dueAtMs - lastAtMs).to.equal(GAP_MS)
        expect(releasedAtMs - dueAtMs).to.be.within(0, 5000)
        expect(Math.abs(Date.now() - releasedAtMs), 'by Redis’s clock').to.be.below(HOUR_MS / 2)
      }
    } finally {
      for (const started of await Promise.allSettled(starting))
        if (started.status === 'fulfilled') await started.value.stop()
    }
  })

  const batchesOf = (worker: LullProcess | undefined): Batch[] =>
    worker?.stdout.flatMap(line => (line.startsWith('BATCH ') ? [JSON.parse(line.slice('BATCH '.length))] : [])) ?? []

  const post = async (port: number, text: string) => {
    const response = await fetch(`http://127.0.0.1:${port}/webhook/whatsapp/batched`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ chatId: 'chat', messageId: text, text }),
    })
    expect(response.status).to.equal(200)
  }

  const ready = (port: number, api: LullProcess | undefined) =>
    until(
      () =>
        fetch(`http://127.0.0.1:${port}/readyz`).then(
          ({ ok }) => ok,
          () => false,
        ),
      {
        what: () => `the API to be ready: ${api?.stderr.slice(-2).join(' | ')}`,
      },
    )
})
