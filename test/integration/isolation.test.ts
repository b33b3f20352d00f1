/**
 * Guarantee **isolation**: API, processors and worker work together as separate operating-system processes. The system
 * that Lull replaces failed here.
 */

import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { Redis } from 'ioredis'
import type { Batch } from '../../src/batch.js'
import { RedisStore } from '../../src/store/redis/store.js'
import { startOldSystem } from '../support/old-system.js'
import { freePort, type LullProcess, lull } from '../support/processes.js'
import { privateRedis, testRedis, uniquePrefix } from '../support/redis.js'
import { until } from '../support/wait.js'

const GAP_MS = 1000

describe('isolation', function () {
  this.timeout(60_000)
  let processes: LullProcess[]
  let closers: (() => Promise<unknown>)[]
  let environment: Record<string, string>
  let redisUrl: string

  beforeEach(() => {
    processes = []
    closers = []
  })

  afterEach(async () => {
    await Promise.all(processes.map(process => process.stop()))
    for (const close of closers.reverse()) await close()
  })

  const use = (url: string, prefix = uniquePrefix()) => {
    redisUrl = url
    environment = {
      REDIS_URL: url,
      LULL_PREFIX: prefix,
      LULL_QUEUE: `queue-${prefix}`,
      LULL_QUIET_GAP_MS: String(GAP_MS),
      LULL_BATCH_TTL_MS: '6000',
      LULL_WORKER_HANDLER: fileURLToPath(new URL('../support/printing-handler.mjs', import.meta.url)),
    }
    return prefix
  }

  const start = async (role: 'api' | 'processor' | 'worker', settings: Record<string, string> = {}) => {
    const process = await lull([role], { ...environment, ...settings })
    processes.push(process)
    return process
  }

  const startApi = async () => {
    const port = await freePort()
    const process = await start('api', { PORT: String(port) })
    const url = `http://127.0.0.1:${port}`
    await until(
      () =>
        fetch(`${url}/readyz`).then(
          response => response.ok,
          () => false,
        ),
      {
        what: () => `the API to be ready: ${process.stderr.concat(process.stdout).slice(-3).join(' | ')}`,
      },
    )
    return url
  }

  const post = async (url: string, chatId: string, messageId: string, text: string) => {
    const response = await fetch(`${url}/webhook/whatsapp/batched`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ chatId, messageId, text }),
    })
    expect(response.status).to.equal(200)
  }

  /** Batches that the worker has received, in order. */
  const received = (worker: LullProcess): Batch[] =>
    worker.stdout.filter(line => line.startsWith('BATCH ')).map(line => JSON.parse(line.slice('BATCH '.length)))

  it('two APIs, two processors and a worker make 100 complete batches of 100 conversations, each once', async () => {
    use(await testRedis())
    // Longer than a busy machine takes from one round of messages to the next.
    environment['LULL_QUIET_GAP_MS'] = '3000'
    const [first, second] = await Promise.all([startApi(), startApi()])
    await Promise.all([start('processor'), start('processor')])
    const worker = await start('worker')
    const chats = Array.from({ length: 100 }, (_, i) => `7900${1000 + i}@c.us`)
    for (let n = 0; n < 4; n++)
      await Promise.all(chats.map((chat, i) => post((i + n) % 2 ? first! : second!, chat, `${chat}-${n}`, String(n))))
    await until(() => received(worker).length >= 100, {
      timeoutMs: 30_000,
      what: () => `100 batches (${received(worker).length} came)`,
    })
    expect(received(worker)).to.have.length(100)
    expect(new Set(received(worker).map(batch => batch.conversationId)).size).to.equal(100)
    for (const { text } of received(worker)) expect(text).to.equal('0\n1\n2\n3')
  })

  it('batches stay until they are due, with processors running or not', async () => {
    const prefix = use(await testRedis())
    const redis = new Redis(redisUrl)
    closers.push(async () => redis.disconnect())
    const api = await startApi()
    await post(api, 'off@c.us', '1', 'hi')
    // Without processors: it is there when it is due, and later.
    await until(async () => Number(await redis.zscore(`${prefix}.due`, 'off@c.us')) < (await now(redis)), {
      what: 'the due time',
    })
    expect(await redis.hget(`${prefix}:off@c.us`, 'count')).to.equal('1')
    // With processors: it is there until it is due by Redis’s clock.
    await start('processor')
    const worker = await start('worker')
    await until(() => received(worker).length === 1, { timeoutMs: 15_000, what: 'the first batch' })
    await post(api, 'on@c.us', '1', 'hi')
    const dueAtMs = Number(await redis.zscore(`${prefix}.due`, 'on@c.us'))
    for (;;) {
      const exists = await redis.exists(`${prefix}:on@c.us`)
      const [seconds, microseconds] = await redis.time()
      // In this order of reads a key that is gone too early shows.
      if (Number(seconds) * 1000 + Number(microseconds) / 1000 >= dueAtMs) break
      expect(exists).to.equal(1)
    }
    await until(() => received(worker).length === 2, { what: 'the second batch' })
  })

  it('every message is delivered although the old system’s processor deletes keys, and the history says `vanished`', async () => {
    // On a Redis of its own: the SCANs are not Lull’s.
    const server = await privateRedis()
    closers.push(() => server.stop())
    const prefix = use(server.url)
    const old = startOldSystem(server.url, prefix)
    closers.push(() => old.stop())
    const api = await startApi()
    await start('processor')
    const worker = await start('worker')
    for (let n = 0; n < 4; n++) {
      for (const chat of ['a@c.us', 'b@c.us', 'c@c.us']) await post(api, chat, `${chat}-${n}`, `${n}`)
      await until(() => old.deleted.length > n, { what: 'the old system to delete a header' })
    }
    const texts = (conversationId: string) =>
      received(worker)
        .filter(batch => batch.conversationId === conversationId)
        .flatMap(batch => batch.text.split('\n'))
    await until(() => ['a@c.us', 'b@c.us', 'c@c.us'].every(chat => texts(chat).length >= 4), {
      timeoutMs: 30_000,
      what: () => `all messages (${received(worker).length} batches came)`,
    })
    for (const chat of ['a@c.us', 'b@c.us', 'c@c.us']) expect(texts(chat)).to.deep.equal(['0', '1', '2', '3'])
    const store = new RedisStore({ redis: server.url, prefix })
    closers.push(() => store.close())
    await store.open()
    expect((await store.history({ limit: 1000 })).map(entry => entry.step)).to.include('vanished')
  })
})

async function now(redis: Redis): Promise<number> {
  const [seconds, microseconds] = await redis.time()
  return Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000)
}
