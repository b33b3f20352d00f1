import { expect } from 'chai'
import sinon from 'sinon'
import { silent } from '../../../src/logger.js'
import { Gate } from '../../../src/processor/gate.js'
import { Partitions } from '../../../src/processor/partitions.js'
import { newBatchId, partitionOf } from '../../../src/store/batch-id.js'
import { MemoryStore } from '../../../src/store/memory/store.js'
import { type ClaimedBatch, type ClaimRequest, type ClaimResult, StoreUnavailable } from '../../../src/store/store.js'
import { claimedBatch } from '../../support/claimed-batch.js'
import { until } from '../../support/wait.js'

const PARTITIONS = 40

const nothing: ClaimResult = { batches: [], checks: [], dead: [], troubles: [] }

describe('the claims of several partitions', () => {
  let store: MemoryStore
  let claim: sinon.SinonStub<[ClaimRequest], Promise<ClaimResult>>
  let giveBack: sinon.SinonStub
  let handover: { concurrency: number; batchesPerCall: number }
  let armed: { inMs: number; partition: number }[]
  let leased: Set<string>
  let emptied: () => void
  /** Resolves when the checks have ended. */
  let checked: () => Promise<void>
  let gate: Gate
  let partitions: Partitions

  /** Batches that wait, by partition; the default claim brings them. */
  let waiting: Map<number, string[]>
  const bring = async ({ partition = 0, maxBatches }: ClaimRequest): Promise<ClaimResult> => {
    await new Promise(resolve => setImmediate(resolve))
    const ids = (waiting.get(partition) ?? []).splice(0, maxBatches)
    return { ...nothing, batches: ids.map(id => claimedBatch(id)), ...(ids.length > 0 && { nextInMs: 0 }) }
  }
  const handOver = async (batches: ClaimedBatch[]) => {
    for (const { batchId } of batches) leased.add(batchId)
    await new Promise(resolve => setImmediate(resolve))
    for (const { batchId } of batches) leased.delete(batchId)
    if (leased.size === 0) emptied()
    gate.roomMade()
  }
  const asked = () => claim.args.map(([{ partition }]) => partition)

  beforeEach(() => {
    store = new MemoryStore({})
    sinon.stub(store, 'partitions').value(PARTITIONS)
    waiting = new Map()
    claim = sinon.stub(store, 'claim').callsFake(bring)
    giveBack = sinon.stub(store, 'giveBack').resolves([])
    handover = { concurrency: 10, batchesPerCall: 100 }
    armed = []
    leased = new Set()
    emptied = () => {}
    checked = async () => {}
    const arm = (inMs: number, partition = 0) => void armed.push({ inMs, partition })
    const timer = { arm, due: arm }
    const leases = {
      get size() {
        return leased.size
      },
      batchIdsIn: (partition: number) => [...leased].filter(id => partitionOf(id) === partition),
      whenEmpty: async () => {
        if (leased.size > 0)
          await new Promise<void>(resolve => {
            emptied = resolve
          })
      },
    }
    gate = new Gate(handover, leases, timer, store)
    const parts = {
      store,
      owner: 'me',
      gate,
      timer,
      leases,
      handingOver: { handOver },
      answers: { check: async () => {}, whenChecked: () => checked() },
      expiries: { claimed: () => {} },
    }
    partitions = new Partitions({ ...parts, log: silent })
    partitions.open()
  })

  afterEach(async () => {
    await partitions.stop()
    sinon.restore()
  })

  it('claim in the partition that was woken, and in no other', async () => {
    await partitions.wake(7)
    expect(asked()).to.deep.equal([7])
  })

  it('go on where another partition is away, which is tried again after a second, or half if it is moving', async () => {
    claim.withArgs(sinon.match({ partition: 1 })).rejects(new StoreUnavailable('connection', 'gone'))
    claim.withArgs(sinon.match({ partition: 2 })).rejects(new StoreUnavailable('moving', 'on its way'))
    waiting.set(3, [newBatchId(3)])
    await partitions.claimAll()
    expect(waiting.get(3)).to.deep.equal([])
    expect(armed).to.deep.include.members([
      { inMs: 1000, partition: 1 },
      { inMs: 500, partition: 2 },
    ])
  })

  it('give back what a lost reply may have brought, in its partition alone', async () => {
    const held = newBatchId(1)
    leased.add(held).add(newBatchId(2))
    claim
      .withArgs(sinon.match({ partition: 1 }))
      .onFirstCall()
      .rejects(new StoreUnavailable('timeout', 'gone'))
    await partitions.wake(1)
    await partitions.wake(2)
    expect(giveBack.callCount).to.equal(0)
    await partitions.wake(1)
    expect(giveBack.args).to.deep.equal([['me', [held], 1]])
  })

  it('never reserve more than there is room for in all', async () => {
    handover.concurrency = 5
    handover.batchesPerCall = 1
    let reserved = 0
    let most = 0
    claim.callsFake(async request => {
      reserved += request.maxBatches
      most = Math.max(most, reserved)
      const result = await bring(request)
      reserved -= request.maxBatches
      return result
    })
    for (let partition = 0; partition < PARTITIONS; partition++) waiting.set(partition, [newBatchId(partition)])
    await partitions.claimAll()
    expect(most).to.be.within(1, 5)
    expect([...waiting.values()].flat()).to.deep.equal([])
  })

  it('bring the batches of all partitions one by one if there is room for one', async () => {
    handover.concurrency = 1
    handover.batchesPerCall = 1
    for (let partition = 0; partition < PARTITIONS; partition++)
      waiting.set(partition, [newBatchId(partition), newBatchId(partition)])
    await partitions.claimAll()
    expect([...waiting.values()].flat()).to.deep.equal([])
  })

  it('run 16 at a time on one server, and do not wait for another server that hangs', async () => {
    Object.assign(store, { serverOf: (partition: number) => (partition < 20 ? 'hangs' : 'works') })
    let release = () => {}
    const hanging = new Promise<void>(resolve => {
      release = resolve
    })
    claim.callsFake(async request => {
      if ((request.partition ?? 0) < 20) await hanging
      return bring(request)
    })
    handover.concurrency = 1000
    const all = partitions.claimAll()
    const at = (isIn: (partition: number) => boolean) => asked().filter(partition => isIn(partition ?? 0)).length
    await until(() => at(partition => partition >= 20) === PARTITIONS - 20, { what: 'the claims of the other server' })
    expect(at(partition => partition < 20)).to.equal(16)
    release()
    await all
    expect(at(partition => partition < 20)).to.equal(20)
  })

  it('leave half of the room to other servers while one hangs', async () => {
    Object.assign(store, { serverOf: (partition: number) => (partition < 20 ? 'hangs' : 'works') })
    handover.concurrency = 8
    handover.batchesPerCall = 1
    let release = () => {}
    const hanging = new Promise<void>(resolve => {
      release = resolve
    })
    let reserved = 0
    claim.callsFake(async request => {
      if ((request.partition ?? 0) < 20) {
        reserved += request.maxBatches
        await hanging
      }
      return bring(request)
    })
    for (let partition = 20; partition < PARTITIONS; partition++)
      waiting.set(partition, [newBatchId(partition), newBatchId(partition)])
    const all = partitions.claimAll()
    await until(() => [...waiting.values()].flat().length === 0, { what: 'the batches of the other server' })
    expect(reserved).to.equal(4)
    release()
    await all
  })

  it('are repeated for what the checks of answers have made due', async () => {
    claim.onFirstCall().resolves({
      ...nothing,
      checks: [{ batchId: newBatchId(0), conversationId: 'c', handedOverForMs: 1, workerAttempt: '', workingForMs: 0 }],
    })
    checked = async () => {
      // The check has found that the answer has ended, so the conversation's next batch is due.
      checked = async () => {}
      waiting.set(0, [newBatchId(0)])
    }
    await partitions.claimAll()
    expect(waiting.get(0)).to.deep.equal([])
  })

  it('have all ended when `stop` resolves, also those that wait for their turn', async () => {
    let release = () => {}
    claim.callsFake(async () => {
      await new Promise<void>(resolve => {
        const before = release
        release = () => {
          before()
          resolve()
        }
      })
      return nothing
    })
    handover.concurrency = 1000
    void partitions.claimAll()
    const stopped = partitions.stop()
    release()
    await stopped
    expect(claim.callCount).to.equal(16)
  })
})
