import { expect } from 'chai'
import sinon from 'sinon'
import type { AnswerState, Handover } from '../../../src/handover/handover.js'
import { silent } from '../../../src/logger.js'
import { Answers, type AnswersParts } from '../../../src/processor/answers.js'
import { newBatchId } from '../../../src/store/batch-id.js'
import { MemoryStore } from '../../../src/store/memory/store.js'
import { StoreUnavailable } from '../../../src/store/store.js'

const RETRY_MS = 500
const A_WHILE_MS = 60_000
const away = new StoreUnavailable('connection', 'gone')
const handover: Handover = {
  kind: 'function',
  batchesPerCall: 1,
  concurrency: 1,
  async start() {},
  async handOver() {
    return []
  },
  async stop() {},
}

describe('the end of an answer', () => {
  const store = new MemoryStore({})
  let clock: sinon.SinonFakeTimers
  let answered: sinon.SinonStub
  let counted: string[]
  let freed: number[]
  let answers: Answers
  let asking: Handover

  beforeEach(() => {
    clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    answered = sinon.stub(store, 'answered').resolves({ freed: true, dueInMs: 7 })
    counted = []
    freed = []
    asking = { ...handover }
    answers = answersOf()
    for (const id of ['b1', 'b2', 'b3']) handedOver(id)
  })

  const handedOver = (id: string) => {
    answers.remember(id, `c of ${id}`)
    answers.taken(id)
  }

  afterEach(() => {
    answers.stop()
    expect(clock.countTimers()).to.equal(0)
    sinon.restore()
  })

  const answersOf = (parts: Partial<AnswersParts> = {}) =>
    new Answers({
      store,
      handover: asking,
      timer: { due: inMs => void freed.push(inMs) },
      log: silent,
      observer: { answered: outcome => void counted.push(outcome) },
      ...parts,
    })

  const reported = () => answered.args.map(([batchId, outcome]) => [batchId, outcome])

  it('is not what a receiver says of a batch that is still being handed over: it does not know the batch yet', async () => {
    const asked: string[][] = []
    asking.states = async batchIds => {
      asked.push(batchIds)
      return batchIds.map(() => ({ state: 'ended', outcome: 'removed' }))
    }
    answers.remember('b4', 'c of b4')
    await answers.onResumed()
    expect(asked).to.deep.equal([['b1', 'b2', 'b3']])
    expect(reported().map(([batchId]) => batchId)).to.deep.equal(['b1', 'b2', 'b3'])
  })

  it('is not what a receiver says of a batch whose handover fails while it is asked', async () => {
    asking.states = async batchIds => {
      answers.forget('b2')
      answers.remember('b3', 'c of b3')
      return batchIds.map(() => ({ state: 'ended', outcome: 'removed' }))
    }
    await answers.onResumed()
    expect(reported()).to.deep.equal([['b1', 'removed']])
  })

  it('is reported once, however often the receiver announces it', async () => {
    await answers.onAnswered('b1', 'completed')
    await answers.onAnswered('b1', 'completed')
    await clock.tickAsync(A_WHILE_MS)
    expect(reported()).to.deep.equal([['b1', 'completed']])
    expect(freed).to.deep.equal([7])
  })

  it('is reported until the store has noted it, one report at a time during an outage, and counts once', async () => {
    answered.rejects(away)
    await Promise.all(['b1', 'b2', 'b3'].map(id => answers.onAnswered(id, id === 'b2' ? 'failed' : 'completed')))
    answered.resetHistory()
    await clock.tickAsync(A_WHILE_MS)
    expect(reported()).to.have.lengthOf(A_WHILE_MS / RETRY_MS)
    answered.resetHistory()
    answered.resolves({ freed: true, dueInMs: 7 })
    await clock.tickAsync(A_WHILE_MS)
    expect(reported()).to.have.deep.members([
      ['b1', 'completed'],
      ['b2', 'failed'],
      ['b3', 'completed'],
    ])
    expect(counted.toSorted()).to.deep.equal(['completed', 'completed', 'failed'])
    expect(freed).to.deep.equal([7, 7, 7])
  })

  it('is reported in the other partitions while one is away', async () => {
    sinon.stub(store, 'partitions').value(2)
    const [gone, first, second] = [newBatchId(0), newBatchId(1), newBatchId(1)]
    for (const id of [gone, first, second]) handedOver(id)
    answered.rejects(away)
    await Promise.all([gone, first, second].map(id => answers.onAnswered(id, 'completed')))
    answered.callsFake(async batchId => {
      if (batchId === gone) throw away
      return { freed: true }
    })
    counted = []
    await clock.tickAsync(RETRY_MS)
    expect(counted).to.deep.equal(['completed', 'completed'])
  })

  it('is not reported again after a stop', async () => {
    answered.rejects(away)
    await answers.onAnswered('b1', 'completed')
    answers.stop()
    await answers.onAnswered('b2', 'completed')
    answered.resetHistory()
    await clock.tickAsync(A_WHILE_MS)
    expect(reported()).to.deep.equal([])
  })

  it('is reported if it comes while the receiver is being asked about a check', async () => {
    const check = { batchId: 'b4', conversationId: 'c of b4', handedOverForMs: 0 }
    let says = (_: AnswerState[]) => {}
    asking.states = () =>
      new Promise(resolve => {
        says = resolve
      })
    const checking = answers.check([check])
    const ending = answers.onAnswered('b4', 'completed')
    says([{ state: 'active', workerAttempt: '1' }])
    await clock.tickAsync(A_WHILE_MS)
    await Promise.all([checking, ending])
    expect(reported()).to.deep.equal([['b4', 'completed']])
  })

  describe('is no end if the worker has skipped the batch:', () => {
    const check = { batchId: 'b4', conversationId: 'c of b4', handedOverForMs: 0 }
    let repeated: string[]
    let superseding: MemoryStore
    let skipping: Answers

    beforeEach(() => {
      repeated = []
      superseding = new MemoryStore({ answering: 'supersede' })
      sinon.stub(superseding, 'answered').callsFake(async batchId => {
        throw new Error(`${batchId} is reported`)
      })
      asking.states = async batchIds => batchIds.map(() => ({ state: 'skipped' }))
      asking.repeat = async batchIds => void repeated.push(...batchIds)
      skipping = answersOf({ store: superseding })
    })

    it('a worker gets it again if it holds its conversation', async () => {
      sinon.stub(superseding, 'holdState').resolves('held')
      await skipping.check([check])
      expect(repeated).to.deep.equal(['b4'])
      await skipping.check([check])
      expect(repeated).to.deep.equal(['b4', 'b4'])
    })

    it('it is forgotten if newer messages have superseded it', async () => {
      sinon.stub(superseding, 'holdState').resolves('superseded')
      await skipping.check([check])
      await skipping.onAnswered('b4', 'completed')
      expect(repeated).to.deep.equal([])
    })
  })

  it('is one in queue mode, also if a worker returns what one returns that skips a batch', async () => {
    asking.states = async () => [{ state: 'skipped' }]
    await answers.check([{ batchId: 'b4', conversationId: 'c of b4', handedOverForMs: 0 }])
    expect(reported()).to.deep.equal([['b4', 'completed']])
  })

  it('is noted once and counts once if several processors listen for it', async () => {
    answered.restore()
    const message = { messageId: 'm1', type: 'text' as const, text: 'hi' }
    const { batchId = '' } = await store.append({ conversationId: 'c', messages: [message], direct: true })
    await store.claim({ owner: 'p1', maxBatches: 1, maxBytes: 1000 })
    await store.ack([batchId])
    const others = answersOf()
    asking.states = async () => [{ state: 'waiting' }]
    await others.check([{ batchId, conversationId: 'c', handedOverForMs: 0 }])
    answers.remember(batchId, 'c')
    const reports = [others.onAnswered(batchId, 'completed'), answers.onAnswered(batchId, 'completed')]
    await clock.tickAsync(A_WHILE_MS)
    await Promise.all(reports)
    const steps = (await store.history({ conversationId: 'c', limit: 100 })).map(({ step }) => step)
    expect(steps.filter(step => step === 'answered')).to.have.lengthOf(1)
    expect(counted).to.deep.equal(['completed'])
  })

  it('is noted under its conversation in concurrent order, where the batch holds nothing', async () => {
    const concurrent = new MemoryStore({ order: 'concurrent' })
    const own = sinon.stub(concurrent, 'answered').resolves({ freed: false })
    const inConcurrentOrder = answersOf({ store: concurrent })
    inConcurrentOrder.remember('b1', 'c')
    await inConcurrentOrder.onAnswered('b1', 'failed')
    expect(own.args).to.deep.equal([['b1', 'failed', 'c', undefined]])
    expect(counted).to.deep.equal(['failed'])
  })

  it('is not postponed by a check that was running when it was left to other processors', async () => {
    sinon.stub(store, 'checkNow').resolves()
    const started = sinon.stub(store, 'workerStarted').resolves()
    let says = (_: AnswerState[]) => {}
    asking.states = () =>
      new Promise(resolve => {
        says = resolve
      })
    const checking = answers.check([{ batchId: 'b4', conversationId: 'c of b4', handedOverForMs: 0 }])
    await answers.leaveToOthers()
    says([{ state: 'active', workerAttempt: '1' }])
    await checking
    expect(started.args).to.deep.equal([])
  })

  it('is left to other processors if the receiver can report job states, by the batches’ ids', async () => {
    const checkNow = sinon.stub(store, 'checkNow').resolves()
    await answers.onAnswered('b2', 'completed')
    await answers.leaveToOthers()
    expect(checkNow.args, 'a receiver that cannot report job states').to.deep.equal([])
    asking.states = async () => []
    await answers.leaveToOthers()
    expect(checkNow.args).to.deep.equal([[['b1', 'b3']]])
  })
})
