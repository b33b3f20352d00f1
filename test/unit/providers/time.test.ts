/** A send time in the forms that programs write it. */
import { expect } from 'chai'
import { time } from '../../../src/providers/fields.js'

const MS = 1_767_262_500_000

describe('a send time', () => {
  const forms: [string, unknown][] = [
    ['seconds', 1_767_262_500],
    ['seconds with a fraction', 1_767_262_500.0],
    ['milliseconds', MS],
    ['microseconds', MS * 1000],
    ['nanoseconds', MS * 1_000_000],
    ['seconds in digits', '1767262500'],
    ['milliseconds in digits', '1767262500000'],
    ['microseconds in digits', '1767262500000000'],
    ['nanoseconds in digits', '1767262500000000000'],
    ['a Long', { low: 1_767_262_500, high: 0, unsigned: true }],
    ['a Long of milliseconds', { low: (MS % 2 ** 32) | 0, high: Math.floor(MS / 2 ** 32) }],
    ['a Long in digits', { low: '1767262500', high: '0' }],
    ['ISO 8601', '2026-01-01T10:15:00.000Z'],
    ['ISO 8601 with an offset', '2026-01-01T13:15:00+03:00'],
    ['ISO 8601 with an offset without a colon', '2026-01-01T13:15:00+0300'],
    ['microseconds as Python writes them', '2026-01-01 10:15:00.000000+00:00'],
    ['as PostgreSQL writes it', '2026-01-01 13:15:00+03'],
    ['as Go writes it in UTC', '2026-01-01 10:15:00 UTC'],
    ['without a zone, whatever the zone of the server', '2026-01-01T10:15:00'],
  ]
  for (const [form, value] of forms)
    it(`is read from ${form}`, () => {
      expect(time.parse(value)).to.equal(MS)
    })

  it('is absent if the value is no time', () => {
    for (const value of [
      null,
      '',
      'yesterday',
      0,
      -5,
      {},
      [],
      '2026-13-01T10:15:00Z',
      1e300,
      Number.NaN,
      '1'.repeat(20),
    ])
      expect(time.parse(value)).to.equal(undefined)
  })
})
