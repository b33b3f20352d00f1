/** The notification canary: at most one command a minute, and none without scrapes. */
import { expect } from 'chai'
import sinon from 'sinon'
import { Canary } from '../../../src/metrics/canary.js'

const MINUTE_MS = 60_000

describe('canary', () => {
  let clock: sinon.SinonFakeTimers
  let commands: { atMs: number; command: string }[]
  let canary: Canary

  beforeEach(() => {
    clock = sinon.useFakeTimers({ now: 0, toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    commands = []
    const note = async (command: string) => void commands.push({ atMs: clock.now, command })
    canary = new Canary(
      { set: (name, ttlMs) => note(`set ${name} ${ttlMs}`), touch: name => note(`touch ${name}`) },
      'p',
    )
  })

  afterEach(() => {
    canary.stop()
    clock.restore()
  })

  it('sends at most one command a minute, however often it is scraped', async () => {
    for (let i = 0; i < 720; i++) {
      await canary.lags()
      await clock.tickAsync(5000)
    }
    expect(commands.length).to.be.within(40, 60)
    for (const [i, { atMs }] of commands.entries())
      expect(atMs - (commands[i - 1]?.atMs ?? Number.NEGATIVE_INFINITY)).to.be.at.least(MINUTE_MS)
  })

  it('sends nothing without scrapes', async () => {
    await clock.tickAsync(10 * MINUTE_MS)
    expect(commands).to.deep.equal([])
  })

  it('measures how late each kind is announced', async () => {
    await canary.lags()
    await clock.tickAsync(1000 + 350)
    canary.onExpired('p.natural')
    await clock.tickAsync(MINUTE_MS)
    expect((await canary.lags()).get('natural')).to.equal(350)
    await clock.tickAsync(MINUTE_MS + 2)
    expect(commands.at(-1)?.command).to.equal('touch p.touched')
    await clock.tickAsync(1)
    canary.onExpired('p.touched')
    expect((await canary.lags()).get('touched')).to.equal(3)
  })

  it('reports how long a key is overdue while it is not announced', async () => {
    await canary.lags()
    await clock.tickAsync(31_000)
    expect((await canary.lags()).get('natural')).to.equal(30_000)
  })

  it('ignores the canary of another process', async () => {
    await canary.lags()
    await clock.tickAsync(1500)
    canary.onExpired('other.natural')
    expect((await canary.lags()).get('natural')).to.equal(500)
  })
})
