import { expect } from 'chai'
import sinon from 'sinon'
import { Lifecycle, type Scope, StoppedEarly } from '../../../src/cli/lifecycle.js'
import { silent } from '../../../src/logger.js'

describe('lifecycle', () => {
  it('releases in the reverse order of acquisition, one after the other', async () => {
    const lifecycle = new Lifecycle(silent)
    const released: string[] = []
    for (const name of ['redis', 'processor', 'api'])
      await lifecycle.add(name, async () => {
        released.push(`${name} began`)
        await new Promise(resolve => setImmediate(resolve))
        released.push(`${name} ended`)
      })
    await lifecycle.stop(1000)
    expect(released).to.deep.equal([
      'api began',
      'api ended',
      'processor began',
      'processor ended',
      'redis began',
      'redis ended',
    ])
  })

  it('releases what a failed attempt has acquired, in reverse order, and keeps what came before', async () => {
    const lifecycle = new Lifecycle(silent)
    const released: string[] = []
    const add = (name: string, to: Scope = lifecycle) => to.add(name, () => released.push(name))
    await add('metrics')
    const failed = lifecycle.attempt(async scope => {
      await add('redis', scope)
      await add('processor', scope)
      throw new Error('Redis is away')
    })
    expect(await failed.catch((error: Error) => error.message)).to.equal('Redis is away')
    expect(released).to.deep.equal(['processor', 'redis'])
    expect(await lifecycle.attempt(scope => add('api', scope).then(() => 'started'))).to.equal('started')
    await lifecycle.stop(1000)
    expect(released).to.deep.equal(['processor', 'redis', 'api', 'metrics'])
  })

  it('keeps what others have added while an attempt failed, and releases nothing twice', async () => {
    const lifecycle = new Lifecycle(silent)
    const released: string[] = []
    const add = (name: string, to: Scope = lifecycle) => to.add(name, () => released.push(name))
    let fail = (_: Error) => {}
    const attempt = lifecycle.attempt(async scope => {
      await add('presence', scope)
      await new Promise((_, reject) => {
        fail = reject
      })
    })
    await new Promise(resolve => setImmediate(resolve))
    await add('server')
    fail(new Error('Redis is away'))
    await attempt.catch(() => {})
    expect(released).to.deep.equal(['presence'])
    await lifecycle.stop(1000)
    expect(released).to.deep.equal(['presence', 'server'])
  })

  it('stops once, however often `stop` is called', async () => {
    const lifecycle = new Lifecycle(silent)
    const release = sinon.stub()
    await lifecycle.add('one', release)
    await Promise.all([lifecycle.stop(1000), lifecycle.stop(1000)])
    await lifecycle.stop(1000)
    expect(release.callCount).to.equal(1)
  })

  it('releases the others if one fails, and logs which', async () => {
    const log = { ...silent, warn: sinon.stub() }
    const lifecycle = new Lifecycle(log)
    const release = sinon.stub()
    await lifecycle.add('the first', release)
    await lifecycle.add('the second', () => Promise.reject(new Error('stuck')))
    await lifecycle.stop(1000)
    expect(release.callCount).to.equal(1)
    expect(log.warn.firstCall.args[1]).to.equal('the second did not stop cleanly')
  })

  it('leaves time to the later releases if one takes all of its own', async () => {
    const clock = sinon.useFakeTimers({ toFake: ['performance', 'setTimeout'] })
    try {
      const lifecycle = new Lifecycle(silent)
      const given: number[] = []
      const takesAll = (timeoutMs: number) => {
        given.push(timeoutMs)
        clock.tick(timeoutMs)
      }
      for (const name of ['a', 'b', 'c']) await lifecycle.add(name, takesAll)
      await lifecycle.stop(1000)
      expect(given.map(Math.round)).to.deep.equal([900, 90, 10])
    } finally {
      clock.restore()
    }
  })

  it('goes on without a release that does not end, and logs which', async () => {
    const log = { ...silent, warn: sinon.stub() }
    const lifecycle = new Lifecycle(log)
    const release = sinon.stub()
    await lifecycle.add('the first', release)
    await lifecycle.add('the second', () => new Promise(() => {}))
    await lifecycle.stop(1)
    expect(release.callCount).to.equal(1)
    expect(log.warn.firstCall.args[1]).to.equal('the second did not stop cleanly')
  })

  it('releases at once what a start acquires after a stop, and ends the start', async () => {
    const lifecycle = new Lifecycle(silent)
    await lifecycle.stop(1000)
    const release = sinon.stub()
    const ending = await lifecycle.add('late', release).catch(error => error)
    expect(ending).to.be.instanceOf(StoppedEarly)
    expect(release.callCount).to.equal(1)
  })
})
