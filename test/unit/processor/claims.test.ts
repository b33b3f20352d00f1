import { expect } from 'chai'
import sinon from 'sinon'
import { silent } from '../../../src/logger.js'
import { Claims, type ClaimsOptions } from '../../../src/processor/claims.js'
import { MemoryStore } from '../../../src/store/memory/store.js'
import { type ClaimResult, StoreUnavailable } from '../../../src/store/store.js'

const nothing: ClaimResult = { batches: [], checks: [], dead: [], troubles: [] }

describe('claims', () => {
  const store = new MemoryStore({})
  let claim: sinon.SinonStub
  let giveBack: sinon.SinonStub
  let next: number[]
  let room: number
  let holding: string[]
  let claims: Claims

  beforeEach(() => {
    claim = sinon.stub(store, 'claim').resolves(nothing)
    giveBack = sinon.stub(store, 'giveBack').resolves([])
    next = []
    room = 1000
    holding = []
    const options: ClaimsOptions = {
      store,
      owner: 'me',
      log: silent,
      room: () => room,
      holding: () => holding,
      onClaimed: () => {},
      onChecks: () => {},
      onNext: inMs => next.push(inMs),
    }
    claims = new Claims(options)
  })

  afterEach(async () => {
    await claims.stop()
    sinon.restore()
  })

  it('run one at a time: nudges that come while one runs cause exactly one more', async () => {
    let running = 0
    let most = 0
    claim.callsFake(async () => {
      most = Math.max(most, ++running)
      await new Promise(resolve => setImmediate(resolve))
      running--
      return nothing
    })
    await Promise.all(Array.from({ length: 50 }, () => claims.wake()))
    expect(most).to.equal(1)
    expect(claim.callCount).to.equal(2)
  })

  it('go on while there is more to claim, and then say when the next thing is due', async () => {
    claim.onCall(0).resolves({ ...nothing, nextInMs: 0 })
    claim.onCall(1).resolves({ ...nothing, nextInMs: 0 })
    claim.onCall(2).resolves({ ...nothing, nextInMs: 70 })
    await claims.wake()
    expect(claim.callCount).to.equal(3)
    expect(next).to.deep.equal([70])
  })

  it('ask for nothing while there is no room, and come back to it when there is', async () => {
    room = 0
    await claims.wake()
    expect(claim.callCount).to.equal(0)
    room = 1
    claims.roomMade()
    await claims.stop()
    expect(claim.callCount).to.equal(1)
  })

  it('do not follow room that nobody missed', async () => {
    await claims.wake()
    claims.roomMade()
    await claims.stop()
    expect(claim.callCount).to.equal(1)
  })

  it('give back what a lost reply may have brought, before the next claim, and only once', async () => {
    holding = ['held']
    claim.onCall(0).rejects(new StoreUnavailable('connection', 'gone'))
    await claims.wake()
    expect(next).to.have.length(1)
    await claims.wake()
    await claims.wake()
    expect(giveBack.args).to.deep.equal([['me', ['held']]])
    expect(giveBack.firstCall.calledBefore(claim.secondCall)).to.equal(true)
    expect(claim.callCount).to.equal(3)
  })

  it('stay in doubt when giving back fails too', async () => {
    claim.onCall(0).rejects(new StoreUnavailable('timeout', 'gone'))
    giveBack.onCall(0).rejects(new StoreUnavailable('connection', 'gone'))
    await claims.wake()
    await claims.wake()
    expect(claim.callCount).to.equal(1)
    await claims.wake()
    expect(giveBack.callCount).to.equal(2)
    expect(claim.callCount).to.equal(2)
  })

  it('stop while the receiver is in trouble, then try it with one batch, then with many', async () => {
    const clock = sinon.useFakeTimers({ toFake: ['performance'] })
    claims.pause(5)
    await claims.wake()
    clock.tick(4)
    await claims.wake()
    expect(claim.callCount).to.equal(0)
    clock.tick(1)
    await claims.wake()
    expect(claim.lastCall.args[0].maxBatches).to.equal(1)
    holding = ['probe']
    await claims.wake()
    expect(claim.callCount).to.equal(1)
    claims.resume()
    await claims.wake()
    expect(claim.lastCall.args[0].maxBatches).to.be.greaterThan(1)
  })

  it('end before stop resolves, and none starts after it', async () => {
    let release = () => {}
    claim.callsFake(async () => {
      await new Promise<void>(resolve => {
        release = resolve
      })
      return nothing
    })
    void claims.wake()
    await new Promise(resolve => setImmediate(resolve))
    const stopped = claims.stop()
    release()
    await stopped
    await claims.wake()
    expect(claim.callCount).to.equal(1)
  })
})
