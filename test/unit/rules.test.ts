import { expect } from 'chai'
import { Processor } from '../../src/processor/processor.js'
import { type RuleOptions, rulesFrom, shortAnswerTimeout } from '../../src/rules.js'
import { MemoryStore } from '../../src/store/memory/store.js'

const EARLY = { answering: 'supersede', quietGapMs: 2000, earlyStartMs: 500, maxWaitMs: 10_000 } as const

describe('the rules of an answer that waits for its due time', () => {
  it('warn if the answer timeout can end before that, naming the three and the remedy', () => {
    expect(shortAnswerTimeout(rulesFrom({ ...EARLY, answerTimeoutMs: 9500 }))).to.equal(
      'answerTimeoutMs=9500 is not more than maxWaitMs=10000 minus earlyStartMs=500: an answer that waits in commit() may be cut before its batch is due; make it more',
    )
  })

  const FINE: [what: string, rules: RuleOptions][] = [
    ['are the defaults', {}],
    ['are the defaults with supersede', { answering: 'supersede' }],
    ['are the defaults with an early start', { answering: 'supersede', earlyStartMs: 2000 }],
    ['give more time', { ...EARLY, answerTimeoutMs: 9501 }],
    ['have no early start', { answering: 'supersede', answerTimeoutMs: 100 }],
  ]
  for (const [what, rules] of FINE)
    it(`do not warn if they ${what}`, () => {
      expect(shortAnswerTimeout(rulesFrom(rules))).to.equal(undefined)
    })

  it('warn at the start of a processor', async () => {
    const warned: string[] = []
    const log = { debug() {}, info() {}, warn: (_: object, line: string) => void warned.push(line), error() {} }
    const store = new MemoryStore({ ...EARLY, answerTimeoutMs: 9500 })
    const processor = new Processor({ store, handle: () => {}, log })
    await processor.start()
    await processor.stop()
    await store.close()
    expect(warned).to.have.lengthOf(1)
    expect(warned[0]).to.match(/^answerTimeoutMs=9500 is not more than maxWaitMs=10000/)
  })
})
