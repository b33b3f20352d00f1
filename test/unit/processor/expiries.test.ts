import { expect } from 'chai'
import sinon from 'sinon'
import { Expiries } from '../../../src/processor/expiries.js'

const SPAN_MS = 20

describe('expiries', () => {
  const onDue = sinon.spy()
  let clock: sinon.SinonFakeTimers
  let expiries: Expiries

  beforeEach(() => {
    onDue.resetHistory()
    clock = sinon.useFakeTimers()
    expiries = new Expiries(onDue)
  })
  afterEach(() => clock.restore())

  it('of a span cause one claim together', () => {
    expiries.expired('a')
    clock.tick(SPAN_MS - 1)
    expiries.expired('b')
    expect(onDue.callCount).to.equal(0)
    clock.tick(1)
    expect(onDue.callCount).to.equal(1)
    clock.tick(10 * SPAN_MS)
    expect(onDue.callCount).to.equal(1)
    expiries.expired('c')
    clock.tick(SPAN_MS)
    expect(onDue.callCount).to.equal(2)
  })

  it('of batches that this process has claimed cause none, whichever comes first', () => {
    expiries.expired('a')
    expiries.claimed('a')
    expiries.claimed('b')
    clock.tick(SPAN_MS - 1)
    expiries.expired('b')
    clock.tick(10 * SPAN_MS)
    expect(onDue.callCount).to.equal(0)
  })

  it('of one batch that nobody here has claimed cause one, whatever else was claimed', () => {
    expiries.expired('a')
    expiries.expired('b')
    expiries.claimed('a')
    clock.tick(SPAN_MS)
    expect(onDue.callCount).to.equal(1)
  })

  it('of the next batch of a conversation cause one', () => {
    expiries.claimed('a')
    clock.tick(SPAN_MS)
    expiries.expired('a')
    clock.tick(SPAN_MS)
    expect(onDue.callCount).to.equal(1)
  })

  it('cause nothing after a stop', () => {
    expiries.expired('a')
    expiries.stop()
    clock.tick(SPAN_MS)
    expect(onDue.callCount).to.equal(0)
  })
})
