/** What the page makes of what it is told: steps and growth may come in any order, twice, late, or not at all. */
import { expect } from 'chai'

// As the browser gets it: without types.
const { Model } = await import(new URL('../../../src/dashboard/model.js', import.meta.url).href)

const RULES = { quietGapMs: 10_000, maxWaitMs: 60_000, order: 'serial' }
const A = 'a@c.us'

describe('page: model', () => {
  let model: InstanceType<typeof Model>

  const step = (name: string, batchId: string, atMs: number, detail: Record<string, string> = {}) =>
    model.apply({ step: name, conversationId: A, batchId, atMs, detail })
  const grow = (batchId: string, count: number, dueMs: number) =>
    model.grow({ conversationId: A, batchId, count }, dueMs)
  const a = () => model.conversations.get(A)

  beforeEach(() => {
    model = new Model()
    model.start(RULES, [], [], 0)
  })

  it('knows an open batch from its first step, and how it grows from its growth', () => {
    step('opened', 'b1', 1000, { count: '1' })
    expect(a().open).to.deep.equal({ batchId: 'b1', count: 1, firstMs: 1000, dueMs: 11_000 })
    grow('b1', 3, 15_000)
    expect(a().open).to.deep.equal({ batchId: 'b1', count: 3, firstMs: 1000, dueMs: 15_000 })
  })

  it('takes the growth first, where the step comes later', () => {
    grow('b1', 2, 15_000)
    step('opened', 'b1', 1000, { count: '1' })
    expect(a().open).to.deep.equal({ batchId: 'b1', count: 2, firstMs: 1000, dueMs: 15_000 })
  })

  it('is not told again of a batch that was taken', () => {
    step('opened', 'b1', 1000)
    step('claimed', 'b1', 11_000, { reason: 'gap', lateMs: '2' })
    step('handed-over', 'b1', 11_001)
    step('answered', 'b1', 12_000)
    expect(grow('b1', 2, 15_000)).to.equal(false)
    expect(model.conversations.size).to.equal(0)
  })

  it('keeps the next batch behind the one that holds its conversation', () => {
    step('opened', 'b1', 1000)
    step('claimed', 'b1', 11_000, { reason: 'gap' })
    step('handed-over', 'b1', 11_001)
    grow('b2', 1, 22_000)
    expect(a().held).to.include({ batchId: 'b1', state: 'answering' })
    expect(a().open).to.include({ batchId: 'b2', count: 1 })
    step('answered', 'b1', 12_000)
    expect(a().held).to.equal(undefined)
    expect(a().open).to.include({ batchId: 'b2' })
  })

  it('does not take a sealed batch for an open one', () => {
    step('opened', 'b1', 1000)
    step('sealed', 'b1', 2000, { count: '100', reason: 'maxMessages' })
    grow('b1', 100, 2000)
    expect(a()).to.deep.include({ open: undefined, sealed: [{ batchId: 'b1', count: 100 }] })
  })

  it('after a look at everything keeps the counts that it knows, and does not make up others', () => {
    grow('b1', 5, 15_000)
    const opened = (conversationId: string, batchId: string) => ({
      step: 'opened',
      conversationId,
      batchId,
      atMs: 1000,
      detail: { count: '1' },
    })
    const waiting = [A, 'c@c.us', 'd@c.us'].map(conversationId => ({ conversationId, state: 'open', dueInMs: 4000 }))
    model.start(RULES, [opened(A, 'b1'), opened('c@c.us', 'b2'), opened('gone@c.us', 'b3')], waiting, 10_000)
    expect([...model.conversations.keys()]).to.deep.equal([A, 'c@c.us', 'd@c.us'])
    expect(a().open).to.deep.equal({ batchId: 'b1', count: 5, firstMs: 1000, dueMs: 14_000 })
    expect(model.conversations.get('c@c.us').open.count, 'more may have come since').to.equal(undefined)
    expect(model.conversations.get('d@c.us').open).to.deep.equal({ dueMs: 14_000 })
    model.look(model.conversations.get('d@c.us'), { batchId: 'b4', count: 2, firstAtMs: 500 })
    expect(model.conversations.get('d@c.us').open).to.deep.equal({
      dueMs: 14_000,
      batchId: 'b4',
      count: 2,
      firstMs: 500,
    })
  })

  it('holds a bounded number of conversations, and says that there are more', () => {
    for (let i = 0; i < 5000; i++) model.grow({ conversationId: `c${i}`, batchId: `b${i}`, count: 1 }, 1000)
    expect(model.conversations.size).to.equal(2000)
    expect(model.isPartial).to.equal(true)
  })

  it('counts releases by minute and reason, and takes the lateness of the last ten minutes', () => {
    for (let i = 0; i < 100; i++) step('claimed', `b${i}`, 600_000 + i, { reason: 'gap', lateMs: String(i) })
    step('claimed', 'x', 660_000, { reason: 'maxWait', lateMs: '7' })
    model.sum({ reasons: { gap: 10 }, lateMs: [5, 5], steps: {} }, 660_000)
    expect(Object.fromEntries(model.minutes)).to.deep.equal({ 10: { gap: 100 }, 11: { maxWait: 1, gap: 10 } })
    expect(model.lateness(661_000)).to.deep.equal({ count: 103, p50: 48, p99: 98 })
    expect(model.lateness(1_260_001)).to.deep.equal({ count: 0, p50: undefined, p99: undefined })
  })
})
