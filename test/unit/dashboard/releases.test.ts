/** What the page counts of releases. */
import { expect } from 'chai'
import { pageModule } from './page-module.js'

const { Releases } = await pageModule('releases')

const claim = (atMs: number, reason: string, lateMs: number) => ({
  step: 'claimed',
  atMs,
  detail: { reason, lateMs: `${lateMs}` },
})

describe('page: releases', () => {
  it('are counted by minute and reason, with the lateness of the last ten minutes', () => {
    const releases = new Releases()
    releases.start([{ step: 'opened', atMs: 1, detail: {} }])
    for (let i = 0; i < 100; i++) releases.apply(claim(600_000 + i, 'gap', i))
    releases.apply(claim(660_000, 'maxWait', 7))
    releases.sum({ reasons: { gap: 10 }, lateMs: [5, 5], steps: {} }, 660_000)
    expect(Object.fromEntries(releases.minutes)).to.deep.equal({ 10: { gap: 100 }, 11: { maxWait: 1, gap: 10 } })
    expect(releases.lateness(661_000)).to.deep.equal({ count: 103, p50: 48, p99: 98 })
    expect(releases.lateness(1_260_001)).to.deep.equal({ count: 0, p50: undefined, p99: undefined })
    expect(releases.since(660_000)).to.equal(3)
  })

  it('are counted with those that were superseded, one by one and summed up', () => {
    const releases = new Releases()
    releases.start([{ step: 'superseded', atMs: 1000, detail: {} }])
    releases.apply({ step: 'superseded', atMs: 50_000, detail: {} })
    releases.sum({ reasons: {}, lateMs: [], steps: { superseded: 3 } }, 60_000)
    expect(releases.supersededSince(50_000)).to.equal(4)
    releases.start([])
    expect(releases.supersededSince(0)).to.equal(0)
  })

  it('are unknown before the history that was read, where there is more of it', () => {
    const releases = new Releases()
    releases.start(Array.from({ length: 1000 }, (_, i) => claim(5000 + i, 'gap', 0)))
    expect(releases.knownFromMs).to.equal(5000)
    releases.start([claim(5000, 'gap', 0)])
    expect(releases.knownFromMs).to.equal(0)
  })
})
