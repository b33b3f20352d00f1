/**
 * A store of several partitions: the contract of a store on a Cluster. On one Redis, where it differs in how it publishes
 * alone, a part of it; all of it if no Cluster can be started here.
 */
import { noCluster, startCluster, type TestCluster } from '../support/cluster.js'
import { partitionedStore } from '../support/partitioned.js'
import { testRedis } from '../support/redis.js'
import { aliasTests } from '../support/store-contract/aliases.js'
import { claimTests } from '../support/store-contract/claiming.js'
import { storeContract } from '../support/store-contract/contract.js'
import { eventTests } from '../support/store-contract/events.js'

const missing = await noCluster()

storeContract(
  'PartitionedStore of one Redis',
  async rules => partitionedStore(await testRedis(), rules),
  missing ? undefined : [claimTests, aliasTests, eventTests],
)

describe(`PartitionedStore of a Cluster${missing ? ` (${missing})` : ''}`, () => {
  let cluster: TestCluster
  before(async function () {
    if (missing) this.skip()
    cluster = await startCluster({ replicas: 0 })
  })
  after(() => cluster?.stop())

  storeContract('it', rules => partitionedStore(cluster.url, rules))
})
