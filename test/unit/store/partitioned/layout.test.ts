import { expect } from 'chai'
import { partitionOfConversation, partitionPrefixes } from '../../../../src/store/partitioned/layout.js'
import { SLOTS, slotOf } from '../../../../src/store/redis/slots.js'

const PREFIXES = [
  'rapid-fire',
  'a',
  'bot',
  'lull',
  'x-1',
  'prod',
  'ünïcode',
  'shop/eu',
  'test',
  'longer-than-the-others',
]
const MOST = 1024
/** All of them would take half a minute. */
const COUNTS = [1, 2, 3, 4, 5, 7, 16, 31, 64, 100, 255, 256, 511, 512, 1000, 1023, MOST]

describe('the layout of partitions', () => {
  for (const prefix of PREFIXES)
    it(`puts each partition of ${prefix} into its own equal range of slots, under a name of its own`, () => {
      for (const count of COUNTS) {
        const prefixes = partitionPrefixes(prefix, count)
        expect(new Set(prefixes), String(count)).to.have.lengthOf(count)
        const partitions = prefixes.map(tag => Math.floor((slotOf(`${tag}:any`) * count) / SLOTS))
        expect(partitions, String(count)).to.deep.equal(prefixes.map((_, partition) => partition))
      }
    })

  it('spreads conversations evenly', () => {
    const counts = new Array(64).fill(0)
    for (let i = 0; i < 64_000; i++) counts[partitionOfConversation(`shop/7999${i}@c.us`, 64)] += 1
    expect(Math.min(...counts)).to.be.above(850)
    expect(Math.max(...counts)).to.be.below(1150)
  })

  it('never changes: stored conversations would be looked for elsewhere', () => {
    expect(partitionPrefixes('rapid-fire', 4)).to.deep.equal(FOUR)
    expect(['a', 'shop/79990000011@c.us', 'ü'].map(id => partitionOfConversation(id, 64))).to.deep.equal(OF_64)
  })
})

const FOUR = ['{rapid-fire/0}', '{rapid-fire/1}', '{rapid-fire/2}', '{rapid-fire/3}']
/** As Python's `zlib.crc32(id.encode()) % 64` has them. */
const OF_64 = [3, 22, 21]
