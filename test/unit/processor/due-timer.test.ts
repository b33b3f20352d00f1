import { expect } from 'chai'
import sinon from 'sinon'
import { DueTimer } from '../../../src/processor/due-timer.js'

const HEARTBEAT_MS = 30_000

describe('the due timer', () => {
  let clock: sinon.SinonFakeTimers
  let fired: number[]
  let timer: DueTimer

  beforeEach(() => {
    clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    fired = []
    timer = new DueTimer(() => fired.push(clock.now), HEARTBEAT_MS)
  })

  afterEach(() => {
    timer.stop()
    expect(clock.countTimers()).to.equal(0)
    clock.restore()
  })

  it('is moved earlier, and never later', () => {
    timer.start()
    timer.arm(500)
    timer.arm(200)
    timer.arm(900)
    clock.tick(1000)
    expect(fired).to.deep.equal([200])
  })

  it('never sleeps longer than a heartbeat, whatever it is told', () => {
    timer.start()
    timer.arm(10 * HEARTBEAT_MS)
    clock.tick(HEARTBEAT_MS * 3)
    expect(fired).to.deep.equal([HEARTBEAT_MS, HEARTBEAT_MS * 2, HEARTBEAT_MS * 3])
  })

  it('can be armed again from what it calls', () => {
    timer = new DueTimer(() => {
      fired.push(clock.now)
      if (fired.length < 3) timer.arm(10)
    }, HEARTBEAT_MS)
    timer.start()
    timer.arm(5)
    clock.tick(100)
    expect(fired).to.deep.equal([5, 15, 25])
  })

  it('fires at once for what is due already', () => {
    timer.start()
    timer.arm(-20)
    clock.tick(0)
    expect(fired).to.deep.equal([0])
  })

  it('keeps one timer, however often it is armed', () => {
    timer.start()
    for (let inMs = 1000; inMs > 0; inMs -= 10) timer.arm(inMs)
    expect(clock.countTimers()).to.equal(1)
  })

  it('fires no more once stopped, can be stopped twice, and before it was started', () => {
    timer.stop()
    timer.arm(10)
    timer.start()
    timer.arm(10)
    timer.stop()
    timer.stop()
    timer.arm(10)
    clock.tick(HEARTBEAT_MS * 2)
    expect(fired).to.deep.equal([])
  })
})
