/** The processes on a Redis Cluster, with several queues: from the message to the worker, the board, and what is erased. */
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { z } from 'zod'
import { QueueWindow } from '../../src/api/queue-window.js'
import { Batcher } from '../../src/batcher.js'
import { silent } from '../../src/logger.js'
import { partitionOf } from '../../src/store/batch-id.js'
import { noCluster, startCluster, type TestCluster } from '../support/cluster.js'
import { example, freePort, lull } from '../support/processes.js'
import { privateRedis, uniquePrefix } from '../support/redis.js'
import { until } from '../support/wait.js'

const HANDLER = fileURLToPath(new URL('../support/printing-handler.mjs', import.meta.url))
const SHARDS = 3
const CONVERSATIONS = 24

/** What the board says of its queues. */
const shownQueues = z.object({
  queues: z.array(z.object({ name: z.string(), counts: z.object({ completed: z.number() }) })),
})

const missing = await noCluster()

;(missing ? describe.skip : describe)(`queue processes on a Cluster${missing ? ` (${missing})` : ''}`, function () {
  this.timeout(120_000)
  let cluster: TestCluster
  const releases: (() => Promise<unknown>)[] = []

  before(async () => {
    cluster = await startCluster()
  })
  after(() => cluster?.stop())
  afterEach(async () => {
    for (const release of releases.splice(0).reverse()) await release()
  })

  const nodes = () => cluster.seeds.map(({ host, port }) => `${host}:${port}`).join(',')

  function settings() {
    const prefix = uniquePrefix()
    const queue = uniquePrefix()
    const env = {
      REDIS_URL: `redis://${nodes()}`,
      LULL_PREFIX: prefix,
      LULL_QUEUE: queue,
      LULL_QUEUE_SHARDS: String(SHARDS),
      LULL_QUIET_GAP_MS: '100',
    }
    return { prefix, queue, env }
  }

  /** Messages of many conversations, which lie in many partitions. */
  async function write(prefix: string) {
    const batcher = new Batcher({ redis: { nodes: cluster.seeds }, prefix, quietGapMs: 100 })
    releases.push(() => batcher.close())
    const ids = Array.from({ length: CONVERSATIONS }, (_, n) => `${n}@c.us`)
    await Promise.all(ids.map(id => batcher.append(id, { messageId: 'm1', text: `text of ${id}` })))
    return ids
  }

  it('lull up takes batches of all shards, the board counts them, and lull forget erases a job', async () => {
    const { prefix, queue, env } = settings()
    const port = await freePort()
    const own = { PORT: String(port), LULL_API_TOKEN: 'a-token', LULL_WORKER_HANDLER: HANDLER }
    const up = await lull(['up'], { ...env, ...own })
    releases.push(() => up.stop())
    await up.line(/worker takes batches from the 3 queues/)
    const ids = await write(prefix)
    const batches = await until(() => {
      const found = up.stdout.filter(line => line.startsWith('BATCH ')).map(line => JSON.parse(line.slice(6)))
      return found.length >= ids.length && found
    })
    expect(batches.map(({ conversationId }) => conversationId)).to.have.members(ids)
    expect(new Set(batches.map(({ batchId }) => partitionOf(batchId) % SHARDS)).size).to.equal(SHARDS)

    const options = { redis: { nodes: cluster.seeds }, name: queue, prefix: 'bull', shards: SHARDS }
    const window = new QueueWindow({ ...options, connectionName: 'lull.test', showTexts: true, log: silent })
    releases.push(() => window.close())
    await until(async () => (await window.counts())['completed'] === ids.length)

    const board = await fetch(`http://127.0.0.1:${port}/queues/api/queues`, {
      headers: { authorization: 'Bearer a-token' },
    })
    const { queues } = shownQueues.parse(await board.json())
    expect(queues.map(({ name }) => name)).to.have.members([0, 1, 2].map(shard => `${shard}-${queue}`))
    expect(queues.reduce((sum, { counts }) => sum + counts.completed, 0)).to.equal(ids.length)

    const forget = await lull(['forget', ids[0] ?? ''], env)
    expect(await forget.line(/^forgot /)).to.match(/, 1 job$/)
    expect((await window.counts())['completed']).to.equal(ids.length - 1)
    await forget.exit
  })

  it('examples/worker-bullmq.mjs takes batches of all shards', async () => {
    const { prefix, env } = settings()
    const worker = await example('worker-bullmq.mjs', env)
    releases.push(() => worker.stop())
    await worker.line(/^waiting for batches/)
    const processor = await lull(['processor'], env)
    releases.push(() => processor.stop())
    await processor.line(/processor started/)
    const ids = await write(prefix)
    await until(() => ids.every(id => worker.stdout.some(line => line.startsWith(`${id} sent 1 `))))
  })

  it('lull worker with a queue on a Cluster of its own takes its batches', async () => {
    const { prefix, env } = settings()
    const server = await privateRedis()
    releases.push(() => server.stop())
    const own = { ...env, REDIS_URL: server.url, LULL_QUEUE_REDIS_URL: env.REDIS_URL, LULL_QUEUE_SHARDS: '1' }
    const worker = await lull(['worker'], { ...own, LULL_WORKER_HANDLER: HANDLER })
    releases.push(() => worker.stop())
    const processor = await lull(['processor'], own)
    releases.push(() => processor.stop())
    await worker.line(/worker takes batches from the queue/)
    await processor.line(/processor started/)
    const batcher = new Batcher({ redis: own.REDIS_URL, prefix, quietGapMs: 100 })
    releases.push(() => batcher.close())
    await batcher.append('a@c.us', { messageId: 'm1', text: 'hi' })
    await worker.line(/^BATCH .*"a@c.us"/)
  })
})
