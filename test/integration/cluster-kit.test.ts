/** The test servers of a Cluster: each fault does what its name says. */
import assert from 'node:assert/strict'
import { Redis } from 'ioredis'
import { slotOf } from '../../src/store/redis/slots.js'
import { type ClusterNode, noCluster, startCluster, type TestCluster } from '../support/cluster.js'
import { canMoveWhole } from '../support/slot-move.js'
import { until } from '../support/wait.js'

const KEY = 'a{kit}'
const SLOT = slotOf(KEY)
const missing = await noCluster()

describe(`the Cluster of the tests${missing ? ` (${missing})` : ''}`, () => {
  let cluster: TestCluster
  before(async function () {
    if (missing) this.skip()
    cluster = await startCluster({ links: true, args: ['--appendonly', 'yes'] })
  })
  after(() => cluster?.stop())
  afterEach(() => cluster.settled())

  const another = async (owner: ClusterNode) => {
    const [other] = (await cluster.primaries()).filter(node => node !== owner)
    assert.ok(other)
    return other
  }

  it('has three primaries that own all slots, and a replica of each, at the announced ports', async () => {
    const primaries = await cluster.primaries()
    assert.equal(primaries.length, 3)
    const replicas = await Promise.all(primaries.map(cluster.replicaOf))
    assert.equal(new Set([...primaries, ...replicas]).size, 6)
    const client = new Redis(cluster.url)
    try {
      const slots = String(await client.cluster('SLOTS'))
      assert.deepEqual(
        cluster.seeds.filter(({ port }) => !slots.includes(String(port))),
        [],
      )
    } finally {
      client.disconnect()
    }
  })

  it('moves a slot key by key', async () => {
    const from = await cluster.ownerOf(SLOT)
    const to = await another(from)
    for (let i = 0; i < 25; i++) await from.ask('SET', `${i}{kit}`, i)
    await cluster.moveSlot(SLOT, to)
    assert.equal(await cluster.ownerOf(KEY), to)
    assert.equal(await to.ask('CLUSTER', 'COUNTKEYSINSLOT', SLOT), 25)
    await assert.rejects(from.ask('GET', '7{kit}'), new RegExp(`^ReplyError: MOVED ${SLOT} .*:${to.port}$`))
  })

  it('moves a slot whole (skipped on a server before Valkey 9)', async function () {
    const from = await cluster.ownerOf(SLOT)
    if (!(await canMoveWhole(from))) this.skip()
    const to = await another(from)
    await cluster.moveWhole(SLOT, to)
    assert.equal(await to.ask('CLUSTER', 'COUNTKEYSINSLOT', SLOT), 25)
    assert.equal(await from.ask('CLUSTER', 'COUNTKEYSINSLOT', SLOT), 0)
  })

  it('leaves a slot between two nodes, as a move that was broken off, and ends that', async () => {
    const from = await cluster.ownerOf(SLOT)
    const move = await cluster.beginMove(SLOT, await another(from))
    assert.equal(await move.step(5), 5)
    await assert.rejects(from.ask('GET', '{kit}none'), new RegExp(`^ReplyError: ASK ${SLOT} .*:${move.to.port}$`))
    assert.equal(await move.to.ask('CLUSTER', 'COUNTKEYSINSLOT', SLOT), 5)
    await move.finish()
    assert.equal(await move.to.ask('CLUSTER', 'COUNTKEYSINSLOT', SLOT), 25)
    assert.equal(await move.to.ask('GET', '{kit}none'), null)
  })

  it('hands a primary over as planned', async () => {
    const old = await cluster.ownerOf(SLOT)
    const replica = await cluster.replicaOf(old)
    assert.equal(await cluster.failover(old), replica)
    assert.equal(await cluster.ownerOf(SLOT), replica)
    assert.equal(await cluster.replicaOf(replica), old)
  })

  it('lets a replica lag behind, and loses with the primary what was not sent', async () => {
    const primary = await cluster.ownerOf(SLOT)
    const replica = await cluster.replicaOf(primary)
    cluster.lagReplica(replica, 300)
    assert.equal(Number(await waited(primary, 'SET', '{kit}lag', 1)), 0)
    await until(async () => (await onReplica(replica, '{kit}lag')) === '1', { what: 'the replica to catch up' })
    cluster.lagReplica(replica, 60_000)
    await primary.ask('SET', '{kit}lost', 1)
    await cluster.kill(primary)
    assert.equal(await cluster.takenOver(SLOT, primary), replica)
    assert.equal(await replica.ask('GET', '{kit}lag'), '1')
    assert.equal(await replica.ask('GET', '{kit}lost'), null)
    cluster.lagReplica(replica, 0)
    await cluster.restart(primary)
    await cluster.settled()
    assert.equal(await cluster.replicaOf(replica), primary)
  })

  it('cuts a replica off, and it catches up', async () => {
    const primary = await cluster.ownerOf(SLOT)
    const replica = await cluster.replicaOf(primary)
    cluster.cutReplica(replica)
    assert.equal(Number(await waited(primary, 'SET', '{kit}cut', 1)), 0)
    assert.match(String(await replica.ask('INFO', 'replication')), /master_link_status:up/)
    assert.equal(await onReplica(replica, '{kit}cut'), null)
    cluster.reconnectReplica(replica)
    await until(async () => (await onReplica(replica, '{kit}cut')) === '1', { what: 'the replica to catch up' })
  })

  it('freezes a primary, whose replica takes over; it wakes as a replica', async () => {
    const frozen = await cluster.ownerOf(SLOT)
    const replica = await cluster.replicaOf(frozen)
    await cluster.freeze(frozen)
    assert.equal(await cluster.takenOver(SLOT, frozen), replica)
    await cluster.thaw(frozen)
    await until(async () => (await cluster.replicaOf(replica)) === frozen)
  })
})

/** A write on one connection with WAIT 1 of 100 ms behind it: how many replicas have it. */
async function waited(node: ClusterNode, command: string, ...args: (string | number)[]): Promise<unknown> {
  const client = new Redis(node.port)
  try {
    await client.call(command, ...args)
    return await client.wait(1, 100)
  } finally {
    client.disconnect()
  }
}

/** Read from a replica, which answers MOVED otherwise. */
async function onReplica(node: ClusterNode, key: string): Promise<string | null> {
  const client = new Redis(node.port)
  try {
    await client.readonly()
    return await client.get(key)
  } finally {
    client.disconnect()
  }
}
