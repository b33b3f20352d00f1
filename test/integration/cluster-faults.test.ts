/** A Cluster whose nodes die, hang, change roles and give slots away, under load. */
import { expect } from 'chai'
import { partitionPrefixes } from '../../src/store/partitioned/layout.js'
import { slotOf } from '../../src/store/redis/slots.js'
import { noCluster, startCluster, type TestCluster } from '../support/cluster.js'
import { uniquePrefix } from '../support/redis.js'
import { type Load, type Outcome, startLoad } from '../support/under-load.js'
import { until } from '../support/wait.js'

const PARTITIONS = 8
/** Messages before the fault, and after it. */
const SOME = 300
/** Shorter than the replicas have for a WAIT. */
const LAG_MS = 60

const missing = await noCluster()

describe(`a Cluster under load${missing ? ` (${missing})` : ''}`, () => {
  let cluster: TestCluster
  let prefix: string

  before(async function () {
    if (missing) this.skip()
    cluster = await startCluster({ links: true })
  })
  after(() => cluster?.stop())
  beforeEach(() => {
    prefix = uniquePrefix()
  })

  const begin = async (waitReplicas: number): Promise<Load> => {
    const load = await startLoad({ redis: cluster.url, prefix, partitions: PARTITIONS, waitReplicas })
    await more(load)
    return load
  }
  const more = async (load: Load) => {
    const before = load.accepted()
    await until(() => load.accepted() >= before + SOME, { timeoutMs: 60_000, what: 'messages to be accepted' })
  }
  const expectAll = ({ lost, twice, outOfOrder }: Outcome) =>
    expect({ lost, twice, outOfOrder }).to.deep.equal({ lost: [], twice: [], outOfOrder: [] })
  /** The primary of the first partition. */
  const primary = () => cluster.ownerOf(`${partitionPrefixes(prefix, PARTITIONS)[0]}.due`)

  /** Its replica is `LAG_MS` behind, as another machine's is. */
  const killPrimary = async (load: Load) => {
    const killed = await primary()
    cluster.lagReplica(await cluster.replicaOf(killed), LAG_MS)
    await more(load)
    await cluster.kill(killed)
    const next = await cluster.takenOver(`${partitionPrefixes(prefix, PARTITIONS)[0]}.due`, killed)
    cluster.lagReplica(next, 0)
    await cluster.restart(killed)
    await cluster.settled()
    await more(load)
  }

  it('loses nothing when a primary is killed, if a replica must have each message', async () => {
    const load = await begin(1)
    await killPrimary(load)
    expectAll(await load.end())
  })

  it('loses no more than its replica was behind when a primary is killed, if none must have it', async () => {
    const load = await begin(0)
    await killPrimary(load)
    const { lost, twice, outOfOrder } = await load.end()
    expect({ twice, outOfOrder }).to.deep.equal({ twice: [], outOfOrder: [] })
    expect(lost).to.have.lengthOf.below(SOME)
  })

  it('loses nothing when a primary hangs until its replica has taken over, and then goes on', async () => {
    const load = await begin(1)
    const frozen = await primary()
    await cluster.freeze(frozen)
    await cluster.takenOver(`${partitionPrefixes(prefix, PARTITIONS)[0]}.due`, frozen)
    await cluster.thaw(frozen)
    await cluster.settled()
    await more(load)
    expectAll(await load.end())
  })

  it('loses nothing in a planned failover, and needs no replica to have each message for that', async () => {
    const load = await begin(0)
    await cluster.failover(await primary())
    await more(load)
    expectAll(await load.end())
  })

  it('loses nothing when a slot is moved key by key, and back', async () => {
    const load = await begin(0)
    const slot = slotOf(`${partitionPrefixes(prefix, PARTITIONS)[0]}.due`)
    const from = await cluster.ownerOf(slot)
    const to = (await cluster.primaries()).find(node => node !== from)!
    await cluster.moveSlot(slot, to, { keysAMigrate: 10, delayMs: 5 })
    await more(load)
    await cluster.moveSlot(slot, from)
    await more(load)
    expectAll(await load.end())
  })

  it('refuses a partition whose move was broken off, serves the others, and goes on when the move ends', async () => {
    const load = await begin(0)
    const slot = slotOf(`${partitionPrefixes(prefix, PARTITIONS)[0]}.due`)
    const from = await cluster.ownerOf(slot)
    const to = (await cluster.primaries()).find(node => node !== from)!
    const move = await cluster.beginMove(slot, to)
    await move.step(5)
    const refusedBefore = load.refused()
    await until(() => load.refused() > refusedBefore, { what: 'a refusal' })
    await more(load)
    await move.finish()
    await more(load)
    expectAll(await load.end())
  })
})
