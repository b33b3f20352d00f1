/**
 * Guarantee **redis-trouble**, at a start: a role whose Redis is away waits for it. It says so in one line, `/readyz`
 * names the reason, webhooks are answered 503, and the role goes on when Redis is back. The same on one Redis, with
 * partitions, behind Sentinels and on a Cluster whose home has no primary.
 */
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { homePrefix } from '../../src/store/partitioned/layout.js'
import { noCluster, startCluster } from '../support/cluster.js'
import { freePort, type LullProcess, lull } from '../support/processes.js'
import { privateRedis, testRedis, uniquePrefix } from '../support/redis.js'
import { startSentinels } from '../support/sentinel.js'
import { until } from '../support/wait.js'

const HANDLER = fileURLToPath(new URL('../support/printing-handler.mjs', import.meta.url))
const ROLES = ['api', 'processor', 'worker']
const WAITING = /waiting for Redis: .* can not be reached|waiting for Redis: no node of the Cluster/

interface Place {
  env: Record<string, string>
  away(): Promise<unknown>
  back(): Promise<unknown>
  stop(): Promise<unknown>
}

const noServers = await noCluster()

describe('a Redis that is away when a role starts', function () {
  this.timeout(120_000)
  const releases: (() => Promise<unknown>)[] = []
  let prefix: string

  beforeEach(() => {
    prefix = uniquePrefix()
  })
  afterEach(async () => {
    for (const release of releases.splice(0).reverse()) await release()
  })

  async function oneRedis(env: Record<string, string> = {}): Promise<Place> {
    const server = await privateRedis()
    return {
      env: { REDIS_URL: server.url, ...env },
      away: () => server.kill(),
      back: () => server.restart(),
      stop: () => server.stop(),
    }
  }

  async function sentinels(): Promise<Place> {
    const trio = await startSentinels({ replicas: 0, sentinels: 1 })
    const primary = await trio.primary()
    return {
      env: { REDIS_URL: trio.url },
      away: () => trio.kill(primary),
      back: () => trio.restart(primary),
      stop: () => trio.stop(),
    }
  }

  async function cluster(): Promise<Place> {
    const nodes = await startCluster({ replicas: 0 })
    const home = await nodes.ownerOf(homePrefix(prefix))
    const seeds = nodes.seeds.map(({ host, port }) => `${host}:${port}`).join(',')
    return {
      env: { REDIS_URL: `redis://${seeds}` },
      away: () => nodes.kill(home),
      back: async () => {
        await nodes.restart(home)
        await nodes.settled()
      },
      stop: () => nodes.stop(),
    }
  }

  async function queueOfItsOwn(): Promise<Place> {
    const queue = await oneRedis()
    return { ...queue, env: { REDIS_URL: await testRedis(), LULL_QUEUE_REDIS_URL: queue.env['REDIS_URL'] ?? '' } }
  }

  async function start(role: string, env: Record<string, string>): Promise<{ role: LullProcess; ops: string }> {
    const port = await freePort()
    const own = { PORT: '0', LULL_OPS_PORT: String(port), LULL_WORKER_HANDLER: HANDLER, LULL_QUIET_GAP_MS: '100' }
    const process = await lull([role], { LULL_PREFIX: prefix, LULL_QUEUE: prefix, ...own, ...env })
    releases.push(() => process.stop())
    return { role: process, ops: `http://127.0.0.1:${port}` }
  }

  const statusOf = async (url: string) => (await fetch(url)).status
  const linesOf = ({ stdout }: LullProcess, text: string) => stdout.filter(line => line.includes(text))

  async function post(api: LullProcess): Promise<number> {
    const url = /http:\/\/[\d.]+:\d+/.exec(await api.line(/api listens on/))?.[0]
    const body = JSON.stringify({ chatId: '79000000001@c.us', messageId: 'm1', text: 'hi' })
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body }
    return (await fetch(`${url}/webhook/whatsapp/batched/generic`, init)).status
  }

  const PLACES: [name: string, make: () => Promise<Place>, isMissing?: boolean][] = [
    ['one Redis', () => oneRedis()],
    ['one Redis with partitions', () => oneRedis({ LULL_PARTITIONS: '4' })],
    ['a primary behind Sentinels', sentinels, noServers !== undefined],
    ['the home’s primary of a Cluster', cluster, noServers !== undefined],
  ]
  for (const [name, make, isMissing = false] of PLACES)
    it(`is waited for: ${name}`, async function () {
      if (isMissing) this.skip()
      const place = await make()
      releases.push(() => place.stop())
      await place.away()
      const started = await Promise.all(ROLES.map(role => start(role, place.env)))
      const [api] = started
      if (!api) throw new Error('no role')
      for (const { role, ops } of started) {
        await role.line(WAITING)
        expect(await statusOf(`${ops}/livez`)).to.equal(200)
        expect(await statusOf(`${ops}/readyz`)).to.equal(503)
      }
      expect(await post(api.role)).to.equal(503)

      await place.back()
      for (const [i, { role, ops }] of started.entries()) {
        await role.line(new RegExp(`${ROLES[i]} started on`))
        await until(async () => (await statusOf(`${ops}/readyz`)) === 200, { what: `${ROLES[i]} to be ready` })
        expect(linesOf(role, 'waiting for Redis'), role.stdout.join('\n')).to.have.length(1)
        expect(linesOf(role, 'Redis is there after'), role.stdout.join('\n')).to.have.length(1)
      }
      expect(await post(api.role)).to.equal(200)
      await started[2]?.role.line(/^BATCH /)
    })

  it('is waited for by a processor and a worker if only the queue is on it', async () => {
    const place = await queueOfItsOwn()
    releases.push(() => place.stop())
    await place.away()
    const started = await Promise.all(['processor', 'worker'].map(role => start(role, place.env)))
    for (const { role, ops } of started) {
      await role.line(WAITING)
      expect(await statusOf(`${ops}/readyz`)).to.equal(503)
    }
    await place.back()
    for (const { ops } of started)
      await until(async () => (await statusOf(`${ops}/readyz`)) === 200, { what: 'it to be ready' })
  })

  it('does not keep a role from stopping', async () => {
    const place = await oneRedis()
    releases.push(() => place.stop())
    await place.away()
    for (const { role } of await Promise.all([...ROLES, 'up'].map(role => start(role, place.env)))) {
      await role.line(WAITING)
      expect(await role.stop()).to.include({ code: 0 })
    }
  })
})
