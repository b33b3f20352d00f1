/** What the playground says of the bots that it compares. */
import { expect } from 'chai'
import { pageModule } from './page-module.js'

const { Comparison } = await pageModule('play/comparison')

describe('page: comparison', () => {
  let comparison: InstanceType<typeof Comparison>
  const run = (mode: string, event: string, batchId: string, ids: string[], atMs: number) =>
    comparison.run(mode, { event, batchId, ids }, atMs)

  beforeEach(() => {
    comparison = new Comparison()
    comparison.wrote(['m1'], 1000)
    comparison.wrote(['m2'], 3000)
  })

  it('a reply’s time is counted from the last message that it answers', () => {
    run('queue', 'begun', 'b1', ['m1', 'm2'], 13_000)
    run('queue', 'worked', 'b1', ['m1', 'm2'], 21_000)
    run('queue', 'replied', 'b1', ['m1', 'm2'], 21_001)
    expect(comparison.lanes.queue.replies).to.deep.equal([{ atMs: 21_001, afterMs: 18_001, count: 2 }])
    expect(comparison.lanes.queue.isIdle).to.equal(true)
    expect(comparison.isIdle).to.equal(false)
  })

  it('a run is wasted only if newer messages have superseded it', () => {
    run('supersede', 'begun', 'b1', ['m1'], 2500)
    expect(comparison.lanes.supersede.wasted).to.equal(0)
    run('supersede', 'superseded', 'b1', ['m1'], 3000)
    run('supersede', 'begun', 'b2', ['m1', 'm2'], 5000)
    run('supersede', 'replied', 'b2', ['m1', 'm2'], 13_000)
    const { wasted, runs, replies } = comparison.lanes.supersede
    expect({ wasted, runs: runs.size, replies: replies.length }).to.deep.equal({ wasted: 1, runs: 2, replies: 1 })
  })

  it('says how much sooner the early start replied once both have replied', () => {
    run('supersede', 'replied', 'b1', ['m1', 'm2'], 13_000)
    expect(comparison.soonerMs).to.equal(undefined)
    run('queue', 'replied', 'b2', ['m1', 'm2'], 21_000)
    expect(comparison.soonerMs).to.equal(8000)
  })

  it('a message begins a new round if all bots have answered everything, else it belongs to the same one', () => {
    for (const mode of ['lines', 'queue']) run(mode, 'replied', 'b1', ['m1', 'm2'], 21_000)
    comparison.wrote(['m3'], 22_000)
    expect(comparison.firstMs).to.equal(1000)
    for (const mode of ['lines', 'queue', 'supersede']) run(mode, 'replied', 'b2', ['m1', 'm2', 'm3'], 40_000)
    comparison.wrote(['m4'], 50_000)
    expect(comparison.firstMs).to.equal(50_000)
    expect(comparison.lanes.queue.replies).to.deep.equal([])
  })

  it('a restart loses what the thirty lines had collected, and nothing of the others', () => {
    comparison.lanes.lines.lose(['m1', 'm2'])
    expect(comparison.lanes.lines).to.include({ isIdle: true, isLost: true })
    expect(comparison.lanes.queue.isLost).to.equal(false)
  })

  it('a lost engine ends its lanes and says why, and compares nothing', () => {
    run('queue', 'begun', 'b1', ['m1', 'm2'], 13_000)
    comparison.engineLost('a comparison takes 2000 messages at most: reload the page')
    expect(comparison.lanes.queue).to.include({ isIdle: true, isLost: true })
    expect(comparison.lanes.lines.isIdle).to.equal(false)
    expect(comparison.trouble).to.match(/reload the page/)
    expect(comparison.soonerMs).to.equal(undefined)
  })
})
