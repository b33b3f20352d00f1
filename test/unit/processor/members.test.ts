import { expect } from 'chai'
import sinon from 'sinon'
import { silent } from '../../../src/logger.js'
import { Members } from '../../../src/processor/members.js'
import { StoreUnavailable } from '../../../src/store/store.js'

describe('the processors that run', () => {
  let clock: sinon.SinonFakeTimers
  let publish: () => void
  let list: { renew: sinon.SinonStub; leave: sinon.SinonStub; follow: sinon.SinonStub }
  let changes: string[][]
  let members: Members

  beforeEach(() => {
    clock = sinon.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
    publish = () => {}
    changes = []
    list = {
      renew: sinon.stub().resolves(['me', 'other']),
      leave: sinon.stub().resolves(),
      follow: sinon.stub().callsFake(async (listener: () => void) => {
        publish = listener
        return async () => {
          publish = () => {}
        }
      }),
    }
    members = new Members({ list, owner: 'me', onChange: now => void changes.push(now), log: silent })
  })

  afterEach(async () => {
    await members.stop()
    expect(clock.countTimers()).to.equal(0)
    clock.restore()
  })

  it('are known when `start` resolves, and this one is renewed every 10 s', async () => {
    await members.start()
    expect(changes).to.deep.equal([['me', 'other']])
    await clock.tickAsync(30_000)
    expect(list.renew.args).to.deep.equal([['me'], ['me'], ['me'], ['me']])
    expect(changes).to.have.length(1)
  })

  it('are read again when a start or a stop is published, one reading after the other', async () => {
    await members.start()
    let running = 0
    list.renew.callsFake(async () => {
      expect(++running).to.equal(1)
      await new Promise(resolve => setImmediate(resolve))
      running--
      return ['me']
    })
    for (let i = 0; i < 20; i++) publish()
    await members.stop()
    // The one that ran when the others came, and no second one after the stop.
    expect(list.renew.callCount).to.equal(2)
  })

  it('are kept for 25 s while the store is away, and then only this one is known', async () => {
    await members.start()
    list.renew.rejects(new StoreUnavailable('connection', 'gone'))
    await clock.tickAsync(20_000)
    expect(changes).to.deep.equal([['me', 'other']])
    await clock.tickAsync(10_000)
    expect(changes).to.deep.equal([['me', 'other'], ['me']])
    list.renew.resolves(['me', 'other'])
    await clock.tickAsync(10_000)
    expect(changes.at(-1)).to.deep.equal(['me', 'other'])
  })

  it('start with only this one if the store is away, and are followed when it is back', async () => {
    list.renew.onFirstCall().rejects(new StoreUnavailable('connection', 'gone'))
    await members.start()
    expect(changes).to.deep.equal([['me']])
    expect(list.follow.callCount).to.equal(0)
    await clock.tickAsync(10_000)
    expect(list.follow.callCount).to.equal(1)
    expect(changes.at(-1)).to.deep.equal(['me', 'other'])
  })

  it('learn of a clean stop once, and a stop without the store does not fail', async () => {
    list.leave.rejects(new StoreUnavailable('connection', 'gone'))
    await members.start()
    await members.stop()
    await members.stop()
    expect(list.leave.args).to.deep.equal([['me']])
    await clock.tickAsync(20_000)
    expect(list.renew.callCount).to.equal(1)
  })
})
