import { expect } from 'chai'
import { Ranks } from '../../../src/processor/ranks.js'

const PARTITIONS = 64

/** Names as processors have them: they differ in few characters. */
const processors = (count: number) => Array.from({ length: count }, (_, i) => `lull.processor.host.${4000 + i}.a1b2c3`)

const slacksOf = (owner: string, members: string[], partitions = PARTITIONS) => {
  const ranks = new Ranks(owner)
  ranks.set(members, partitions)
  return Array.from({ length: partitions }, (_, partition) => ranks.slackMs(partition))
}

describe('ranks', () => {
  for (const count of [2, 3, 5, 8]) {
    it(`of ${count} processors one claims each partition at once, and one half a second later`, () => {
      const members = processors(count)
      const all = members.map(owner => slacksOf(owner, members))
      for (let partition = 0; partition < PARTITIONS; partition++) {
        const slacks = all.map(slack => slack[partition])
        expect(slacks.filter(slack => slack === 0)).to.have.length(1)
        expect(slacks.filter(slack => slack === 500)).to.have.length(1)
      }
    })

    it(`each of ${count} processors goes first in about its share of the partitions`, () => {
      const members = processors(count)
      for (const owner of members) {
        const first = slacksOf(owner, members, 1024).filter(slack => slack === 0).length
        expect(first).to.be.within((1024 / count) * 0.7, (1024 / count) * 1.3)
      }
    })
  }

  it('the end of one processor changes only the partitions that it had', () => {
    const [gone = '', ...left] = processors(4)
    for (const owner of left) {
      const before = slacksOf(owner, [gone, ...left])
      const after = slacksOf(owner, left)
      const ofGone = slacksOf(gone, [gone, ...left])
      for (const [partition, slack] of before.entries())
        if (ofGone[partition] === undefined) expect(after[partition]).to.equal(slack)
    }
  })

  it('a processor learns which partitions it ranks better for when another one is gone', () => {
    const [own = '', other = ''] = processors(2)
    const ranks = new Ranks(own)
    expect(ranks.set([own, other], PARTITIONS)).to.deep.equal([])
    const second = slacksOf(own, [own, other]).flatMap((slack, partition) => (slack === 500 ? [partition] : []))
    expect(second).to.have.length.within(10, 54)
    expect(ranks.set([own], PARTITIONS)).to.deep.equal(second)
  })

  it('a processor that does not know itself to be listed, or knows nobody, goes first everywhere', () => {
    expect(slacksOf('me', [])).to.deep.equal(new Array(PARTITIONS).fill(0))
    expect(new Ranks('me').slackMs(3)).to.equal(0)
  })

  it('heartbeats are 30 s apart for the first and 150 s for the second, spread by a fifth, and none for others', () => {
    const members = processors(3)
    for (const owner of members)
      for (const [random, factor] of [
        [0, 0.8],
        [0.5, 1],
        [1, 1.2],
      ] as const) {
        const ranks = new Ranks(owner, () => random)
        ranks.set(members, PARTITIONS)
        for (let partition = 0; partition < PARTITIONS; partition++) {
          const slackMs = ranks.slackMs(partition)
          const heartbeatMs = slackMs === 0 ? 30_000 : slackMs === 500 ? 150_000 : Number.POSITIVE_INFINITY
          expect(Math.round(ranks.heartbeatMs(partition))).to.equal(Math.round(heartbeatMs * factor))
        }
      }
  })

  it('without other processors to meet, as on one partition, the heartbeat is 30 s', () => {
    expect(new Ranks('me').heartbeatMs(0)).to.equal(30_000)
  })
})
