import { expect } from 'chai'
import { newBatchId, partitionOf } from '../../../src/store/batch-id.js'

describe('Batch ids', () => {
  it('name their partition, whichever it is', () => {
    for (let partition = 0; partition < 4096; partition++) {
      const batchId = newBatchId(partition)
      expect(batchId).to.match(/^p[\w-]{18}$/)
      expect(partitionOf(batchId)).to.equal(partition)
      expect(partitionOf(`${batchId}-12`)).to.equal(partition)
    }
  })

  it('of a store without partitions are of partition 0', () => {
    const batchId = newBatchId()
    expect(batchId).to.match(/^b[\w-]{16}$/)
    expect(partitionOf(batchId)).to.equal(0)
  })

  it('are read as partition 0 where somebody else made them', () => {
    for (const foreign of ['', '7', 'p', 'pBA', 'payment-4711', 'p!!aaaaaaaaaaaaaaaa', `${newBatchId(65)}x`])
      expect(partitionOf(foreign), foreign).to.equal(0)
  })

  it('are distinct', () => {
    const ids = Array.from({ length: 1000 }, (_, at) => newBatchId(at % 2 ? at : undefined))
    expect(new Set(ids).size).to.equal(1000)
  })
})
