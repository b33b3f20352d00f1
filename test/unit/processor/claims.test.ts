import { expect } from 'chai'
import sinon from 'sinon'
import { silent } from '../../../src/logger.js'
import { ClaimSlots } from '../../../src/processor/claim-slots.js'
import { Claims } from '../../../src/processor/claims.js'
import { Gate } from '../../../src/processor/gate.js'
import { MemoryStore } from '../../../src/store/memory/store.js'
import { type ClaimResult, StoreUnavailable } from '../../../src/store/store.js'

const nothing: ClaimResult = { batches: [], checks: [], dead: [], troubles: [] }

describe('claims', () => {
  const store = new MemoryStore({})
  let claim: sinon.SinonStub
  let giveBack: sinon.SinonStub
  let next: number[]
  let handover: { concurrency: number; batchesPerCall: number }
  let holding: string[]
  let gate: Gate
  let claims: Claims

  beforeEach(() => {
    claim = sinon.stub(store, 'claim').resolves(nothing)
    giveBack = sinon.stub(store, 'giveBack').resolves([])
    next = []
    handover = { concurrency: 10, batchesPerCall: 100 }
    holding = []
    const arm = (inMs: number) => void next.push(inMs)
    const timer = { arm, due: arm }
    const leases = {
      get size() {
        return holding.length
      },
      batchIdsIn: () => holding,
    }
    gate = new Gate(handover, leases, timer, store)
    gate.whenOpen(() => void claims.wake())
    claims = new Claims({
      store,
      owner: 'me',
      partition: 0,
      gate,
      slots: new ClaimSlots(),
      timer,
      expiries: { claimed: () => {} },
      leases,
      handingOver: { handOver: async () => {} },
      answers: { check: async () => {} },
      log: silent,
    })
  })

  afterEach(async () => {
    await claims.stop()
    sinon.restore()
  })

  it('run one at a time, and nudges during one cause exactly one more', async () => {
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

  it('go on while there is more to claim, and then arm the timer for the next due time', async () => {
    claim.onCall(0).resolves({ ...nothing, nextInMs: 0 })
    claim.onCall(1).resolves({ ...nothing, nextInMs: 0 })
    claim.onCall(2).resolves({ ...nothing, nextInMs: 70 })
    await claims.wake()
    expect(claim.callCount).to.equal(3)
    expect(next).to.deep.equal([70])
  })

  it('wait while the gate is full, and run when there is room', async () => {
    handover.concurrency = 0
    await claims.wake()
    expect(claim.callCount).to.equal(0)
    handover.concurrency = 1
    gate.roomMade()
    await claims.stop()
    expect(claim.callCount).to.equal(1)
  })

  it('do not run for room that no claim has missed', async () => {
    await claims.wake()
    gate.roomMade()
    await claims.stop()
    expect(claim.callCount).to.equal(1)
  })

  it('give back, once and before the next claim, the batches that a lost reply may have brought', async () => {
    holding = ['held']
    claim.onCall(0).rejects(new StoreUnavailable('connection', 'gone'))
    await claims.wake()
    expect(next).to.have.length(1)
    await claims.wake()
    await claims.wake()
    expect(giveBack.args).to.deep.equal([['me', ['held'], 0]])
    expect(giveBack.firstCall.calledBefore(claim.secondCall)).to.equal(true)
    expect(claim.callCount).to.equal(3)
  })

  it('give back again if giving back fails', async () => {
    claim.onCall(0).rejects(new StoreUnavailable('timeout', 'gone'))
    giveBack.onCall(0).rejects(new StoreUnavailable('connection', 'gone'))
    await claims.wake()
    await claims.wake()
    expect(claim.callCount).to.equal(1)
    await claims.wake()
    expect(giveBack.callCount).to.equal(2)
    expect(claim.callCount).to.equal(2)
  })

  it('pause while the receiver is in trouble, then probe it with one batch, then bring many', async () => {
    const clock = sinon.useFakeTimers({ toFake: ['performance'] })
    gate.pause(5)
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
    gate.resume()
    await claims.wake()
    expect(claim.lastCall.args[0].maxBatches).to.be.greaterThan(1)
  })

  it('have ended when `stop` resolves, and none starts after it', async () => {
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
