/** The notification canary: at most one command a minute, and none where nobody asks. */
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

  it('asked every five seconds for an hour, sends at most one command in any minute', async () => {
    for (let i = 0; i < 720; i++) {
      await canary.ask()
      await clock.tickAsync(5000)
    }
    expect(commands.length).to.be.within(40, 60)
    for (const [i, { atMs }] of commands.entries())
      expect(atMs - (commands[i - 1]?.atMs ?? Number.NEGATIVE_INFINITY)).to.be.at.least(MINUTE_MS)
  })

  it('asked by nobody, sends nothing', async () => {
    await clock.tickAsync(10 * MINUTE_MS)
    expect(commands).to.deep.equal([])
  })

  it('tells how late each kind was announced', async () => {
    await canary.ask()
    await clock.tickAsync(1000 + 350)
    canary.heard('p.natural')
    await clock.tickAsync(MINUTE_MS)
    expect((await canary.ask()).get('natural')).to.equal(350)
    await clock.tickAsync(MINUTE_MS + 2)
    expect(commands.at(-1)?.command).to.equal('touch p.touched')
    await clock.tickAsync(1)
    canary.heard('p.touched')
    expect((await canary.ask()).get('touched')).to.equal(3)
  })

  it('of one that is not announced, tells what its lag has come to so far', async () => {
    await canary.ask()
    await clock.tickAsync(31_000)
    expect((await canary.ask()).get('natural')).to.equal(30_000)
  })

  it('is not taken in by another process’s', async () => {
    await canary.ask()
    await clock.tickAsync(1500)
    canary.heard('other.natural')
    expect((await canary.ask()).get('natural')).to.equal(500)
  })
})
