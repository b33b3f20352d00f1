/** Whole processors on a store of several partitions, in one process and by a fake clock. */
import { expect } from 'chai'
import sinon from 'sinon'
import { Processor } from '../../../src/processor/processor.js'
import { MemoryStore } from '../../../src/store/memory/store.js'
import type { ProcessorList } from '../../../src/store/processors.js'

const PARTITIONS = 64
const MINUTE_MS = 60_000

describe('processors that share 64 partitions', () => {
  let clock: sinon.SinonFakeTimers
  let owners: Set<string>
  let listeners: Set<() => void>
  let claims: { owner: string; partition: number }[]
  let renewals: number
  let processors: Processor[]

  const list: ProcessorList = {
    async renew(owner) {
      renewals += 1
      const isNew = !owners.has(owner)
      owners.add(owner)
      if (isNew) for (const listener of listeners) listener()
      return [...owners]
    },
    async leave(owner) {
      owners.delete(owner)
      for (const listener of listeners) listener()
    },
    async follow(listener) {
      listeners.add(listener)
      return async () => void listeners.delete(listener)
    },
  }

  /** A memory store that says it has several partitions: all that is in it is in each of them. */
  async function started(): Promise<Processor> {
    const store = new MemoryStore({})
    sinon.stub(store, 'partitions').value(PARTITIONS)
    Object.assign(store, { processors: list })
    sinon.stub(store, 'claim').callsFake(async ({ owner, partition = -1 }) => {
      claims.push({ owner, partition })
      return { batches: [], checks: [], dead: [], troubles: [] }
    })
    sinon.stub(store, 'listen').callsFake(async listener => {
      for (let partition = 0; partition < PARTITIONS; partition++) listener({ kind: 'subscribed', partition })
      return async () => {}
    })
    const processor = new Processor({ store, handle: () => {} })
    await processor.start()
    processors.push(processor)
    return processor
  }

  beforeEach(async () => {
    clock = sinon.useFakeTimers({
      toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'],
    })
    owners = new Set()
    listeners = new Set()
    claims = []
    renewals = 0
    processors = []
    for (let i = 0; i < 3; i++) await started()
    // Claims wait for each other: 16 at a time.
    await clock.tickAsync(1)
  })

  afterEach(async () => {
    await Promise.all(processors.map(processor => processor.stop({ timeoutMs: 0 })))
    clock.restore()
    sinon.restore()
  })

  it('claim each partition once as they start, wherever they rank', () => {
    for (const { owner } of processors) expect(claims.filter(claim => claim.owner === owner)).to.have.length(PARTITIONS)
  })

  it('send at most 2.5 claims a partition and 6 renewals a processor in an idle minute', async () => {
    await clock.tickAsync(5 * MINUTE_MS)
    claims = []
    renewals = 0
    await clock.tickAsync(5 * MINUTE_MS)
    expect(renewals / 5).to.be.within(1, 18)
    // Two a partition by whoever goes first, and the second one's.
    expect(claims.length / 5).to.be.within(PARTITIONS * 2.2, PARTITIONS * 2.6)
  })

  it('claim at once in the partitions of one that stops', async () => {
    const [gone, ...left] = processors
    await clock.tickAsync(MINUTE_MS)
    await gone?.stop({ timeoutMs: 0 })
    claims = []
    await clock.tickAsync(0)
    const first = claims.map(({ partition }) => partition)
    expect(first).to.have.length.within(4, 44)
    expect(new Set(first)).to.have.property('size', first.length)
    expect(claims.map(({ owner }) => owner)).to.include.members(left.map(({ owner }) => owner))
  })
})
