/** A processor on a Cluster whose primary dies. */
import { expect } from 'chai'
import { Batcher } from '../../src/batcher.js'
import { Processor } from '../../src/processor/processor.js'
import { rulesFrom } from '../../src/rules.js'
import { partitionOfConversation, partitionPrefixes } from '../../src/store/partitioned/layout.js'
import { PartitionedStore } from '../../src/store/partitioned/store.js'
import { slotOf } from '../../src/store/redis/slots.js'
import { StoreUnavailable } from '../../src/store/store.js'
import { noCluster, startCluster, type TestCluster } from '../support/cluster.js'
import { uniquePrefix } from '../support/redis.js'
import { until } from '../support/wait.js'

const PARTITIONS = 12
const missing = await noCluster()

describe(`a processor on a Cluster${missing ? ` (${missing})` : ''}`, () => {
  let cluster: TestCluster
  before(async function () {
    if (missing) this.skip()
    cluster = await startCluster()
  })
  after(() => cluster?.stop())

  it('is woken by the new primary of each partition whose primary has died, and releases on time', async () => {
    const prefix = uniquePrefix()
    const options = { redis: cluster.url, prefix, partitions: PARTITIONS }
    const batcher = new Batcher({ ...options, quietGapMs: 50 })
    const store = new PartitionedStore({ ...options, rules: rulesFrom({ quietGapMs: 50 }), role: 'processor' })
    const handled = new Set<string>()
    const processor = new Processor({ store, handle: ({ text }) => void handled.add(text) })
    const announced = new Set<string>()
    const accepted: string[] = []
    let sent = 0
    /** Appends to a new conversation of this partition until that is accepted. */
    const send = (partition: number) =>
      until(
        async () => {
          const chat = `chat-${sent++}@c.us`
          if (partitionOfConversation(chat, PARTITIONS) !== partition) return false
          try {
            await batcher.append(chat, { messageId: chat, type: 'text', text: chat })
          } catch (error) {
            expect(error).to.be.instanceOf(StoreUnavailable)
            return false
          }
          accepted.push(chat)
          return true
        },
        { what: `partition ${partition} to take a message` },
      )
    // Less than a heartbeat, which would find the messages too.
    const allIn = (set: Set<string>, what: string) =>
      until(() => accepted.every(chat => set.has(chat)), {
        what: () => `${what} of ${accepted.filter(chat => !set.has(chat))}`,
      })
    try {
      await batcher.open()
      await processor.start()
      await store.listen(event => {
        if (event.kind === 'next-due') announced.add(event.conversationId)
      })
      const slots = partitionPrefixes(prefix, PARTITIONS).map(slotOf)
      const owners = await Promise.all(slots.map(slot => cluster.ownerOf(slot)))
      const [dies] = owners
      if (!dies) throw new Error('nobody has partition 0')
      const ofDead = owners.flatMap((owner, partition) => (owner === dies ? [partition] : []))
      await cluster.kill(dies)
      await cluster.takenOver(slots[0] ?? 0, dies)
      await Promise.all(ofDead.map(send))
      await allIn(handled, 'the handover')

      // Their subscriptions are in place again, so each of these is announced.
      accepted.splice(0)
      await Promise.all(ofDead.map(send))
      await allIn(announced, 'next-due')
      await allIn(handled, 'the handover')
    } finally {
      await processor.stop({ timeoutMs: 2000 })
      await Promise.all([batcher.close(), store.close()])
    }
  })
})
