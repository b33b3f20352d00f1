import { expect } from 'chai'
import { withArrivals } from '../../../src/history/arrivals.js'
import type { HistoryEntry } from '../../../src/store/store.js'

const entry = (atMs: number, step: string, batchId: string, detail: Record<string, string> = {}): HistoryEntry => ({
  id: `${atMs}-0`,
  atMs,
  step,
  conversationId: 'c',
  batchId,
  detail,
})

const claimed = (atMs: number, batchId: string, firstAtMs: number, at: number[]) =>
  entry(atMs, 'claimed', batchId, {
    reason: 'gap',
    ids: JSON.stringify(at.map((_, i) => `${batchId}m${i + 1}`)),
    at: JSON.stringify(at),
    firstAtMs: String(firstAtMs),
  })

/** The steps with arrivals, oldest first: `<time> <step> <batch> <count> <ids>`. */
const stepsOf = (...oldestFirst: HistoryEntry[]) =>
  withArrivals(oldestFirst.toReversed())
    .toReversed()
    .map(({ atMs, step, batchId, detail }) =>
      [atMs, step, batchId, detail['count'], detail['ids']].filter(Boolean).join(' '),
    )

describe('arrivals', () => {
  it('are steps in order of time, one for each moment', () => {
    expect(
      stepsOf(
        entry(100, 'opened', 'a', { count: '2', ids: '["am1"]' }),
        entry(250, 'extended', 'a'),
        claimed(400, 'a', 100, [0, 0, 50, 50, 200]),
        entry(500, 'answered', 'a'),
      ),
    ).to.deep.equal([
      '100 opened a 2 ["am1","am2"]',
      '150 appended a 4 ["am3","am4"]',
      '250 extended a',
      '300 appended a 5 ["am5"]',
      '400 claimed a',
      '500 answered a',
    ])
  })

  it('are derived for each batch, also while one collects and another waits', () => {
    expect(
      stepsOf(
        entry(100, 'opened', 'a', { count: '1' }),
        entry(120, 'sealed', 'a'),
        entry(130, 'opened', 'b', { count: '1' }),
        claimed(150, 'a', 100, [0, 20]),
        entry(160, 'answered', 'a'),
        claimed(200, 'b', 130, [0, 10, 40]),
      ),
    ).to.deep.equal([
      '100 opened a 1 ["am1"]',
      '120 appended a 2 ["am2"]',
      '120 sealed a',
      '130 opened b 1 ["bm1"]',
      '140 appended b 2 ["bm2"]',
      '150 claimed a',
      '160 answered a',
      '170 appended b 3 ["bm3"]',
      '200 claimed b',
    ])
  })

  it('are derived once for a batch that was claimed twice, and from its first message if its first steps were trimmed', () => {
    expect(
      stepsOf(claimed(150, 'a', 100, [0, 20]), entry(160, 'dead', 'a'), claimed(300, 'a', 100, [0, 20])),
    ).to.deep.equal([
      '100 appended a 1 ["am1"]',
      '120 appended a 2 ["am2"]',
      '150 claimed a',
      '160 dead a',
      '300 claimed a',
    ])
  })

  it('are derived for the waiting messages that are given', () => {
    const waiting = [100, 100, 130, 200].map((receivedAtMs, i) => ({
      batchId: 'a',
      receivedAtMs,
      message: { messageId: `am${i + 1}`, type: 'text' as const },
    }))
    const history = [entry(100, 'opened', 'a', { count: '2' }), entry(150, 'extended', 'a')]
    expect(
      withArrivals(history.toReversed(), waiting).map(({ atMs, step, detail }) => [atMs, step, detail['ids']]),
    ).to.deep.equal([
      [200, 'appended', '["am4"]'],
      [150, 'extended', undefined],
      [130, 'appended', '["am3"]'],
      [100, 'opened', '["am1","am2"]'],
    ])
  })

  it('are derived once for a redriven batch that waits again', () => {
    const message = { messageId: 'am1', type: 'text' as const }
    const history = [
      entry(100, 'opened', 'a', { count: '1', ids: '["am1"]' }),
      claimed(150, 'a', 100, [0, 20]),
      entry(160, 'dead', 'a'),
      entry(300, 'redriven', 'a', { count: '2' }),
    ]
    const known = withArrivals(history.toReversed())
    const waiting = [100, 120].map(receivedAtMs => ({ batchId: 'a', receivedAtMs, message }))
    expect(withArrivals(known, waiting)).to.deep.equal(known)
  })

  it('do not name another message in the place of one that was revoked', () => {
    const opened = (count: string) => entry(100, 'opened', 'a', { count, ids: '["revoked"]' })
    expect(stepsOf(opened('1'), claimed(150, 'a', 120, [0, 10]))).to.deep.equal([
      '100 opened a 1 ["revoked"]',
      '120 appended a 1 ["am1"]',
      '130 appended a 2 ["am2"]',
      '150 claimed a',
    ])
    const threeOfWhichOneWasRevoked = entry(100, 'opened', 'a', { count: '3', ids: '["am1"]' })
    expect(stepsOf(threeOfWhichOneWasRevoked, claimed(150, 'a', 100, [0, 0, 30]))).to.deep.equal([
      '100 opened a 3 ["am1","am2"]',
      '130 appended a 3 ["am3"]',
      '150 claimed a',
    ])
  })

  it('are not derived from a step that names no messages, or none that can be read', () => {
    const bare = entry(150, 'claimed', 'a', { reason: 'gap' })
    expect(stepsOf(entry(100, 'opened', 'a', { count: '1', ids: '["am1"]' }), bare)).to.deep.equal([
      '100 opened a 1 ["am1"]',
      '150 claimed a',
    ])
    const odd = entry(150, 'claimed', 'a', { ids: '{', at: '"x"', firstAtMs: '-' })
    expect(stepsOf(odd)).to.deep.equal(['150 claimed a'])
  })

  describe('of a batch that replaced others', () => {
    const replaced = (openedAtMs: number, at: number[]) => [
      entry(100, 'opened', 'a', { count: '1', ids: '["am1"]' }),
      claimed(160, 'a', 100, [0, 20]),
      entry(openedAtMs, 'opened', 'b', { count: '3', ids: '["bm1"]', supersedes: 'a' }),
      entry(openedAtMs, 'superseded', 'a', { count: '2', by: 'b' }),
      claimed(900, 'b', 100, at),
    ]
    const openedOf = (history: HistoryEntry[]) =>
      withArrivals(history.toReversed()).find(({ step, batchId }) => step === 'opened' && batchId === 'b')

    it('come with the message that opened it, at that time, and those that came back are counted', () => {
      const history = replaced(303, [0, 20, 200, 260])
      expect(stepsOf(...history)).to.deep.equal([
        '100 opened a 1 ["am1"]',
        '120 appended a 2 ["am2"]',
        '160 claimed a',
        '300 opened b 3 ["bm1","bm2","bm3"]',
        '303 superseded a 2',
        '360 appended b 4 ["bm4"]',
        '900 claimed b',
      ])
      expect(openedOf(history)?.detail).to.deep.include({ back: '2', at: '[0,20,200]', firstAtMs: '100' })
    })

    it('are the same if they are derived twice', () => {
      const once = withArrivals(replaced(303, [0, 20, 200, 260]).toReversed())
      expect(withArrivals(once)).to.deep.equal(once)
    })

    it('all come back where an edit replaced it, and it opens then', () => {
      const [first, taken, opened, superseded, again] = replaced(303, [0, 20])
      const edited = { ...opened!, detail: { ...opened!.detail, count: '2' } }
      const history = [first!, taken!, edited, superseded!, again!]
      expect(openedOf(history)).to.deep.include({ atMs: 303 })
      expect(openedOf(history)?.detail).to.deep.include({ count: '2', back: '2', ids: '["bm1","bm2"]' })
    })
  })
})
