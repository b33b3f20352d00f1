import { expect } from 'chai'
import sinon from 'sinon'
import { within } from '../../src/within.js'

describe('within', () => {
  let clock: sinon.SinonFakeTimers

  beforeEach(() => {
    clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  })

  afterEach(() => {
    expect(clock.countTimers()).to.equal(0)
    clock.restore()
  })

  const never = new Promise<never>(() => {})
  const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

  it('settles as the work does, and leaves no timer', async () => {
    expect(await within(Promise.resolve('done'), 50, () => 'late')).to.equal('done')
    const failing = within(Promise.reject(new Error('broken')), 50, () => 'late')
    expect(await failing.catch(messageOf)).to.equal('broken')
  })

  it('resolves to what `late` returns if the work takes longer', async () => {
    const result = within(never, 50, () => 'late')
    await clock.tickAsync(50)
    expect(await result).to.equal('late')
  })

  it('rejects with what `late` throws', async () => {
    const result = within(never, 50, () => {
      throw new Error('too long')
    }).catch(messageOf)
    await clock.tickAsync(50)
    expect(await result).to.equal('too long')
  })

  it('treats a negative time as none', async () => {
    const result = within(never, -5, () => 'late')
    await clock.tickAsync(0)
    expect(await result).to.equal('late')
  })
})
