import { expect } from 'chai'
import { timeSpan } from '../../../src/cli/time-span.js'

describe('a time on the command line', () => {
  it('is days, hours, minutes and seconds, in this order', () => {
    for (const [text, seconds] of [
      ['45s', 45],
      ['30m', 1800],
      ['2h', 7200],
      ['1h30m', 5400],
      ['1H30M', 5400],
      ['2d', 172_800],
      ['30d', 2_592_000],
      ['1d2h3m4s', 93_784],
      ['90m', 5400],
    ] as const)
      expect(timeSpan(text), text).to.equal(seconds * 1000)
  })

  it('is nothing else', () => {
    for (const text of [
      '',
      ' ',
      '2',
      '2 h',
      'h',
      '0s',
      '-2h',
      '1.5h',
      '30m1h',
      '2h2h',
      '2 hours',
      '2w',
      '31d',
      '30d1s',
      '9'.repeat(99),
    ])
      expect(() => timeSpan(text), text).to.throw('Give a time from 1s to 30d, such as 45s, 30m, 2h, 1h30m or 2d.')
  })
})
