/**
 * Guarantee **meta**: what a program stores with a message reaches the handler as it was given, with its type. The
 * compiler checks each `@ts-expect-error`. For both stores: test/integration/batch-schema.test.ts.
 */
import { expect } from 'chai'
import {
  answering,
  type Batch,
  Batcher,
  type CommittingHandle,
  type Handle,
  MemoryStore,
  type NewMessage,
  Processor,
  toBullmq,
} from '../../src/index.js'
import { until } from '../support/wait.js'

interface Order {
  orderId: string
  items?: { name: string; count: number }[]
}

const META: Order = { orderId: 'o-1', items: [{ name: 'tea ☕', count: 2 }] }

describe('meta of a message', () => {
  const handed: Batch<Order>[] = []
  const releases: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const release of releases.splice(0).reverse()) await release()
    handed.length = 0
  })

  it('reaches the handler as it was given, and only with its message', async () => {
    const store = new MemoryStore({ quietGapMs: 20 })
    const batcher = new Batcher<Order>({ store })
    const processor = new Processor<Order>({
      store,
      handle: batch => {
        const [first] = batch.messages
        const id: string | undefined = first?.meta?.orderId
        expect(id).to.equal('o-1')
        handed.push(batch)
      },
    })
    releases.push(() => processor.stop())
    await processor.start()
    await batcher.append('a', [{ messageId: 'm1', text: 'hi', meta: META }, { messageId: 'm2' }])
    const batch = await until(() => handed[0])
    expect(batch.messages.map(({ meta }) => meta)).to.deep.equal([META, undefined])
    expect(batch.messages[1]).not.to.have.property('meta')
  })

  it('counts in the size of its batch, and stays when its text is edited', async () => {
    const store = new MemoryStore({ maxBytes: 1000 })
    const batcher = new Batcher({ store })
    await batcher.append('a', { messageId: 'm1', text: 'hi', meta: { note: 'x'.repeat(500) } })
    expect(await batcher.edit('a', 'm1', 'ho')).to.equal('edited')
    const { open, messages } = await batcher.conversation('a')
    expect(open?.bytes).to.be.above(500)
    expect(messages[0]?.message).to.deep.include({ text: 'ho', meta: { note: 'x'.repeat(500) } })
    expect(await batcher.append('a', { messageId: 'm2', meta: 'y'.repeat(500) })).to.include({ dueInMs: 0 })
    await batcher.close()
  })

  it('has a type wherever a batch has one', async () => {
    const store = new MemoryStore()
    const batcher = new Batcher<Order>({ store })
    const handle: Handle<Order> = ({ messages }) => messages[0]?.meta?.orderId
    const committing: CommittingHandle<Order> = async ({ messages }, { commit }) => {
      await commit()
      return messages[0]?.meta?.items?.[0]?.count
    }
    const message: NewMessage<Order> = { messageId: 'm1', meta: META }
    // @ts-expect-error It has no such field.
    const wrong: NewMessage<Order> = { messageId: 'm1', meta: { order: 'o-1' } }
    // @ts-expect-error A batcher of orders takes orders.
    void (() => batcher.append('a', { messageId: 'm1', meta: 5 }))
    // Its type comes from the handler.
    for (const each of [handle, committing]) await new Processor({ store, handle: each }).stop()
    // @ts-expect-error The handler expects another one.
    void (() => new Processor<{ no: 1 }>({ store, handle }))
    const work = () => answering<Order>({ name: 'batch', data: {} }, { batcher }).batch.messages[0]?.meta?.orderId
    expect([typeof toBullmq(committing, { batcher }), work, message, wrong]).to.have.length(4)
    await batcher.close()
  })
})
