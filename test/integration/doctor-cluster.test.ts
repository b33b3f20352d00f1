/** What `lull doctor` says of a Cluster and of Sentinels. */
import { expect } from 'chai'
import { readConfig } from '../../src/config.js'
import { examine } from '../../src/doctor/doctor.js'
import type { Finding } from '../../src/doctor/finding.js'
import { Processor } from '../../src/processor/processor.js'
import { partitionPrefixes } from '../../src/store/partitioned/layout.js'
import { slotOf } from '../../src/store/redis/slots.js'
import { noCluster, startCluster, type TestCluster } from '../support/cluster.js'
import { uniquePrefix } from '../support/redis.js'
import { startSentinels } from '../support/sentinel.js'
import { until } from '../support/wait.js'

const PARTITIONS = 8
const missing = await noCluster()

describe(`doctor on several servers${missing ? ` (${missing})` : ''}`, function () {
  this.timeout(60_000)
  before(function () {
    if (missing) this.skip()
  })

  const of = (findings: Finding[], check: string) => findings.filter(finding => finding.check === check)
  const verdicts = (findings: Finding[], check: string) => of(findings, check).map(({ verdict }) => verdict)

  describe('of a Cluster', () => {
    let cluster: TestCluster
    let prefix: string
    let processor: Processor
    const look = (more: Record<string, string> = {}) =>
      examine(readConfig({ REDIS_URL: cluster.url, LULL_PREFIX: prefix, LULL_PARTITIONS: String(PARTITIONS), ...more }))

    before(async () => {
      cluster = await startCluster()
      prefix = uniquePrefix()
      processor = new Processor({ redis: cluster.url, prefix, partitions: PARTITIONS, handle: async () => {} })
      await processor.start()
    })
    after(async () => {
      await processor?.stop()
      await cluster?.stop()
    })

    it('says that it is whole, how the partitions lie, and that each has a listener', async () => {
      const findings = await look()
      expect(verdicts(findings, 'cluster')).to.deep.equal(['ok'])
      expect(of(findings, 'cluster')[0]?.says).to.include('state ok, 16384 of 16384 slots served, 3 primaries')
      expect(verdicts(findings, 'cluster-shares')).to.deep.equal(['ok'])
      expect(verdicts(findings, 'cluster-replicas')).to.deep.equal(['ok'])
      expect(verdicts(findings, 'cluster-canary')).to.deep.equal(['ok', 'ok', 'ok'])
      expect(verdicts(findings, 'listeners')).to.deep.equal(['ok'])
      expect(of(findings, 'listeners')[0]?.says).to.include(`${PARTITIONS} partitions`)
      expect(verdicts(findings, 'cluster-moves')).to.deep.equal([])
      expect(of(findings, 'eviction').map(({ says }) => says)).to.deep.equal([
        'all 3 nodes: eviction policy noeviction',
      ])
      // The kit's nodes write nothing to disk: each is named.
      for (const { says } of of(findings, 'persistence'))
        expect(says).to.match(/^redis:\/\/127\.0\.0\.1:\d+: nothing is/)
      expect(verdicts(findings, 'persistence')).to.deep.equal(['degraded', 'degraded', 'degraded'])
      // The kit's node timeout is 2 s.
      expect(verdicts(findings, 'cluster-timeout')).to.include('degraded')
    })

    it('warns that no replica must have a message, and asks for one more replica where one must', async () => {
      expect(verdicts(await look(), 'cluster-wait')).to.deep.equal(['degraded'])
      const findings = await look({ LULL_WAIT_REPLICAS: '1' })
      expect(verdicts(findings, 'cluster-wait')).to.deep.equal([])
      expect(of(findings, 'cluster-replicas')[0]?.remedy).to.include('give each primary 2 replicas')
    })

    it('names the partition whose slot is on its way', async () => {
      const [tag = ''] = partitionPrefixes(prefix, PARTITIONS)
      const from = await cluster.ownerOf(slotOf(tag))
      const to = (await cluster.primaries()).find(node => node !== from)!
      const move = await cluster.beginMove(slotOf(tag), to)
      const [finding] = of(await look(), 'cluster-moves')
      await move.finish()
      expect(finding?.verdict).to.equal('wrong')
      expect(finding?.says).to.include(tag)
      expect(finding?.remedy).to.include('--cluster fix')
    })

    it('names a primary without a replica, and the partitions that a dead primary takes away', async () => {
      // Without the layout, which lies at home, nothing can begin.
      const home = await cluster.ownerOf(slotOf(`{${prefix}}`))
      const first = (await cluster.primaries()).find(node => node !== home)
      const replica = await cluster.replicaOf(first!)
      await cluster.kill(replica)
      await first!.ask('CONFIG', 'SET', 'repl-timeout', '1')
      const findings = await look()
      expect(of(findings, 'cluster-replicas')[0]?.says).to.include(`:${first!.port}`)
      await cluster.kill(first!)
      const away = await look({ REDIS_URL: home.url })
      expect(of(away, 'cluster')[0]?.verdict).to.equal('wrong')
      expect(of(away, 'cluster')[0]?.says).to.match(/[1-8] of 8 partitions cannot be reached/)
      expect(of(away, 'cluster')[0]?.says).to.include(`${first!.url} is away`)
      expect(of(away, 'listeners')[0]?.says).to.match(/ listening to next-due of each of [1-7] partitions/)
      const rest = (await cluster.primaries()).find(node => node !== home)!
      await cluster.kill(await cluster.replicaOf(home))
      await cluster.kill(home)
      const error = await look({ REDIS_URL: rest.url }).catch(String)
      expect(error).to.include(`Redis at ${home.url} can not be reached`)
    })
  })

  it('of Sentinels: says whether they agree, and that one is silent', async () => {
    const service = await startSentinels({ replicas: 2 })
    const look = () => examine(readConfig({ REDIS_URL: service.url, LULL_PREFIX: uniquePrefix() }))
    const findings = await look()
    expect(verdicts(findings, 'sentinels')).to.deep.equal(['ok'])
    expect(of(findings, 'sentinels')[0]?.says).to.include('3 of 3 Sentinels answer').and.to.include('quorum 2')
    expect(verdicts(findings, 'sentinel-replicas')).to.deep.equal(['ok'])
    expect(verdicts(findings, 'sentinel-down-after')).to.deep.equal(['ok'])
    await service.sentinels[2]!.stop()
    const [gone, other] = await service.replicas()
    await service.kill(gone!)
    const less = await until(async () => {
      const seen = await look()
      return of(seen, 'sentinel-replicas')[0]?.verdict === 'degraded' && seen
    })
    expect(verdicts(less, 'sentinels')).to.deep.equal(['degraded'])
    expect(of(less, 'sentinel-replicas')[0]?.says).to.equal('1 of 2 replicas connected to the primary')
    await service.kill(other!)
    await until(async () => verdicts(await look(), 'sentinel-replicas')[0] === 'wrong')
    await service.stop()
  })
})
