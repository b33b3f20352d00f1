/**
 * A wait for Redis is bounded: `ready({ timeoutMs })` and the webhook’s `readyTimeoutMs` end as soon as messages can be
 * taken, at the end of their time, or at once if waiting is no use.
 */
import { expect } from 'chai'
import { Batcher } from '../../src/batcher.js'
import { webhook } from '../../src/webhook/fetch.js'
import { hangingProxy } from '../support/hanging-proxy.js'
import { privateRedis, type RedisServer } from '../support/redis.js'
import { until } from '../support/wait.js'

/** Longer than a test may take. */
const LONG_MS = 120_000

describe('a wait for Redis', function () {
  this.timeout(60_000)
  let server: RedisServer
  let batcher: Batcher

  beforeEach(async () => {
    server = await privateRedis()
    batcher = new Batcher({ redis: server.url })
  })

  afterEach(async () => {
    await batcher.close()
    await server.stop()
  })

  const reasonOf = (work: Promise<unknown>) =>
    work.then(
      () => 'none',
      error => error.reason,
    )

  it('ends when Redis is back; without a bound there is none', async () => {
    await batcher.ready()
    await server.kill()
    await until(async () => (await reasonOf(batcher.ready())) === 'connection', { what: 'the outage' })
    expect(await reasonOf(batcher.ready({ timeoutMs: 100 }))).to.equal('connection')
    const ready = batcher.ready({ timeoutMs: LONG_MS })
    await server.restart()
    await ready
  })

  it('works before the first connection, and a batcher that could not connect at first does so later', async () => {
    await server.kill()
    expect(await reasonOf(batcher.append('c', { messageId: 'm1', text: 'hi' }))).to.equal('connection')
    expect(await reasonOf(batcher.append('c', { messageId: 'm1', text: 'hi' }))).to.equal('connection')
    const ready = batcher.ready({ timeoutMs: LONG_MS })
    await server.restart()
    await ready
    expect(await batcher.append('c', { messageId: 'm1', text: 'hi' })).to.include({ accepted: 1 })
  })

  it('ends a connection on which nothing comes back', async () => {
    const proxy = await hangingProxy(server.url)
    const behind = new Batcher({ redis: proxy.url })
    try {
      await behind.ready()
      proxy.silence()
      await behind.ready({ timeoutMs: 4000 })
      expect(await behind.append('c', { messageId: 'm1', text: 'hi' })).to.include({ accepted: 1 })
    } finally {
      await behind.close()
      await proxy.stop()
    }
  })

  it('ends at once if Redis refuses messages for another reason than an outage', async () => {
    await batcher.ready()
    const { redis } = Object(batcher.store).home
    await redis.config('SET', 'maxmemory', '1mb')
    expect(await reasonOf(batcher.ready({ timeoutMs: LONG_MS }))).to.equal('memory')
  })

  describe('of a webhook', () => {
    const receiveWith = (options: { readyTimeoutMs?: number }) => {
      const receive = webhook({
        batcher,
        providers: { waha: { hmacKey: 'key' }, generic: { unsigned: true } },
        ...options,
      })
      const post = async (body: object, provider: Record<string, string> = {}) => {
        const response = await receive(
          new Request('http://localhost/', { method: 'POST', body: JSON.stringify(body), headers: provider }),
        )
        return response.status
      }
      return { post }
    }
    const MESSAGE = { chatId: 'c', messageId: 'm1', text: 'hi' }

    it('stores it when Redis is back', async () => {
      await batcher.ready()
      await server.kill()
      const { post } = receiveWith({})
      await until(async () => (await post(MESSAGE)) === 503, { what: 'the outage' })
      const posted = receiveWith({ readyTimeoutMs: LONG_MS }).post(MESSAGE)
      await server.restart()
      expect(await posted).to.equal(200)
    })

    it('is answered 503 at the end of its time', async () => {
      await server.kill()
      expect(await receiveWith({ readyTimeoutMs: 100 }).post(MESSAGE)).to.equal(503)
    })

    it('comes after the check of its signature', async () => {
      await server.kill()
      const unsigned = {
        event: 'message',
        session: 'default',
        payload: { id: 'm1', from: '79990000011@c.us', body: 'hi' },
      }
      expect(await receiveWith({ readyTimeoutMs: LONG_MS }).post(unsigned)).to.equal(401)
    })
  })
})
