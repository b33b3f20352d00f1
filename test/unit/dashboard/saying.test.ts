/** What the page says about a step of the history. */
import { expect } from 'chai'
import { pageModule } from './page-module.js'

const { saying } = await pageModule('trace/saying')
const { speak } = await pageModule('words')
const { default: en } = await pageModule('languages/en')

describe('page: what a step says', () => {
  beforeEach(() => speak('en', en))

  it('is in words, with the ids last', () => {
    expect(saying({ ids: '["m1","m2"]', count: '2' })).to.equal('2 messages · m1, m2')
    expect(saying({ owner: 'lull.processor.a.1', reason: 'gap', count: '1', lateMs: '4' })).to.equal(
      'by lull.processor.a.1 · the quiet gap had ended · 1 message · 4\u00a0ms late',
    )
    expect(saying({ attempt: '1', delayMs: '1000', error: 'no' })).to.equal('attempt 1 · again in 1.00\u00a0s · no')
    expect(saying({ outcome: 'timeout' })).to.equal('not answered in time')
  })

  it('keeps details that it does not know as they are', () => {
    expect(saying({ ids: '{"a', colour: 'red', reason: 'whim' })).to.equal('whim · colour red · {"a')
    expect(saying({})).to.equal('')
  })
})
