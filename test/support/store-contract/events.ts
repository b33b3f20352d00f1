/** What a store publishes. */
import { expect } from 'chai'
import { partitionOfConversation } from '../../../src/store/partitioned/layout.js'
import type { Growth, Store, StoreEvent } from '../../../src/store/store.js'
import { until } from '../wait.js'
import type { Make } from './checked.js'
import { append, CHAT, claimed, neighbours, OTHER, PATIENT } from './messages.js'

export function eventTests(make: Make): void {
  describe('listen', () => {
    it('publishes subscribed, then each batch that becomes the first due of its partition, and nothing else', async () => {
      const { store } = await make(PATIENT)
      const received = await listener(store)
      const { batchId, listeners } = await append(store, CHAT, 'm1')
      expect(listeners).to.equal(1)
      await append(store, CHAT, 'm1')
      await append(store, CHAT, 'm2')
      const [other = ''] = neighbours(store, 1)
      await append(store, other, 'm1')
      await store.extend(CHAT, 2 * PATIENT.quietGapMs)
      const sooner = await store.flush(other)
      await store.flush(CHAT)
      expect(await received.first(2)).to.deep.equal([
        { ...received.about(CHAT), batchId, dueInMs: PATIENT.quietGapMs },
        { ...received.about(other), batchId: sooner?.batchId, dueInMs: 0 },
      ])
      expect(received.subscribed).to.deep.equal(subscribedIn(store))
      expect(received.news).to.have.lengthOf(2)
    })

    it('publishes every due time while another batch is long overdue, as no processor may know that one', async () => {
      const { store, pass } = await make({ ...PATIENT, quietGapMs: 30, batchTtlMs: 600_000 })
      await append(store, CHAT, 'm1')
      const received = await listener(store)
      await pass(500)
      const [other = ''] = neighbours(store, 1)
      await append(store, other, 'm1')
      await pass(700)
      const { batchId } = await append(store, other, 'm2')
      expect(await received.first(1)).to.deep.equal([{ ...received.about(other), batchId, dueInMs: 30 }])
    })

    it('publishes nothing for a held conversation before the hold ends', async () => {
      const { store } = await make(PATIENT)
      const first = await claimed(store)
      const received = await listener(store)
      const { batchId } = await append(store, CHAT, 'm2')
      await store.flush(CHAT)
      const [other = ''] = neighbours(store, 1)
      await append(store, other, 'm1')
      await store.answered(first.batchId, 'completed')
      const [due, freed] = await received.first(2)
      expect(due).to.include({ ...received.about(other), dueInMs: PATIENT.quietGapMs })
      expect(freed).to.deep.equal({ ...received.about(CHAT), batchId, dueInMs: 0 })
    })

    it('publishes next-due for a batch that was given back', async () => {
      const { store } = await make(PATIENT)
      const { batchId } = await claimed(store)
      const received = await listener(store)
      await store.giveBack('processor-1')
      const [update] = await received.first(1)
      expect(update).to.include({ kind: 'next-due', batchId, dueInMs: 0 })
    })

    it('reports every step from now on to a follower', async () => {
      const { store } = await make(PATIENT)
      await append(store, CHAT, 'before')
      const steps: string[] = []
      const stop = await store.follow(({ step, conversationId }) => steps.push(`${step} ${conversationId}`))
      await append(store, OTHER, 'm1')
      await store.flush(CHAT)
      await until(() => steps.length >= 2, { what: 'two steps' })
      await stop()
      await store.drop(CHAT)
      expect(steps).to.deep.equal([`opened ${OTHER}`, `sealed ${CHAT}`])
    })

    it('reports how open batches grow, until the follower stops', async () => {
      const { store } = await make(PATIENT)
      const { db } = await store.open()
      const grown: Growth[] = []
      const stop = await store.followGrowth({ grew: growth => grown.push(growth), missed: () => {} })
      const { batchId = '' } = await append(store, CHAT, 'm1')
      await append(store, CHAT, 'm2', 'm3')
      await until(() => grown.length >= 2, { what: 'two updates' })
      await stop()
      await append(store, CHAT, 'm4')
      const about = { conversationId: CHAT, batchId, dueInMs: PATIENT.quietGapMs, db }
      expect(grown.map(({ added: _added, atMs: _atMs, ...growth }) => growth)).to.deep.equal([
        { ...about, count: 1 },
        { ...about, count: 3 },
      ])
    })

    it('publishes nothing to a listener that has stopped', async () => {
      const { store } = await make(PATIENT)
      const received = await listener(store)
      expect(received.subscribed).to.deep.equal(subscribedIn(store))
      await received.stop()
      await received.stop()
      expect(await append(store, CHAT, 'm1')).to.include({ listeners: 0 })
      expect(received.news).to.deep.equal([])
    })
  })
}

/** A subscription of each partition. */
const subscribedIn = ({ partitions }: Store): StoreEvent[] =>
  partitions === 1
    ? [{ kind: 'subscribed' }]
    : Array.from({ length: partitions }, (_, partition) => ({ kind: 'subscribed', partition }))

/** Collects all events: the subscriptions before any news, and the news. `first(n)` waits for the first n of these. */
async function listener(store: Store) {
  const subscribed: StoreEvent[] = []
  const news: StoreEvent[] = []
  const stop = await store.listen(event => {
    // Only Redis has shadow keys that expire.
    if (event.kind === 'expired') return
    if (event.kind === 'subscribed' && news.length === 0) subscribed.push(event)
    else news.push(event)
  })
  await until(() => subscribed.length === store.partitions, { what: 'the subscriptions' })
  subscribed.sort((a, b) => partitionIn(a) - partitionIn(b))
  const { db } = await store.open()
  return {
    subscribed,
    news,
    stop,
    about: (conversationId: string) => ({
      kind: 'next-due',
      db,
      conversationId,
      ...(store.partitions === 1 ? {} : { partition: partitionOfConversation(conversationId, store.partitions) }),
    }),
    first: async (count: number) => {
      await until(() => news.length >= count, { what: `${count} events` })
      return news.slice(0, count)
    },
  }
}

const partitionIn = (event: StoreEvent) => ('partition' in event ? (event.partition ?? 0) : 0)
