import { expect } from 'chai'
import sinon from 'sinon'
import { MemoryGuard } from '../../../../src/store/redis/memory-guard.js'
import { StoreUnavailable } from '../../../../src/store/store.js'

const LIMIT = 1000

describe('memory guard', () => {
  let clock: sinon.SinonFakeTimers
  let facts: Record<string, string | number>
  let looks: number
  let guard: MemoryGuard

  beforeEach(() => {
    clock = sinon.useFakeTimers({ now: 5000, toFake: ['performance'] })
    facts = { used_memory: 0, maxmemory: LIMIT, maxmemory_policy: 'noeviction', mem_not_counted_for_evict: 0 }
    looks = 0
    guard = new MemoryGuard(async () => {
      looks++
      const lines = Object.entries(facts).map(([name, value]) => `${name}:${value}`)
      return ['# Memory', ...lines, ''].join('\r\n')
    }, 'redis://there:6379')
  })

  afterEach(() => clock.restore())

  const refused = () =>
    guard.check().then(
      () => undefined,
      (error: unknown) => error,
    )

  it('accepts messages below the share, and refuses them from there on, with the numbers and the remedy', async () => {
    facts['used_memory'] = 899
    expect(await refused()).to.equal(undefined)
    facts['used_memory'] = 900
    clock.tick(1000)
    const refusal = await refused()
    if (!(refusal instanceof StoreUnavailable)) throw new Error(`not refused: ${refusal}`)
    expect(refusal.reason).to.equal('memory')
    expect(refusal.message).to.include('redis://there:6379 has 900 of maxmemory=1000').and.to.include('raise maxmemory')
  })

  it('accepts messages again as soon as a reading finds room', async () => {
    facts['used_memory'] = LIMIT
    expect(await refused()).to.be.instanceOf(StoreUnavailable)
    facts['used_memory'] = 0
    expect(await refused()).to.be.instanceOf(StoreUnavailable)
    clock.tick(1000)
    expect(await refused()).to.equal(undefined)
  })

  it('reads once a second at most, however many ask at once', async () => {
    await Promise.all([refused(), refused(), refused()])
    clock.tick(999)
    await refused()
    expect(looks).to.equal(1)
    clock.tick(1)
    await Promise.all([refused(), refused()])
    expect(looks).to.equal(2)
  })

  it('is off without maxmemory, and with an eviction policy', async () => {
    facts['used_memory'] = LIMIT
    facts['maxmemory_policy'] = 'volatile-lru'
    expect(await refused()).to.equal(undefined)
    clock.tick(1000)
    facts['maxmemory_policy'] = 'noeviction'
    facts['maxmemory'] = 0
    expect(await refused()).to.equal(undefined)
  })

  it('does not count buffers that Redis does not count either', async () => {
    facts['used_memory'] = 950
    facts['mem_not_counted_for_evict'] = 60
    expect(await refused()).to.equal(undefined)
  })

  it('rejects if the reading fails, and reads again the next time', async () => {
    let fails = true
    const failing = new MemoryGuard(async () => {
      looks++
      if (fails) throw new Error('gone')
      return 'maxmemory:0'
    }, 'there')
    const error = await failing.check().then(
      () => undefined,
      (reason: unknown) => String(reason),
    )
    expect(error).to.equal('Error: gone')
    fails = false
    await failing.check()
    expect(looks).to.equal(2)
  })
})
