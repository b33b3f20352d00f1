import { expect } from 'chai'
import sinon from 'sinon'
import { DueTimer } from '../../../src/processor/due-timer.js'

const HEARTBEAT_MS = 30_000

describe('the due timer', () => {
  let clock: sinon.SinonFakeTimers
  let fired: number[]
  let timer: DueTimer
  const fire = () => void fired.push(clock.now)

  beforeEach(() => {
    clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    fired = []
    timer = new DueTimer({ heartbeatMs: () => HEARTBEAT_MS, slackMs: () => 0 })
  })

  afterEach(() => {
    timer.stop()
    expect(clock.countTimers()).to.equal(0)
    clock.restore()
  })

  it('is moved earlier, and never later', () => {
    timer.start(fire)
    timer.arm(500)
    timer.arm(200)
    timer.arm(900)
    clock.tick(1000)
    expect(fired).to.deep.equal([200])
  })

  it('never sleeps longer than a heartbeat, however late it is armed for', () => {
    timer.start(fire)
    timer.arm(10 * HEARTBEAT_MS)
    clock.tick(HEARTBEAT_MS * 3)
    expect(fired).to.deep.equal([HEARTBEAT_MS, HEARTBEAT_MS * 2, HEARTBEAT_MS * 3])
  })

  it('can be armed again by its callback', () => {
    timer.start(() => {
      fired.push(clock.now)
      if (fired.length < 3) timer.arm(10)
    })
    timer.arm(5)
    clock.tick(100)
    expect(fired).to.deep.equal([5, 15, 25])
  })

  it('fires at once if the due time has passed', () => {
    timer.start(fire)
    timer.arm(-20)
    clock.tick(0)
    expect(fired).to.deep.equal([0])
  })

  it('fires for each partition at its own time', () => {
    const due: [number, number][] = []
    timer.start(partition => void due.push([clock.now, partition]), 4)
    timer.arm(300, 3)
    timer.arm(100, 1)
    timer.arm(100, 2)
    timer.arm(200, 1)
    clock.tick(1000)
    expect(due).to.deep.equal([
      [100, 1],
      [100, 2],
      [300, 3],
    ])
  })

  it('fires after the slack of a partition where others go first, and not where others claim', () => {
    const slacks = [0, 500, undefined]
    const heartbeats = [HEARTBEAT_MS, HEARTBEAT_MS, Number.POSITIVE_INFINITY]
    const due: [number, number][] = []
    timer = new DueTimer({ heartbeatMs: p => heartbeats[p] ?? 0, slackMs: p => slacks[p] })
    timer.start(partition => void due.push([clock.now, partition]), 3)
    for (const partition of [2, 1, 0]) timer.due(100, partition)
    clock.tick(HEARTBEAT_MS - 1)
    expect(due).to.deep.equal([
      [100, 0],
      [600, 1],
    ])
    timer.arm(100, 2)
    clock.tick(100)
    expect(due.at(-1)).to.deep.equal([HEARTBEAT_MS + 99, 2])
  })

  it('holds one timer of the runtime, however often it is armed', () => {
    timer.start(fire)
    for (let inMs = 1000; inMs > 0; inMs -= 10) timer.arm(inMs)
    expect(clock.countTimers()).to.equal(1)
  })

  it('does not fire after a stop, which may come twice or before the start', () => {
    timer.stop()
    timer.arm(10)
    timer.start(fire)
    timer.arm(10)
    timer.stop()
    timer.stop()
    timer.arm(10)
    clock.tick(HEARTBEAT_MS * 2)
    expect(fired).to.deep.equal([])
  })
})
