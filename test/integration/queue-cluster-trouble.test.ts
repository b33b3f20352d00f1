/** A queue on a Cluster whose slot moves, or that nobody serves: no batch loses an attempt by that. */
import { expect } from 'chai'
import type { Batch } from '../../src/batch.js'
import { bullmq } from '../../src/handover/bullmq.js'
import { silent } from '../../src/logger.js'
import { slotOf } from '../../src/store/redis/slots.js'
import { type ClusterNode, noCluster, startCluster, type TestCluster } from '../support/cluster.js'

const PREFIX = '{bull}'
const QUEUE = 'messages'
const SLOT = slotOf(PREFIX)
const missing = await noCluster()

const itemOf = (batchId: string) => ({
  batch: {
    ...{ version: 1, batchId, conversationId: 'c1', chatId: 'c1', isGroup: false, provider: 'generic' },
    messages: [{ messageId: 'm1', type: 'text', text: 'hi', receivedAtMs: 1 }],
    ...{ text: 'hi', firstAtMs: 1, lastAtMs: 1, dueAtMs: 2, releasedAtMs: 3, releasedBy: 'gap' },
  } satisfies Batch,
  attempt: 1,
  signal: new AbortController().signal,
  commit: async () => ({ again: false }),
})

describe(`a queue on a Cluster in trouble${missing ? ` (${missing})` : ''}`, () => {
  let cluster: TestCluster
  let owner: ClusterNode
  const releases: (() => Promise<unknown>)[] = []
  before(async function () {
    if (missing) this.skip()
    cluster = await startCluster({ replicas: 0 })
  })
  after(() => cluster?.stop())
  beforeEach(async () => {
    owner = await cluster.ownerOf(SLOT)
  })
  afterEach(async () => {
    for (const release of releases.splice(0).reverse()) await release()
    await cluster.settled()
  })

  async function queueOn(node: ClusterNode) {
    const handover = bullmq({ queue: QUEUE, prefix: PREFIX, redis: node.url })
    releases.push(() => handover.stop())
    await handover.start({ log: silent, connectionName: 'lull.test' }, { onAnswered() {}, onResumed() {} })
    return async (...batchIds: string[]) =>
      (await handover.handOver(batchIds.map(itemOf))).map(outcome =>
        outcome.result === 'failed' ? `failed, counts: ${outcome.counts}` : outcome.result,
      )
  }

  /** One batch goes by itself, several in a transaction: BullMQ reports their errors differently. */
  for (const batchIds of [['b1'], ['b1', 'b2']]) {
    it(`whose slot is between two nodes takes nothing for now (${batchIds.length} batches)`, async () => {
      const handOver = await queueOn(owner)
      expect(await handOver(`b0-${batchIds.length}`)).to.deep.equal(['taken'])
      const [to] = (await cluster.primaries()).filter(node => node !== owner)
      if (!to) throw new Error('there is one primary only')
      const move = await cluster.beginMove(SLOT, to)
      expect(await move.step(1)).to.equal(1)
      expect(await handOver(...batchIds)).to.deep.equal(batchIds.map(() => 'failed, counts: false'))
      await move.finish()
    })

    it(`whose slot nobody serves takes nothing for now (${batchIds.length} batches)`, async () => {
      const handOver = await queueOn(owner)
      await owner.ask('CLUSTER', 'DELSLOTS', SLOT)
      expect(await handOver(...batchIds)).to.deep.equal(batchIds.map(() => 'failed, counts: false'))
      await owner.ask('CLUSTER', 'ADDSLOTS', SLOT)
    })
  }
})
