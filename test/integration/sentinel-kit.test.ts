/** The test servers of a Sentinel trio: each fault does what its name says. */
import assert from 'node:assert/strict'
import { noCluster } from '../support/cluster.js'
import { startSentinels, type TestSentinels } from '../support/sentinel.js'
import { askPort } from '../support/test-node.js'
import { until } from '../support/wait.js'

const missing = await noCluster()

describe(`the Sentinels of the tests${missing ? ` (${missing})` : ''}`, () => {
  let trio: TestSentinels
  before(async function () {
    if (missing) this.skip()
    trio = await startSentinels({ links: true, args: ['--appendonly', 'yes'] })
  })
  after(() => trio?.stop())
  afterEach(() => trio.settled())

  it('are named in the address, and name a primary with two replicas', async () => {
    const { host } = new URL(trio.url.split(',')[0] ?? '')
    assert.equal(host, `127.0.0.1:${trio.sentinels[0]?.port}`)
    assert.match(trio.url, /\/0\?name=mymaster$/)
    const primary = await trio.primary()
    const replicas = await trio.replicas()
    assert.equal(new Set([primary, ...replicas]).size, 3)
  })

  it('switch as planned, and a pause before it loses nothing', async () => {
    const old = await trio.primary()
    await old.ask('SET', 'kept', 1)
    const next = await trio.pausedFailover()
    assert.notEqual(next, old)
    assert.equal(await next.ask('GET', 'kept'), '1')
    // The pause has ended with the switch: the old primary follows the new one.
    await next.ask('SET', 'after', 1)
    await until(async () => (await old.ask('GET', 'after')) === '1', { what: 'the old primary to follow' })
  })

  it('switch as planned without a pause', async () => {
    const old = await trio.primary()
    assert.notEqual(await trio.failover(), old)
    assert.equal((await trio.replicas()).length, 2)
  })

  it('lose with a killed primary what its replicas had not received', async () => {
    const primary = await trio.primary()
    await primary.ask('SET', 'sent', 1)
    for (const replica of await trio.replicas())
      await until(async () => (await replica.ask('GET', 'sent')) === '1', { what: 'the replicas to have it' })
    for (const replica of await trio.replicas()) trio.lagReplica(replica, 60_000)
    await primary.ask('SET', 'lost', 1)
    await trio.kill(primary)
    const next = await trio.takenOver(primary)
    for (const node of trio.nodes) trio.lagReplica(node, 0)
    assert.equal(await next.ask('GET', 'sent'), '1')
    assert.equal(await next.ask('GET', 'lost'), null)
    await trio.restart(primary)
  })

  it('cut a replica off, and it catches up', async () => {
    const primary = await trio.primary()
    const [replica] = await trio.replicas()
    assert.ok(replica)
    trio.cutReplica(replica)
    await primary.ask('SET', 'cut', 1)
    assert.equal(await replica.ask('GET', 'cut'), null)
    trio.reconnectReplica(replica)
    await until(async () => (await replica.ask('GET', 'cut')) === '1', { what: 'the replica to catch up' })
  })

  it('replace a frozen primary, which wakes as a replica', async () => {
    const frozen = await trio.primary()
    await trio.freeze(frozen)
    assert.notEqual(await trio.takenOver(frozen), frozen)
    await trio.thaw(frozen)
    // A server that changes its role closes its connections.
    const role = async () => String(await frozen.ask('ROLE').catch(() => 'none'))
    await until(async () => (await role()).startsWith('slave'), { what: 'the old primary to follow' })
  })

  it('go on with two of three', async () => {
    const [first, ...others] = trio.sentinels
    assert.ok(first)
    await first.kill()
    const old = await trio.primary()
    await trio.kill(old)
    await trio.takenOver(old)
    await trio.restart(old)
    await first.restart()
    const port = others[0]?.port ?? 0
    const usable = async () => String(await askPort(port, 'SENTINEL', 'CKQUORUM', trio.name)).startsWith('OK 3 ')
    await until(usable, { what: 'the third Sentinel to be back' })
  })
})
