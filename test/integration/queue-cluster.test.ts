/** The queue on a Redis Cluster: it follows its slot to another node, and a failover costs no attempt and no job. */
import { expect } from 'chai'
import { Redis } from 'ioredis'
import { readConfig } from '../../src/config.js'
import { queueRedis } from '../../src/doctor/checks/queue-redis.js'
import type { Surroundings } from '../../src/doctor/surroundings.js'
import { bullmq } from '../../src/handover/bullmq.js'
import type { Handover } from '../../src/handover/handover.js'
import { silent } from '../../src/logger.js'
import { slotOf } from '../../src/store/redis/slots.js'
import { type ClusterNode, noCluster, startCluster, type TestCluster } from '../support/cluster.js'
import { idsIn, itemOf, shardedQueue, times } from '../support/queue-shards.js'
import { until } from '../support/wait.js'

/** Of one shard. */
const BATCHES_A_CALL = 4
const RUNS_BEFORE = 100

const missing = await noCluster()

;(missing ? describe.skip : describe)(`queue on a Cluster${missing ? ` (${missing})` : ''}`, function () {
  this.timeout(90_000)
  let cluster: TestCluster
  const releases: (() => Promise<unknown>)[] = []

  before(async () => {
    cluster = await startCluster()
  })
  after(() => cluster?.stop())
  afterEach(async () => {
    for (const release of releases.splice(0).reverse()) await release()
    await cluster.settled()
  })

  const clientOf = (node: ClusterNode) => {
    const client = new Redis(node.url)
    releases.push(async () => client.disconnect())
    return client
  }

  it('the prefix of a queue without shards gets the braces that keep it on one node', async () => {
    const { queue, handOver, answers, work } = await shardedQueue({ redis: cluster.url, shards: 1, releases })
    const ids = idsIn(0, 1, 2)
    await handOver(ids)
    const client = clientOf(await cluster.ownerOf('{bull}'))
    expect(await client.lrange(`{bull}:${queue}:wait`, 0, -1)).to.have.members(ids)
    await work(async () => {})
    await until(() => answers.length === ids.length)
  })

  it('a prefix of the user’s own has braces, or is refused with the remedy', async () => {
    const start = (prefix: string) => {
      const handover = bullmq({ queue: 'q', prefix, redis: cluster.url })
      releases.push(() => handover.stop())
      return handover.start({ log: silent, connectionName: 'lull.test' }, { onAnswered() {}, onResumed() {} })
    }
    const refused = await start('jobs').catch((error: Error) => error)
    expect(refused).to.be.instanceOf(RangeError)
    expect(String(refused)).to.match(/LULL_QUEUE_PREFIX=jobs: .* set it to \{jobs\}/)
    await start('{jobs}')
  })

  it('shards are on several nodes, and every seed leads to them', async () => {
    const owners = await Promise.all([0, 1, 2].map(shard => cluster.ownerOf(`{bull/${shard}}`)))
    expect(new Set(owners).size).to.be.above(1)
    // Nothing listens at the first one.
    const nodes = [{ host: '127.0.0.1', port: 1 }, ...cluster.seeds]
    const { queue, handOver, answers, work } = await shardedQueue({ redis: { nodes }, shards: 3, releases })
    const ids = idsIn(0, 1, 2)
    await handOver(ids)
    for (const [shard, owner] of owners.entries())
      expect(await clientOf(owner).lrange(`{bull/${shard}}:${queue}:wait`, 0, -1)).to.deep.equal([ids[shard]])
    await work(async () => {})
    await until(() => answers.length === 3)
    // What people wrote goes after the answer, on each node.
    for (const [shard, owner] of owners.entries()) {
      const client = clientOf(owner)
      const data = () => client.hget(`{bull/${shard}}:${queue}:${ids[shard]}`, 'data')
      await until(async () => (await data()) === '{"messages":1,"texts":"erased"}', { what: `shard ${shard}` })
    }
  })

  it('doctor reads the servers of all shards, and refuses a prefix without braces', async () => {
    const look = async (env: Record<string, string>) => {
      const config = readConfig({ LULL_QUEUE_REDIS_URL: cluster.url, ...env })
      return [await queueRedis.look({ config } as Surroundings)].flat()
    }
    const findings = await look({ LULL_QUEUE_SHARDS: '3' })
    const owners = await Promise.all([0, 1, 2].map(shard => cluster.ownerOf(`{bull/${shard}}`)))
    expect(findings).to.have.length(new Set(owners).size)
    for (const { says } of findings) expect(says).to.match(/eviction policy noeviction$/)
    const [refused] = await look({ LULL_QUEUE_PREFIX: 'jobs' })
    expect(refused).to.include({ verdict: 'wrong' })
    expect(refused?.says).to.match(/LULL_QUEUE_PREFIX=jobs/)
  })

  /**
   * Hands batches over and works on them while `fault` happens. What fails is handed over again, as a processor does.
   * Then all of them are worked on and answered. Resolves to how many handovers failed, uncounted.
   */
  async function underLoad(shards: number, fault: (handover: Handover) => Promise<void>) {
    const { handover, answers, work } = await shardedQueue({ redis: cluster.url, shards, releases })
    const runs = new Map<string, number>()
    await work(async ({ batchId }) => void runs.set(batchId, (runs.get(batchId) ?? 0) + 1))
    const counted: string[] = []
    const taken: string[] = []
    let uncounted = 0
    let isOver = false
    const load = async (partition: number) => {
      let left: string[] = []
      while (!isOver || left.length > 0) {
        if (left.length === 0) left = idsIn(...times(BATCHES_A_CALL, partition))
        const outcomes = await handover.handOver(left.map(itemOf))
        const again: string[] = []
        for (const [i, batchId] of left.entries()) {
          const outcome = outcomes[i]
          if (outcome?.result !== 'failed') taken.push(batchId)
          else if (outcome.counts) counted.push(`${batchId}: ${outcome.error.message}`)
          else {
            uncounted++
            again.push(batchId)
          }
        }
        left = again
        await new Promise(resolve => setTimeout(resolve, left.length > 0 ? 100 : 5))
      }
    }
    const loading = Promise.all(Array.from({ length: shards }, (_, shard) => load(shard)))
    await until(() => runs.size > RUNS_BEFORE)
    await fault(handover)
    const before = taken.length
    await until(() => taken.length > before + RUNS_BEFORE)
    isOver = true
    await loading
    expect(counted).to.deep.equal([])
    // What no event told is found by the states, as a processor asks for them.
    const isOpen = async () => {
      const heard = new Set(answers)
      const silentOnes = taken.filter(batchId => !heard.has(`${batchId} completed`))
      const states = (await handover.states?.(silentOnes)) ?? []
      return states.some(state => state?.state !== 'ended' || state.outcome !== 'completed')
    }
    await until(async () => !(await isOpen()), { timeoutMs: 60_000, what: 'all batches to be answered' })
    expect(taken.filter(batchId => !runs.has(batchId))).to.deep.equal([])
    return { uncounted }
  }

  it('a killed primary of a shard costs no attempt and no batch, and the other shards go on', async () => {
    const old = await cluster.ownerOf('{bull/1}')
    expect(await cluster.ownerOf('{bull/0}')).not.to.equal(old)
    const { uncounted } = await underLoad(3, async handover => {
      const before = idsIn(0, 1, 2)
      await handover.handOver(before.map(itemOf))
      await cluster.kill(old)
      const ids = idsIn(0, 1, 2)
      const outcomes = await until(async () => {
        const all = await handover.handOver(ids.map(itemOf))
        return all[1]?.result === 'failed' && all
      })
      expect(outcomes[0]).to.deep.equal({ result: 'taken' })
      expect(outcomes[1]).to.include({ counts: false })
      const states = await handover.states?.(before)
      expect(states?.[0]?.state).to.be.oneOf(['waiting', 'active', 'ended'])
      expect(states?.[1]).to.equal(undefined)
      await cluster.takenOver('{bull/1}', old)
    })
    expect(uncounted).to.be.above(0)
    await cluster.restart(old)
  })

  it('a planned failover costs no attempt and no batch', async () => {
    const old = await cluster.ownerOf('{bull/2}')
    await underLoad(3, async () => void (await cluster.failover(old)))
  })

  it('a slot that moves key by key costs no attempt and no batch', async () => {
    const slot = slotOf('{bull}')
    const from = await cluster.ownerOf(slot)
    const to = (await cluster.primaries()).find(node => node !== from)
    if (!to) throw new Error('one primary only')
    const { uncounted } = await underLoad(1, () => cluster.moveSlot(slot, to, { keysAMigrate: 10, delayMs: 50 }))
    expect(uncounted).to.be.above(0)
  })
})
