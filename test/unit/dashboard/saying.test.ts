/** What the page says about a step of the history. */
import { expect } from 'chai'
import { pageModule } from './page-module.js'

const { saying } = await pageModule('trace/saying')
const { speak } = await pageModule('words')
const { default: en } = await pageModule('languages/en')

describe('page: what a step says', () => {
  beforeEach(() => speak('en', en))

  const said = (step: string, detail: Record<string, string>): string => saying({ step, detail })

  it('is in words, with the ids last', () => {
    expect(said('opened', { ids: '["m1","m2"]', count: '2' })).to.equal('2 messages · m1, m2')
    const claimed = { owner: 'lull.processor.a.1', reason: 'gap', count: '1', lateMs: '4' }
    expect(said('claimed', claimed)).to.equal(
      'by lull.processor.a.1 · the quiet gap had ended · 1 message · 4\u00a0ms late',
    )
    expect(said('nacked', { attempt: '1', delayMs: '1000', error: 'no' })).to.equal(
      'attempt 1 · again in 1.00\u00a0s · no',
    )
    expect(said('answered', { outcome: 'timeout' })).to.equal('not answered in time')
  })

  it('is of a pause: until when, and what becomes of what comes', () => {
    const untilMs = String(new Date().setHours(14, 30, 12, 0))
    expect(said('pause', { untilMs, keep: 'collect', by: 'lull.pause.a.1' })).to.equal(
      'until 14:30:12 · what comes is collected · by lull.pause.a.1',
    )
    expect(said('pause', { untilMs, keep: 'drop', by: 'p' })).to.include('what comes is dropped')
    expect(said('paused', { count: '2', ids: '["m1","m2"]' })).to.equal('2 messages · m1, m2')
  })

  it('names the rule of a conversation’s own that released a batch, and its scope', () => {
    const own = { rule: 'quietGapMs=6000', scope: 'shop', reason: 'gap', count: '1', lateMs: '4', owner: 'p' }
    expect(said('claimed', own)).to.equal(
      'by p · 1 message · 4\u00a0ms late · the quiet gap of 6\u00a0s (shop) had ended',
    )
    const cap = { rule: 'maxMessages=1500', scope: '*', reason: 'maxMessages', count: '2' }
    expect(said('sealed', cap)).to.equal('2 messages · it held 1,500 messages, as many as a batch may (*)')
    expect(said('claimed', { reason: 'early', dueInMs: '4000' })).to.equal(
      'it started before its due time · due in 4.00\u00a0s',
    )
    expect(said('sealed', { rule: 'tomorrows=7', scope: 'shop', reason: 'whim' })).to.equal('tomorrows 7 (shop)')
  })

  it('says what a batch replaced and how many messages came back, what replaced it, and that it was committed', () => {
    const opened = { count: '3', supersedes: 'b0 b1', back: '2', at: '[0,5,90]', firstAtMs: '10', ids: '["m1"]' }
    expect(said('opened', opened)).to.equal('3 messages · 2 of them back from batch b1 · m1')
    expect(said('opened', { count: '3', supersedes: 'b1' })).to.equal('3 messages · in place of batch b1')
    expect(said('superseded', { count: '2', by: 'b2' })).to.equal('2 messages · now in batch b2')
    expect(said('superseded', { count: '2' })).to.equal('2 messages · discarded')
    expect(said('committed', {})).to.equal('its answer may be sent')
    expect(said('dropped', { count: '2', by: 'lull.drop.x.1' })).to.equal('by lull.drop.x.1 · 2 messages')
  })

  it('says what a batch waits for, and that typing has begun or ended', () => {
    expect(said('held', { key: '"m1"', forMs: '20000' })).to.equal(
      'waits for the text of a message (m1), at most 20.0\u00a0s',
    )
    expect(said('unheld', { key: 'invoice' })).to.equal('no longer waits for invoice')
    expect(said('extended', { byMs: '2000' })).to.equal('typing: due 2.00\u00a0s later')
    expect(said('extended', { byMs: '-2000' })).to.equal('typing has ended: due 2.00\u00a0s earlier')
  })

  it('keeps details that it does not know as they are', () => {
    expect(said('later', { ids: '{"a', colour: 'red', reason: 'whim' })).to.equal('whim · colour red · {"a')
    expect(said('later', {})).to.equal('')
  })
})
