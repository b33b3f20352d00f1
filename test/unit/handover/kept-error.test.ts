import { expect } from 'chai'
import type { Batch } from '../../../src/batch.js'
import { asKeptError, isOwnWords, keptError } from '../../../src/handover/kept-error.js'

const TEXT = 'my address is "4 Privet Drive"\nand my name is Anna'

const BATCH: Batch = {
  version: 1,
  batchId: 'b1',
  conversationId: 'c1',
  chatId: 'c1',
  isGroup: false,
  provider: 'generic',
  messages: [
    { messageId: 'm1', type: 'text', text: 'hi', receivedAtMs: 1 },
    { messageId: 'm2', type: 'text', text: TEXT, senderName: 'Irina', receivedAtMs: 1 },
    { messageId: 'm3', type: 'document', media: { fileName: 'passport.jpg' }, receivedAtMs: 1 },
  ],
  text: `hi\n${TEXT}`,
  firstAtMs: 1,
  lastAtMs: 1,
  dueAtMs: 2,
  releasedAtMs: 3,
  releasedBy: 'gap',
}

const kept = (message: string) => keptError(new Error(message), BATCH)

describe('the kept error', () => {
  it('contains no text, name or file of its batch, however the handler quotes it', () => {
    for (const quote of [
      TEXT,
      JSON.stringify(TEXT),
      encodeURIComponent(TEXT),
      'my address is "4 Privet Drive"',
      BATCH.text,
    ])
      expect(kept(`cannot parse ${quote}`))
        .to.match(/^cannot parse /)
        .and.not.match(/Privet|Anna/)
    expect(kept('Irina sent passport.jpg')).to.equal('(text) sent (text)')
  })

  it('is the first line with words, without control characters and at most 200 characters long', () => {
    expect(kept('\n \nthis is \u001b[2Jwrong\nand more')).to.equal('this is  [2Jwrong')
    expect(kept('x'.repeat(1000))).to.have.length(200)
    expect(kept('')).to.equal('Error')
    expect(keptError('no Error', BATCH)).to.equal('no Error')
  })

  it('is Lull’s own about a receiver only if the whole line is', () => {
    const where = 'http://127.0.0.1:1/batches'
    for (const own of ['answered 500', 'cannot be reached: ECONNREFUSED', 'has not answered within 50 ms'])
      expect(isOwnWords(`${where} ${own}`), own).to.equal(true)
    const redirect = '/a; redirects are not followed, set the URL it leads to'
    expect(isOwnWords(`${where} answered 302 to http://x${redirect}`)).to.equal(true)
    for (const line of [
      `${where} answered 500 my address`,
      `${where}?text=hi answered 500`,
      'my address',
      `x ${where} answered 500`,
    ])
      expect(isOwnWords(line), line).to.equal(false)
  })

  it('as an error keeps its name and the frames of its stack, and no text in either', () => {
    const thrown = new TypeError(`cannot parse ${TEXT}`)
    const error = asKeptError(thrown, BATCH)
    expect(error.name).to.equal('TypeError')
    expect(error.stack).to.match(/^TypeError: cannot parse \(text\)\n\s+at .*kept-error\.test\.ts/)
    expect(error.stack).not.to.match(/Privet|Anna/)
  })
})
