/**
 * Guarantee **own clients**: a client of the user's own (ioredis 5 or 6, a `Cluster` too) as `redis` makes Batcher,
 * Processor, RedisStore and the queue work, and stays as it was: open, without subscriptions, with its own options.
 * Functions may make clients of either version.
 */
import { expect } from 'chai'
import { Cluster, Redis } from 'ioredis'
import { Cluster as Cluster5, Redis as Redis5 } from 'ioredis5'
import { Batcher, bullmq, Processor, type RedisSource, RedisStore } from '../../src/index.js'
import { connect, createClient } from '../../src/store/redis/connection.js'
import { noCluster, startCluster, type TestCluster } from '../support/cluster.js'
import { testRedis, uniquePrefix } from '../support/redis.js'
import { until } from '../support/wait.js'

const CHAT = '79990000011@c.us'
const RULES = { quietGapMs: 20, maxWaitMs: 1000 }
/** For the user's own commands. */
const OWN = { keyPrefix: 'app:', commandTimeout: 60_000, maxRetriesPerRequest: null }

describe('a client of the user’s own', function () {
  this.timeout(60_000)
  const releases: (() => unknown)[] = []
  afterEach(async () => {
    for (const release of releases.splice(0).reverse()) await release()
  })

  /** Resolves to the texts of the batch that a message becomes. */
  async function handedOver(redis: RedisSource, prefix = uniquePrefix()): Promise<string[]> {
    const texts: string[] = []
    const options = { redis, prefix, ...RULES }
    const batcher = new Batcher(options)
    const processor = new Processor({ ...options, handle: ({ text }) => void texts.push(text) })
    releases.push(() => batcher.close())
    releases.push(() => processor.stop())
    await processor.start()
    await batcher.append(CHAT, { messageId: 'm1', text: 'hi' })
    await until(() => texts.length > 0, { what: 'the handover' })
    return texts
  }

  async function queued(redis: RedisSource, host: Redis): Promise<void> {
    const store = new RedisStore({ redis, prefix: uniquePrefix(), ...RULES })
    const queue = uniquePrefix()
    const batcher = new Batcher({ store })
    const processor = new Processor({ store, handover: bullmq({ queue, redis }) })
    releases.push(() => store.close())
    releases.push(() => batcher.close())
    releases.push(() => processor.stop())
    await processor.start()
    await batcher.append(CHAT, { messageId: 'm1', text: 'hi' })
    await until(async () => (await host.llen(`bull:${queue}:wait`)) === 1, { what: 'the job' })
  }

  const clients: [version: string, make: (url: string) => Redis | Redis5][] = [
    ['6', url => new Redis(url, OWN)],
    ['5', url => new Redis5(url, OWN)],
  ]
  for (const [version, make] of clients)
    it(`of ioredis ${version} serves everything, and stays as it was`, async () => {
      const url = await testRedis()
      const client = make(url)
      const plain = new Redis(url)
      releases.push(() => plain.disconnect())
      releases.push(() => client.disconnect())
      await client.set('mine', version)
      const options = { ...client.options }
      expect(await handedOver(client)).to.deep.equal(['hi'])
      await queued(client, plain)
      for (const release of releases.splice(2).reverse()) await release()
      expect(client.status).to.equal('ready')
      expect(client.mode).to.equal('normal')
      expect(client.options).to.deep.equal(options)
      expect(await client.get('mine')).to.equal(version)
      await client.del('mine')
    })

  it('of ioredis 5, made by a function for each connection, serves everything and is closed by Lull', async () => {
    const url = await testRedis()
    const made: Redis5[] = []
    const make = () => {
      const client = new Redis5(url, { lazyConnect: true })
      made.push(client)
      return client
    }
    const plain = new Redis(url)
    releases.push(() => plain.disconnect())
    expect(await handedOver(make)).to.deep.equal(['hi'])
    await queued(make, plain)
    for (const release of releases.splice(1).reverse()) await release()
    expect(made.length).to.be.above(4)
    for (const { options } of made) expect(options.connectionName).to.match(/^lull\./)
    await until(() => made.every(({ status }) => status === 'end'), { what: 'the end of all connections' })
  })

  it('of ioredis 5 leaves no timer, which would keep a process from ending, if it is closed while Redis works', async () => {
    const url = await testRedis()
    const client = createClient(() => new Redis5(url, { lazyConnect: true }), uniquePrefix())
    await connect(client)
    const blocked = client.blpop(uniquePrefix(), 0).catch(() => {})
    expect(Reflect.get(client, 'socketTimeoutTimer')).not.to.equal(undefined)
    client.disconnect()
    await blocked
    await until(() => client.status === 'end', { what: 'the end of the connection' })
    expect(Reflect.get(client, 'socketTimeoutTimer')).to.equal(undefined)
  })

  it('that a function has connected before is named all the same', async () => {
    const url = await testRedis()
    const name = uniquePrefix()
    const ready: Redis5[] = []
    for (let i = 0; i < 5; i++) {
      const client = new Redis5(url, { lazyConnect: true })
      await client.connect()
      ready.push(client)
    }
    const made = [...ready]
    const store = new RedisStore({ redis: () => made.pop() ?? new Redis5(url), prefix: uniquePrefix(), name, ...RULES })
    releases.push(() => store.close())
    await store.open()
    await store.listen(() => {})
    const plain = new Redis(url)
    releases.push(() => plain.disconnect())
    const named = String(await plain.client('LIST')).split(` name=${name} `).length - 1
    expect(named).to.equal(ready.length - made.length)
    for (const client of made) client.disconnect()
  })
})

const missing = await noCluster()

;(missing ? describe.skip : describe)(`a Cluster of the user’s own${missing ? ` (${missing})` : ''}`, function () {
  this.timeout(90_000)
  let cluster: TestCluster
  before(async () => {
    cluster = await startCluster({ primaries: 3, replicas: 0 })
  })
  after(() => cluster?.stop())

  for (const [version, make] of [
    ['6', () => new Cluster(cluster.seeds)],
    ['5', () => new Cluster5(cluster.seeds)],
  ] as const)
    it(`of ioredis ${version} serves everything, and stays as it was`, async () => {
      const client = make()
      const options = { redis: client, prefix: uniquePrefix(), ...RULES }
      const queue = uniquePrefix()
      const batcher = new Batcher(options)
      const processor = new Processor({ ...options, handover: bullmq({ queue, redis: client }) })
      try {
        await processor.start()
        await batcher.append(CHAT, { messageId: 'm1', text: 'hi' })
        await until(async () => (await client.llen(`{bull}:${queue}:wait`)) === 1, { what: 'the job' })
      } finally {
        await processor.stop()
        await batcher.close()
      }
      expect(client.status).to.equal('ready')
      expect(await client.set('mine', version)).to.equal('OK')
      client.disconnect()
    })
})
