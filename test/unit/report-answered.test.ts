import { expect } from 'chai'
import sinon from 'sinon'
import { silent } from '../../src/logger.js'
import { type AnswerReport, reportAnswered } from '../../src/report-answered.js'
import { MemoryStore } from '../../src/store/memory/store.js'
import { StoreUnavailable } from '../../src/store/store.js'

const REPLY_MS = 9000
const report = { batchId: 'b', outcome: 'completed', isFirst: true } as const

/** What is counted of a report, if the store replies `freed`. */
async function countedOf(given: Partial<AnswerReport>, freed: boolean, order: 'serial' | 'concurrent') {
  const counted: (string | number | undefined)[][] = []
  const { rules } = new MemoryStore({ order })
  const store = { rules, answered: async () => ({ freed, replyMs: REPLY_MS }) }
  const observer = { answered: (...args: (string | number | undefined)[]) => void counted.push(args) }
  await reportAnswered({ store, log: silent, observer }, { ...report, ...given })
  return counted
}

const ONCE = [['completed', undefined, REPLY_MS]]
const UNDER_LEASE = { lease: 1 }

describe('a report of the end of an answer', () => {
  it('counts in serial order if it ended the hold', async () => {
    expect(await countedOf({}, true, 'serial')).to.deep.equal(ONCE)
    expect(await countedOf({}, false, 'serial')).to.deep.equal([])
    expect(await countedOf({ isRetry: true }, false, 'serial')).to.deep.equal([])
  })

  it('counts in concurrent order if it is the first of its process', async () => {
    for (const freed of [true, false]) {
      expect(await countedOf({}, freed, 'concurrent')).to.deep.equal(ONCE)
      expect(await countedOf({ isFirst: false }, freed, 'concurrent')).to.deep.equal([])
    }
  })

  for (const order of ['serial', 'concurrent'] as const) {
    it(`counts under a lease, in ${order} order, only if the lease is still the latest`, async () => {
      expect(await countedOf(UNDER_LEASE, true, order)).to.deep.equal(ONCE)
      expect(await countedOf(UNDER_LEASE, false, order)).to.deep.equal([])
    })

    it(`counts under a lease, in ${order} order, if the reply to an earlier try was lost`, async () => {
      expect(await countedOf({ ...UNDER_LEASE, isRetry: true }, false, order)).to.deep.equal(ONCE)
    })
  }

  it('carries the duration since the handover, and the time since the last message', async () => {
    const clock = sinon.useFakeTimers({ now: 1000, toFake: ['performance'] })
    const handedOver = { handedOverAtMs: performance.now() }
    clock.tick(70)
    try {
      expect(await countedOf({ handedOver }, true, 'serial')).to.deep.equal([['completed', 70, REPLY_MS]])
    } finally {
      clock.restore()
    }
  })

  it('does not count if the store could not be reached', async () => {
    const away = new StoreUnavailable('connection', 'gone')
    const counted: string[] = []
    const store = { rules: new MemoryStore({}).rules, answered: () => Promise.reject(away) }
    const observer = { answered: (outcome: string) => void counted.push(outcome) }
    expect(await reportAnswered({ store, log: silent, observer }, report).catch(error => error)).to.equal(away)
    expect(counted).to.deep.equal([])
  })
})
