/** What becomes of the wait for an answer when newer messages supersede its batch, and what the receiver is asked. */
import { expect } from 'chai'
import type { Handover } from '../../../src/handover/handover.js'
import { silent } from '../../../src/logger.js'
import { Answers } from '../../../src/processor/answers.js'
import { Withdrawals } from '../../../src/processor/withdrawals.js'
import { MemoryStore } from '../../../src/store/memory/store.js'
import { until } from '../../support/wait.js'

describe('the answer to a superseded batch', () => {
  function withdrawing(withdraw?: (batchIds: string[]) => Promise<string[]>) {
    const reported: string[] = []
    const counted: string[] = []
    const asked: string[] = []
    const store = new MemoryStore()
    store.answered = async batchId => {
      reported.push(batchId)
      return { freed: true }
    }
    const observer = {
      superseded: (when: string) => void counted.push(when),
      answered: () => void counted.push('answered'),
    }
    const handover: Pick<Handover, 'states' | 'withdraw'> = withdraw
      ? {
          withdraw: (batchIds: string[]) => {
            asked.push(...batchIds)
            return withdraw(batchIds)
          },
        }
      : {}
    const answers = new Answers({ store, handover, timer: { due() {} }, log: silent, observer })
    const withdrawals = new Withdrawals({ handover, answers, log: silent, observer })
    return { answers, withdrawals, reported, counted, asked }
  }

  it('is not waited for, and the removal of its job is none', async () => {
    const { answers, withdrawals, reported, counted, asked } = withdrawing(async ids => ids)
    answers.remember('b1', 'c1')
    withdrawals.onSuperseded('b1', false)
    await until(() => counted.length > 0, { what: 'the removal' })
    await answers.onAnswered('b1', 'removed')
    expect(asked).to.deep.equal(['b1'])
    expect(reported).to.deep.equal([])
    expect(counted).to.deep.equal(['waiting'])
  })

  it('is left to the processor that waits for it', async () => {
    const { withdrawals, asked } = withdrawing(async ids => ids)
    withdrawals.onSuperseded('b1', false)
    expect(asked).to.deep.equal([])
  })

  it('is counted by the worker that has taken its job, and not here', async () => {
    const { answers, withdrawals, counted, asked } = withdrawing(async () => [])
    answers.remember('b1', 'c1')
    await withdrawals.withdraw('b1')
    expect(asked).to.deep.equal(['b1'])
    expect(counted).to.deep.equal([])
  })

  for (const [what, withdraw] of [
    ['is away', () => Promise.reject(new Error('away'))],
    ['cannot remove batches', undefined],
  ] as const)
    it(`is not waited for if the receiver ${what}`, async () => {
      const { answers, withdrawals, reported } = withdrawing(withdraw)
      answers.remember('b1', 'c1')
      await withdrawals.withdraw('b1')
      await answers.onAnswered('b1', 'completed')
      expect(reported).to.deep.equal([])
    })
})
