import { expect } from 'chai'
import { shardOf, shardPrefixes } from '../../../src/handover/queue-shards.js'
import { newBatchId } from '../../../src/store/batch-id.js'
import { slotOf } from '../../../src/store/redis/slots.js'

const prefixesOf = (prefix: string, shards: number, isCluster: boolean, name = 'messages') =>
  shardPrefixes({ name, prefix, shards }, isCluster)

describe('The shards of a queue', () => {
  it('are one under the prefix as it is on one Redis', () => {
    for (const prefix of ['bull', 'a:b', '{bull}', 'a{b']) expect(prefixesOf(prefix, 1, false)).to.deep.equal([prefix])
  })

  it('are one under {bull} on a Cluster, or under a prefix that has braces', () => {
    expect(prefixesOf('bull', 1, true)).to.deep.equal(['{bull}'])
    for (const prefix of ['{bull}', 'a{b}c', '{a}{b}']) expect(prefixesOf(prefix, 1, true)).to.deep.equal([prefix])
    expect(prefixesOf('jobs', 1, true, '{messages}')).to.deep.equal(['jobs'])
  })

  it('are refused on a Cluster without braces that Redis takes as such, with the remedy', () => {
    for (const prefix of ['jobs', '{}jobs', '{jobs', 'jobs}'])
      expect(() => prefixesOf(prefix, 1, true), prefix).to.throw(RangeError, `set it to {${prefix}}`)
  })

  it('have a hash tag each, in which the prefix stays', () => {
    expect(prefixesOf('bull', 3, true)).to.deep.equal(['{bull/0}', '{bull/1}', '{bull/2}'])
    expect(prefixesOf('bull', 2, false)).to.deep.equal(['{bull/0}', '{bull/1}'])
    expect(prefixesOf('x{eu}:y', 2, true)).to.deep.equal(['x{eu/0}:y', 'x{eu/1}:y'])
  })

  it('keep all keys of a queue in one slot', () => {
    for (const prefix of [
      ...prefixesOf('bull', 3, true),
      ...prefixesOf('bull', 1, true),
      ...prefixesOf('a{b}', 2, true),
    ])
      for (const key of ['wait', 'events', newBatchId(3)])
        expect(slotOf(`${prefix}:messages:${key}`)).to.equal(slotOf(`${prefix}:messages`))
  })

  it('take the partitions in turn', () => {
    for (let partition = 0; partition < 64; partition++)
      expect(shardOf(newBatchId(partition), 3)).to.equal(partition % 3)
    expect(shardOf(newBatchId(), 3)).to.equal(0)
  })
})
