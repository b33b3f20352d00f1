/** How the page writes durations and countdowns. */
import { expect } from 'chai'
import { pageModule } from './page-module.js'

const { clock, duration, countdown, round } = await pageModule('formats')
const { speak } = await pageModule('words')
const { default: en } = await pageModule('languages/en')
const { default: ru } = await pageModule('languages/ru')

/** Without the no-break spaces that keep a number and its unit together. */
const plain = (text: unknown) => String(text).replaceAll('\u00a0', ' ')

describe('page: formats', () => {
  beforeEach(() => speak('en', en))
  afterEach(() => speak('en', en))

  it('durations have as many digits as somebody can use', () => {
    const durations = [4, 1970, 12_400, 185_000, 3_600_000, 5_400_000].map(duration).map(plain)
    expect(durations).to.deep.equal(['4 ms', '1.97 s', '12.4 s', '3 min 5 s', '1 h', '1 h 30 min'])
    expect(plain(countdown(9_940))).to.equal('9.9 s')
    expect(plain(countdown(59_400))).to.equal('59 s')
    expect([10_000, 1500, 60_000].map(round).map(plain)).to.deep.equal(['10 s', '1.50 s', '1 min'])
  })

  it('a long countdown is a clock that runs backwards', () => {
    const clocks = [0, 1, 59_001, 60_000, 1_799_000, 3_600_000, 7_152_000, 86_400_000].map(clock)
    expect(clocks).to.deep.equal(['0:00', '0:01', '1:00', '1:00', '29:59', '1:00:00', '1:59:12', '24:00:00'])
  })

  it('a number and its unit stay on one line', () => {
    expect(duration(185_000)).to.equal('3\u00a0min 5\u00a0s')
  })

  it('units and decimal marks are those of the language', () => {
    speak('ru', ru)
    expect([4, 1970].map(duration).map(plain)).to.deep.equal(['4 мс', '1,97 с'])
  })
})
