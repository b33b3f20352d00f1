/** Guarantee **supersede**, over HTTP: `POST /batches/:batchId/commit` says whether an answer may be sent. */
import { connect } from 'node:net'
import { expect } from 'chai'
import { Redis } from 'ioredis'
import { z } from 'zod'
import { createApp } from '../../src/api/app.js'
import { CommitWaits } from '../../src/api/commit-waits.js'
import { Batcher } from '../../src/batcher.js'
import { listen } from '../../src/http/listen.js'
import { silent } from '../../src/logger.js'
import type { RuleOptions } from '../../src/rules.js'
import { lull } from '../support/processes.js'
import { privateRedis, testRedis, uniquePrefix } from '../support/redis.js'
import { until } from '../support/wait.js'

const TOKEN = 'a-token'
const CHAT = 'shop/79990000011@c.us'
const SUPERSEDE = { answering: 'supersede', quietGapMs: 30_000, batchTtlMs: 60_000, earlyStartMs: 20 } as const

const replyBody = z.looseObject({ error: z.string().optional(), waitMs: z.number().optional() })

describe('POST /batches/:batchId/commit', function () {
  this.timeout(60_000)
  const closing: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  async function serving(rules: RuleOptions = SUPERSEDE, { redis, most }: { redis?: string; most?: number } = {}) {
    const batcher = new Batcher({ redis: redis ?? (await testRedis()), prefix: uniquePrefix(), ...rules })
    const waits = new CommitWaits(batcher, most)
    const app = createApp({ batcher, commits: waits, log: silent, apiToken: TOKEN, providers: {} })
    const server = await listen(app, { host: '127.0.0.1', port: 0 })
    closing.push(
      () => batcher.close(),
      () => server.close(0),
      () => waits.close(),
    )
    const { store } = batcher
    const commit = async (batchId: string, waitMs?: number | string) => {
      const query = waitMs === undefined ? '' : `?waitMs=${waitMs}`
      const response = await fetch(`${server.url}/batches/${batchId}/commit${query}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${TOKEN}` },
      })
      const { status, headers } = response
      return { status, body: replyBody.parse(await response.json()), retryAfter: headers.get('retry-after') }
    }
    let appended = 0
    const append = () => batcher.append(CHAT, { messageId: String(++appended), text: 'hi' })
    const claim = () =>
      until(async () => (await store.claim({ owner: 'test', maxBatches: 1, maxBytes: 1e6 })).batches[0], {
        what: 'a claim',
      })
    const answering = async () => {
      await append()
      const { batchId } = await claim()
      await store.ack([batchId])
      return batchId
    }
    return { batcher, store, server, waits, commit, append, claim, answering }
  }

  it('answers 425 before the due time, 200 from then on, and 200 with `again` after that', async () => {
    const { answering, commit, batcher } = await serving()
    const batchId = await answering()
    const early = await commit(batchId)
    expect(early.status).to.equal(425)
    expect(early.body).to.have.all.keys('waitMs')
    expect(early.body.waitMs).to.be.within(25_000, 30_000)
    expect(early.retryAfter).to.equal(String(Math.ceil(Number(early.body.waitMs) / 1000)))
    await batcher.flush(CHAT)
    expect(await commit(batchId)).to.deep.equal({ status: 200, body: { go: true }, retryAfter: null })
    expect((await commit(batchId)).body).to.deep.equal({ go: true, again: true })
  })

  it('answers 425 with a Retry-After of at least one second', async () => {
    const { answering, commit } = await serving({ ...SUPERSEDE, quietGapMs: 600 })
    const { status, retryAfter } = await commit(await answering())
    expect([status, retryAfter]).to.deep.equal([425, '1'])
  })

  it('answers 409 with the batch that has the messages now, and with null if they were dropped', async () => {
    const { answering, append, commit, batcher } = await serving()
    const first = await answering()
    const { batchId: second } = await append()
    expect(await commit(first, 60_000)).to.deep.include({ status: 409, body: { superseded: second } })
    await batcher.drop(CHAT)
    const third = await answering()
    await batcher.drop(CHAT)
    expect(await commit(third)).to.deep.include({ status: 409, body: { superseded: null } })
  })

  it('answers 410 for a batch that is answered, and for one that never was', async () => {
    const { answering, commit, batcher } = await serving()
    const batchId = await answering()
    await batcher.answered(batchId)
    const answered = await commit(batchId, 60_000)
    expect(answered.status).to.equal(410)
    expect(answered.body.error).to.match(/has been answered/)
    const unknown = await commit('never', 60_000)
    expect(unknown.status).to.equal(410)
    expect(unknown.body.error).to.match(/"never" is not being answered/)
  })

  it('answers 410 in one short line for an id of any shape', async () => {
    const { commit } = await serving()
    for (const id of ['%0A', '%00', '%20', '%2F..%2F', '%F0%9F%8E%82', '%1B%5B31m', 'x'.repeat(5000)]) {
      const { status, body } = await commit(id, 60_000)
      expect(status, id).to.equal(410)
      expect(body.error).to.match(/^\P{Cc}{1,300}$/u)
    }
  })

  it('refuses a waitMs that is no whole number up to 60000, and names the bounds', async () => {
    const { commit } = await serving()
    for (const waitMs of ['60001', '-1', '1.5', 'x', '', '1e3', '600000000']) {
      const { status, body } = await commit('b', waitMs)
      expect(status, waitMs).to.equal(400)
      expect(body.error).to.match(/not a whole number from 0 to 60000/)
    }
  })

  it('with waitMs answers 200 at the due time, and asks twice for it', async () => {
    const { answering, commit, store } = await serving({ ...SUPERSEDE, quietGapMs: 300 })
    const batchId = await answering()
    const asked = counted(store)
    expect(await commit(batchId, 60_000)).to.deep.include({ status: 200, body: { go: true } })
    // Before the wait, when the subscription is there, at the due time; a timer may be a millisecond early.
    expect(asked()).to.be.within(2, 5)
  })

  it('with waitMs answers 409 as soon as a message supersedes the batch', async () => {
    const { answering, append, commit, waits } = await serving()
    const batchId = await answering()
    const committed = commit(batchId, 60_000)
    await until(() => waits.size === 1)
    const { batchId: by } = await append()
    expect(await committed).to.deep.include({ status: 409, body: { superseded: by } })
    expect(waits.size).to.equal(0)
  })

  it('with waitMs follows a due time that moves', async () => {
    const { answering, commit, batcher, waits } = await serving()
    const batchId = await answering()
    const committed = commit(batchId, 60_000)
    await until(() => waits.size === 1)
    await batcher.flush(CHAT)
    expect(await committed).to.deep.include({ status: 200, body: { go: true } })
  })

  it('answers 425 when waitMs ends before the due time', async () => {
    const { answering, commit, waits } = await serving()
    const { status, body } = await commit(await answering(), 50)
    expect(status).to.equal(425)
    expect(body.waitMs).to.be.within(20_000, 30_000)
    expect(waits.size).to.equal(0)
  })

  it('opens one subscription for all requests, and none before one waits', async () => {
    const { answering, commit, store, waits } = await serving()
    let opened = 0
    const follow = store.followSuperseded.bind(store)
    store.followSuperseded = listener => {
      opened += 1
      return follow(listener)
    }
    const batchId = await answering()
    await commit(batchId)
    expect(opened).to.equal(0)
    const committed = [commit(batchId, 60_000), commit(batchId, 60_000), commit(batchId, 60_000)]
    await until(() => waits.size === 3)
    expect(opened).to.equal(1)
    await waits.close()
    await Promise.all(committed)
  })

  it('ends the wait of a client that closes its connection, and then commits nothing', async () => {
    const { answering, server, waits, batcher, store } = await serving()
    const batchId = await answering()
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
    const head = `POST /batches/${batchId}/commit?waitMs=60000 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}`
    // A body that nobody reads, and that would fill the buffers.
    socket.write(`${head}\r\nContent-Length: 1000000\r\n\r\n${'x'.repeat(1_000_000)}`)
    await until(() => waits.size === 1)
    socket.destroy()
    await until(() => waits.size === 0)
    await batcher.flush(CHAT)
    expect(await store.commit(batchId)).to.deep.equal({ state: 'go' })
  })

  it('answers requests that wait with 503 and Retry-After when the API stops, and later ones, too', async () => {
    const { answering, commit, waits } = await serving()
    const batchId = await answering()
    const committed = commit(batchId, 60_000)
    await until(() => waits.size === 1)
    await waits.close()
    const stopped = await committed
    expect(stopped).to.include({ status: 503, retryAfter: '1' })
    expect(stopped.body.error).to.match(/stopping/)
    expect(await commit(batchId, 60_000)).to.include({ status: 503, retryAfter: '1' })
    expect(await commit(batchId)).to.include({ status: 425 })
  })

  it('answers requests that wait with 503 when `lull api` is stopped', async () => {
    const env = {
      REDIS_URL: await testRedis(),
      LULL_PREFIX: uniquePrefix(),
      LULL_ANSWERING: 'supersede',
      LULL_API_TOKEN: TOKEN,
      PORT: '0',
    }
    const batcher = new Batcher({ redis: env.REDIS_URL, prefix: env.LULL_PREFIX, ...SUPERSEDE })
    closing.push(() => batcher.close())
    await batcher.append(CHAT, { messageId: '1', text: 'hi' })
    const { batchId } = await until(
      async () => (await batcher.store.claim({ owner: 'test', maxBatches: 1, maxBytes: 1e6 })).batches[0],
    )
    const api = await lull(['api'], env)
    closing.push(() => api.kill())
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(await api.line(/api listens on/))?.[0]
    const headers = { authorization: `Bearer ${TOKEN}` }
    const committed = fetch(`${url}/batches/${batchId}/commit?waitMs=60000`, { method: 'POST', headers })
    const redis = new Redis(env.REDIS_URL)
    closing.push(async () => redis.disconnect())
    const channel = `${env.LULL_PREFIX}.batch-superseded`
    await until(async () => Number((await redis.pubsub('NUMSUB', channel))[1]) > 0, { what: 'the subscription' })
    api.send('SIGTERM')
    expect((await committed).status).to.equal(503)
    expect(await api.exit).to.deep.equal({ code: 0, signal: null })
  })

  it('lets no more wait at once than its bound, and says so', async () => {
    const { answering, commit, waits } = await serving(SUPERSEDE, { most: 1 })
    const batchId = await answering()
    const committed = commit(batchId, 60_000)
    await until(() => waits.size === 1)
    const refused = await commit(batchId, 60_000)
    expect(refused).to.include({ status: 503, retryAfter: '1' })
    expect(refused.body.error).to.match(/1 requests wait for a commit, which is the most/)
    await waits.close()
    await committed
  })

  it('answers 503 with Retry-After when Redis goes away, also while it waits', async () => {
    const server = await privateRedis()
    try {
      const { answering, commit, waits } = await serving({ ...SUPERSEDE, quietGapMs: 1000 }, { redis: server.url })
      const batchId = await answering()
      const committed = commit(batchId, 60_000)
      await until(() => waits.size === 1)
      await server.kill()
      expect(await committed).to.include({ status: 503, retryAfter: '5' })
      expect(await commit(batchId)).to.include({ status: 503, retryAfter: '5' })
      expect(waits.size).to.equal(0)
    } finally {
      await server.stop()
    }
  })

  for (const order of ['serial', 'concurrent'] as const)
    it(`answers 200 in queue mode for a batch that is being answered, in ${order} order`, async () => {
      const { append, claim, commit, store } = await serving({ order, quietGapMs: 20 })
      await append()
      const { batchId } = await claim()
      expect(await commit(batchId, 60_000)).to.deep.include({ status: 200, body: { go: true } })
      await store.ack([batchId])
      const again = order === 'serial' ? { again: true } : {}
      expect(await commit(batchId)).to.deep.include({ status: 200, body: { go: true, ...again } })
    })
})

function counted(store: { commit(batchId: string): Promise<unknown> }): () => number {
  let asked = 0
  const commit = store.commit.bind(store)
  Object.assign(store, {
    commit: (batchId: string) => {
      asked += 1
      return commit(batchId)
    },
  })
  return () => asked
}
