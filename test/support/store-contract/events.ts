/** What a store publishes. */
import { expect } from 'chai'
import type { Growth, Store, StoreEvent } from '../../../src/store/store.js'
import { until } from '../wait.js'
import type { Make } from './checked.js'
import { append, CHAT, claimed, OTHER, PATIENT } from './messages.js'

export function eventTests(make: Make): void {
  describe('listen', () => {
    it('publishes subscribed, then each batch that becomes the first due, and nothing else', async () => {
      const { store } = await make(PATIENT)
      const received = await listener(store)
      const { batchId, listeners } = await append(store, CHAT, 'm1')
      expect(listeners).to.equal(1)
      await append(store, CHAT, 'm1')
      await append(store, CHAT, 'm2')
      await append(store, OTHER, 'm1')
      await store.extend(CHAT, 2 * PATIENT.quietGapMs)
      const sooner = await store.flush(OTHER)
      await store.flush(CHAT)
      const about = { kind: 'next-due', db: received.db }
      expect(await received.first(3)).to.deep.equal([
        { kind: 'subscribed' },
        { ...about, conversationId: CHAT, batchId, dueInMs: PATIENT.quietGapMs },
        { ...about, conversationId: OTHER, batchId: sooner?.batchId, dueInMs: 0 },
      ])
      expect(received.all).to.have.lengthOf(3)
    })

    it('publishes every due time while another batch is long overdue, as no processor may know that one', async () => {
      const { store, pass } = await make({ ...PATIENT, quietGapMs: 30, batchTtlMs: 600_000 })
      await append(store, CHAT, 'm1')
      const received = await listener(store)
      await pass(500)
      await append(store, OTHER, 'm1')
      await pass(700)
      const { batchId } = await append(store, OTHER, 'm2')
      expect(await received.first(2)).to.deep.equal([
        { kind: 'subscribed' },
        { kind: 'next-due', db: received.db, conversationId: OTHER, batchId, dueInMs: 30 },
      ])
    })

    it('publishes nothing for a held conversation before the hold ends', async () => {
      const { store } = await make({ ...PATIENT, quietGapMs: 30, batchTtlMs: 600_000 })
      const first = await claimed(store)
      const received = await listener(store)
      const { batchId } = await append(store, CHAT, 'm2')
      await store.flush(CHAT)
      await append(store, OTHER, 'm1')
      await store.answered(first.batchId, 'completed')
      const about = { kind: 'next-due', db: received.db }
      const [, other, freed] = await received.first(3)
      expect(other).to.include({ ...about, conversationId: OTHER, dueInMs: 30 })
      expect(freed).to.deep.equal({ ...about, conversationId: CHAT, batchId, dueInMs: 0 })
    })

    it('publishes next-due for a batch that was given back', async () => {
      const { store } = await make(PATIENT)
      const { batchId } = await claimed(store)
      const received = await listener(store)
      await store.giveBack('processor-1')
      const [, update] = await received.first(2)
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
      await received.first(1)
      await received.stop()
      await received.stop()
      expect(await append(store, CHAT, 'm1')).to.include({ listeners: 0 })
      expect(received.all).to.have.lengthOf(1)
    })
  })
}

/** Collects all events. `first(n)` resolves to the first n once they have come. */
async function listener(store: Store) {
  const all: StoreEvent[] = []
  const waiting: { count: number; resolve: (events: StoreEvent[]) => void }[] = []
  const stop = await store.listen(event => {
    // Only Redis has shadow keys that expire.
    if (event.kind === 'expired') return
    all.push(event)
    for (const { count, resolve } of waiting) if (all.length >= count) resolve(all.slice(0, count))
  })
  const { db } = await store.open()
  return {
    all,
    stop,
    db,
    first: (count: number) =>
      new Promise<StoreEvent[]>(resolve => {
        if (all.length >= count) resolve(all.slice(0, count))
        else waiting.push({ count, resolve })
      }),
  }
}
