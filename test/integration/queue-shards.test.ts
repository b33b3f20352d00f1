/** Several queues share the partitions: batches, answers and workers find each other, within one bound of concurrency. */
import { expect } from 'chai'
import { Redis } from 'ioredis'
import { bullmq, MemoryStore, Processor } from '../../src/index.js'
import { silent } from '../../src/logger.js'
import { heldHandler, idsIn, itemOf, shardedQueue, times } from '../support/queue-shards.js'
import { privateRedis, testRedis, uniquePrefix } from '../support/redis.js'
import { until } from '../support/wait.js'

describe('queue shards', () => {
  const releases: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const release of releases.splice(0).reverse()) await release()
  })

  async function sharded(shards: number, prefix?: string) {
    const url = await testRedis()
    const client = new Redis(url)
    releases.push(async () => client.disconnect())
    const made = await shardedQueue({ redis: url, shards, releases, ...(prefix === undefined ? {} : { prefix }) })
    const waitingIn = (queuePrefix: string) => client.lrange(`${queuePrefix}:${made.queue}:wait`, 0, -1)
    return { ...made, client, waitingIn }
  }

  it('a batch waits in the shard of its partition, and one without a partition in the first', async () => {
    const { handOver, waitingIn } = await sharded(3)
    const ids = idsIn(0, 1, 2, 3, 4, 65)
    await handOver([...ids, 'b-flat'])
    expect(new Set(await waitingIn('{bull/0}'))).to.deep.equal(new Set([ids[0], ids[3], 'b-flat']))
    expect(new Set(await waitingIn('{bull/1}'))).to.deep.equal(new Set([ids[1], ids[4]]))
    expect(await waitingIn('{bull/2}')).to.have.members([ids[2], ids[5]])
  })

  it('more shards than partitions are warned about once, with the remedy', async () => {
    const redis = await testRedis()
    for (const [shards, partitions, says] of [
      [
        3,
        1,
        [/^LULL_QUEUE_SHARDS=3 \(shards\) for a store without partitions: .* only 1 of the 3 queues; set LULL_PART/],
      ],
      [8, 4, [/^LULL_QUEUE_SHARDS=8 \(shards\) for 4 partitions: .* only 4 of the 8 queues; set LULL_PARTITIONS/]],
      [4, 4, []],
      [1, 1, []],
    ] as const) {
      const warnings: string[] = []
      const log = { ...silent, warn: (_: object, line: string) => warnings.push(line) }
      await shardedQueue({ redis, shards, partitions, log, releases })
      expect(warnings, `${shards} shards, ${partitions} partitions`).to.have.length(says.length)
      for (const [i, pattern] of says.entries()) expect(warnings[i]).to.match(pattern)
    }
  })

  it('a processor says how many partitions its store has, by which shards are counted', async () => {
    const store = new MemoryStore()
    const warnings: string[] = []
    const log = { ...silent, warn: (_: object, line: string) => warnings.push(line) }
    const handover = bullmq({ redis: await testRedis(), queue: uniquePrefix(), shards: 2 })
    const processor = new Processor({ store, handover, log })
    releases.push(() => store.close())
    releases.push(() => processor.stop())
    await processor.start()
    expect(warnings.filter(line => line.startsWith('LULL_QUEUE_SHARDS=2'))).to.have.length(1)
  })

  it('one shard on one Redis keeps the names of a queue without shards', async () => {
    const { handOver, waitingIn } = await sharded(1)
    const ids = idsIn(5, 6)
    await handOver(ids)
    expect(await waitingIn('bull')).to.have.members(ids)
  })

  it('the number of the shard goes into the braces that a prefix has', async () => {
    const { handOver, waitingIn } = await sharded(2, 'jobs{eu}x')
    const [first = '', second = ''] = idsIn(2, 3)
    await handOver([first, second])
    expect(await waitingIn('jobs{eu/0}x')).to.deep.equal([first])
    expect(await waitingIn('jobs{eu/1}x')).to.deep.equal([second])
  })

  it('outcomes come in the order of the batches, and a refused one costs the others nothing', async () => {
    const { handover } = await sharded(3)
    const [a = '', b = '', c = '', d = ''] = idsIn(2, 0, 1, 2)
    const outcomes = await handover.handOver([a, b, '17', c, d].map(itemOf))
    expect(outcomes.map(({ result }) => result)).to.deep.equal(['taken', 'taken', 'failed', 'taken', 'taken'])
  })

  it('answers of all shards are noticed, and states come in the order of the batches', async () => {
    const { handover, handOver, work, answers } = await sharded(3)
    const ids = idsIn(0, 1, 2)
    const [late = ''] = idsIn(1)
    const held = heldHandler()
    await work(held.handle)
    await handOver(ids)
    await until(() => held.running.size === 3)
    held.endOne(ids[0] ?? '')
    held.endOne(ids[2] ?? '')
    await until(() => answers.length === 2)
    expect(answers.toSorted()).to.deep.equal([`${ids[0]} completed`, `${ids[2]} completed`].toSorted())
    const states = await handover.states?.([ids[2] ?? '', ids[1] ?? '', late, ids[0] ?? ''])
    expect(states?.map(state => state?.state)).to.deep.equal(['ended', 'active', 'ended', 'ended'])
    expect(states?.[2]).to.deep.equal({ state: 'ended', outcome: 'removed' })
  })

  it('batches are withdrawn from their shards, and one that a worker has is left', async () => {
    const { handover, handOver, work, waitingIn } = await sharded(2)
    const held = heldHandler()
    await work(held.handle, { concurrency: 1 })
    const [active = '', first = '', second = ''] = idsIn(1, 0, 1)
    await handOver([active])
    await until(() => held.running.size === 1)
    await handOver([first, second])
    expect(await handover.withdraw?.([second, active, first])).to.deep.equal([second, first])
    expect([...(await waitingIn('{bull/0}')), ...(await waitingIn('{bull/1}'))]).to.deep.equal([])
    expect([...held.running.keys()]).to.deep.equal([active])
  })

  it('an outage of all shards costs no attempt', async () => {
    const server = await privateRedis({ args: ['--appendonly', 'no'] })
    releases.push(() => server.stop())
    const { handover, resumed } = await shardedQueue({ redis: server.url, shards: 2, releases })
    await server.stop()
    const ids = idsIn(0, 1)
    await until(async () => (await handover.handOver(ids.map(itemOf))).every(({ result }) => result === 'failed'))
    for (const outcome of await handover.handOver(ids.map(itemOf))) expect(outcome).to.include({ counts: false })
    await server.restart()
    await until(() => resumed() >= 2)
    expect(await handover.handOver(ids.map(itemOf))).to.deep.equal([{ result: 'taken' }, { result: 'taken' }])
  })

  for (const concurrency of [1, 2, 5])
    it(`a worker of 3 shards works on no more than ${concurrency} at once, and on all batches`, async () => {
      const { handOver, work, answers } = await sharded(3)
      let running = 0
      let most = 0
      await work(
        async () => {
          most = Math.max(most, ++running)
          await new Promise(resolve => setTimeout(resolve, 5))
          running--
        },
        { concurrency },
      )
      const ids = idsIn(...times(12, 0), ...times(12, 1), ...times(12, 2))
      await handOver(ids)
      await until(() => answers.length === ids.length)
      expect(most).to.equal(concurrency)
      expect(new Set(answers)).to.deep.equal(new Set(ids.map(id => `${id} completed`)))
    })

  it('a shard alone may use the whole bound', async () => {
    const { handOver, work } = await sharded(3)
    const held = heldHandler()
    await work(held.handle, { concurrency: 4 })
    await handOver(idsIn(...times(6, 1)))
    await until(() => held.running.size === 4)
    expect(held.most()).to.equal(4)
  })

  it('places that another shard gives back are used at once', async () => {
    const { handOver, work } = await sharded(2)
    const held = heldHandler()
    await work(held.handle, { concurrency: 3 })
    const busy = idsIn(0, 0)
    await handOver(busy)
    await until(() => held.running.size === 2)
    const others = idsIn(1, 1, 1)
    await handOver(others)
    await until(() => held.running.size === 3)
    for (const batchId of busy) held.endOne(batchId)
    await until(() => others.every(batchId => held.running.has(batchId)))
  })

  it('a backlog in one shard holds up no other one', async () => {
    const { handOver, work } = await sharded(2)
    const held = heldHandler()
    await work(held.handle, { concurrency: 2 })
    await handOver(idsIn(...times(10, 0)))
    await until(() => held.running.size === 2)
    const [other = ''] = idsIn(1)
    await handOver([other])
    // One place goes to whoever asks next; the second to the other shard at the latest.
    for (let ended = 0; ended < 3 && !held.begun.includes(other); ended++) {
      const before = held.begun.length
      held.endOne([...held.running.keys()][0] ?? '')
      await until(() => held.begun.length > before)
    }
    expect(held.begun).to.include(other)
  })

  for (const when of ['before it waits for others', 'while it waits for others'] as const)
    it(`a worker that gets its last batch ${when} leaves them to a worker with a place`, async () => {
      const { handOver, work, client } = await sharded(2)
      const full = heldHandler()
      const free = heldHandler()
      const isWaiting = (name: string) => async () => {
        const clients = String(await client.client('LIST')).split('\n')
        return clients.filter(line => line.includes(` name=${name} `) && line.includes('cmd=bzpopmin')).length === 2
      }
      if (when === 'before it waits for others') await handOver(idsIn(0))
      await work(full.handle, { concurrency: 1, name: 'lull.test.full' })
      if (when === 'while it waits for others') {
        await until(isWaiting('lull.test.full'))
        await handOver(idsIn(0))
      }
      await until(() => full.running.size === 1)
      await work(free.handle, { concurrency: 1, name: 'lull.test.free' })
      await until(isWaiting('lull.test.free'))
      await handOver(idsIn(1))
      // Less than the 5 s after which every worker looks by itself.
      await until(() => free.running.size === 1, { timeoutMs: 4000 })
    })

  it('a stop ends while shards wait for a place', async () => {
    const { handOver, work, waitingIn } = await sharded(3)
    const held = heldHandler()
    const worker = await work(held.handle, { concurrency: 1 })
    const ids = idsIn(0, 0, 1, 2)
    await handOver(ids)
    await until(() => held.running.size === 1)
    // Aborts the handler, and puts its batch back.
    await worker.stop({ timeoutMs: 1000 })
    const left = await Promise.all(['{bull/0}', '{bull/1}', '{bull/2}'].map(waitingIn))
    expect(new Set(left.flat())).to.deep.equal(new Set(ids))
  })
})
