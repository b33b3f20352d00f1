/** What a processor counts of a batch that was superseded after its handover. */
import { expect } from 'chai'
import { silent } from '../../../src/logger.js'
import { Withdrawals } from '../../../src/processor/withdrawals.js'

/** What is counted after a notice, by a processor that has handed the batch over itself, or only waits for its answer. */
async function countedOf(known: { isOwn: boolean } | undefined, isRunning: boolean, removed?: string[]) {
  const counted: string[] = []
  const withdrawals = new Withdrawals({
    handover: removed ? { withdraw: async () => removed } : {},
    answers: { forget: () => known },
    log: silent,
    observer: { superseded: when => void counted.push(when) },
  })
  withdrawals.onSuperseded('b', isRunning)
  await new Promise(setImmediate)
  return counted
}

describe('a superseded batch', () => {
  it('that its receiver works on counts as running in the processor that handed it over, and in no other', async () => {
    expect(await countedOf({ isOwn: true }, false)).to.deep.equal(['running'])
    expect(await countedOf({ isOwn: false }, false)).to.deep.equal([])
    expect(await countedOf(undefined, false)).to.deep.equal([])
  })

  it('whose call was aborted is not counted again', async () => {
    expect(await countedOf({ isOwn: true }, true)).to.deep.equal([])
  })

  it('counts as waiting where its job was removed, whoever handed it over', async () => {
    for (const isOwn of [true, false]) {
      expect(await countedOf({ isOwn }, false, ['b'])).to.deep.equal(['waiting'])
      expect(await countedOf({ isOwn }, false, [])).to.deep.equal([])
    }
  })
})
