import { expect } from 'chai'
import sinon from 'sinon'
import { silent } from '../../../src/logger.js'
import { Leases } from '../../../src/processor/leases.js'
import { newBatchId } from '../../../src/store/batch-id.js'
import { MemoryStore } from '../../../src/store/memory/store.js'
import { StoreUnavailable } from '../../../src/store/store.js'
import { Superseded } from '../../../src/superseded.js'
import { claimedBatch } from '../../support/claimed-batch.js'

const LEASE_MS = 3000

describe('leases', () => {
  let clock: sinon.SinonFakeTimers
  let renew: sinon.SinonStub
  let leases: Leases

  beforeEach(() => {
    clock = sinon.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
    const store = new MemoryStore({ leaseMs: LEASE_MS })
    renew = sinon.stub(store, 'renew').resolves([])
    leases = new Leases(store, silent)
  })

  afterEach(() => {
    leases.clear()
    clock.restore()
    sinon.restore()
  })

  it('are renewed three times in their length, in one call, and only while one is held', async () => {
    leases.hold(claimedBatch('a'), performance.now())
    leases.hold(claimedBatch('b', 4), performance.now())
    await clock.tickAsync(LEASE_MS)
    expect(renew.callCount).to.equal(3)
    expect(renew.firstCall.args[0]).to.deep.equal([
      { batchId: 'a', lease: 1 },
      { batchId: 'b', lease: 4 },
    ])
    leases.release('a')
    leases.release('b')
    expect(clock.countTimers()).to.equal(0)
    await clock.tickAsync(LEASE_MS)
    expect(renew.callCount).to.equal(3)
  })

  it('abort the signal of their handover, and no other, when they are lost', async () => {
    const lost = leases.hold(claimedBatch('a'), performance.now()).signal
    const kept = leases.hold(claimedBatch('b'), performance.now()).signal
    renew.resolves([{ batchId: 'a' }])
    await clock.tickAsync(LEASE_MS / 3)
    expect(lost.aborted).to.equal(true)
    expect(String(lost.reason)).to.include('another processor has it')
    expect(kept.aborted).to.equal(false)
  })

  it('give an aborted signal if they were lost before it was read', async () => {
    const held = leases.hold(claimedBatch('a'), performance.now())
    renew.resolves([{ batchId: 'a' }])
    await clock.tickAsync(LEASE_MS / 3)
    expect(held.isAborted).to.equal(true)
    expect([held.signal.aborted, String(held.signal.reason)]).to.deep.equal([
      true,
      'LeaseLost: the lease of batch a was lost: another processor has it',
    ])
  })

  it('do not warn of a loss while their end is being reported to the store', async () => {
    const warn = sinon.stub()
    const store = new MemoryStore({ leaseMs: LEASE_MS })
    sinon.stub(store, 'renew').resolves([{ batchId: 'a' }, { batchId: 'b' }])
    const warned = new Leases(store, { ...silent, warn })
    warned.hold(claimedBatch('a'), performance.now())
    warned.hold(claimedBatch('b'), performance.now())
    warned.settling('a')
    await clock.tickAsync(LEASE_MS / 3)
    expect(warn.args.map(([about]) => about)).to.deep.equal([{ batchId: 'b' }])
    warned.clear()
  })

  it('abort the signal with Superseded, and without a warning, when newer messages have superseded the batch', async () => {
    const warn = sinon.stub()
    const store = new MemoryStore({ leaseMs: LEASE_MS })
    sinon.stub(store, 'renew').resolves([{ batchId: 'a', superseded: { by: 'b' } }])
    const superseded = new Leases(store, { ...silent, warn })
    const { signal } = superseded.hold(claimedBatch('a'), performance.now())
    await clock.tickAsync(LEASE_MS / 3)
    expect(signal.reason).to.be.instanceOf(Superseded)
    expect(signal.reason).to.include({ batchId: 'a', by: 'b' })
    expect(warn.args).to.deep.equal([])
    superseded.clear()
  })

  it('survive an outage of Redis shorter than their length, and are lost in a longer one', async () => {
    const { signal } = leases.hold(claimedBatch('a'), performance.now())
    renew.rejects(new StoreUnavailable('connection', 'gone'))
    await clock.tickAsync((LEASE_MS / 3) * 2)
    expect(signal.aborted).to.equal(false)
    await clock.tickAsync(LEASE_MS / 3)
    expect(signal.aborted).to.equal(true)
  })

  it('are lost in a partition that is away, and renewed in the others', async () => {
    const store = new MemoryStore({ leaseMs: LEASE_MS })
    sinon.stub(store, 'partitions').value(4)
    const [away, near] = [newBatchId(1), newBatchId(2)]
    const partly = sinon.stub(store, 'renew').callsFake(async ([first]) => {
      if (first?.batchId === away) throw new StoreUnavailable('connection', 'gone')
      return []
    })
    const divided = new Leases(store, silent)
    const lost = divided.hold(claimedBatch(away), performance.now()).signal
    const kept = divided.hold(claimedBatch(near), performance.now()).signal
    await clock.tickAsync(LEASE_MS)
    expect(partly.args[0]).to.deep.equal([[{ batchId: away, lease: 1 }]])
    expect(partly.args[1]).to.deep.equal([[{ batchId: near, lease: 1 }]])
    expect([lost.aborted, kept.aborted]).to.deep.equal([true, false])
    divided.clear()
  })

  it('resolve `whenEmpty` when the last one is released', async () => {
    leases.hold(claimedBatch('a'), performance.now())
    let empty = false
    const waiting = leases.whenEmpty().then(() => {
      empty = true
    })
    await clock.tickAsync(1)
    expect(empty).to.equal(false)
    leases.release('a')
    await waiting
    await leases.whenEmpty()
  })
})
