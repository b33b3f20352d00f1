import { expect } from 'chai'
import { Batcher } from '../../../src/batcher.js'
import { LONGEST_HOLD_KEY, LONGEST_HOLD_MS } from '../../../src/holding.js'
import { MemoryStore } from '../../../src/store/memory/store.js'
import { type Serving, serve } from './serving.js'

const ID = 'shop/79990000012@c.us'
const PATH = `/conversations/${encodeURIComponent(ID)}`
const QUERY = `?id=${encodeURIComponent(ID)}`

describe('API: holds', () => {
  let api: Serving
  beforeEach(async () => {
    api = await serve()
    await api.call('POST', `${PATH}/messages`, { messageId: 'm1', text: 'hi' })
  })
  afterEach(() => api.close(0))

  it('a hold keeps the open batch from its due time, and a release ends it', async () => {
    const held = await api.call('POST', `${PATH}/hold`, { key: 'transcript', forMs: 45_000 })
    expect(held.json).to.have.property('dueInMs').that.is.within(44_000, 45_000)
    expect((await api.call('GET', PATH)).json)
      .to.have.nested.property('holds[0]')
      .that.includes({ key: 'transcript' })
    expect((await api.call('POST', `${PATH}/release`, { key: 'transcript' })).json).to.deep.equal({ released: true })
    expect((await api.call('POST', `${PATH}/release`, { key: 'transcript' })).json).to.deep.equal({ released: false })
    expect((await api.call('GET', PATH)).json).to.not.have.property('holds')
  })

  it('by ?id=, and for holdMs by default', async () => {
    const held = await api.call('POST', `/conversations/hold${QUERY}`, { key: 'k' })
    expect(held.json).to.have.property('dueInMs').that.is.within(19_000, 20_000)
    expect((await api.call('POST', `/conversations/release${QUERY}`, { key: 'k' })).json).to.deep.equal({
      released: true,
    })
  })

  it('without an open batch the next one is held', async () => {
    expect((await api.call('POST', '/conversations/other/hold', { key: 'k' })).json).to.deep.equal({})
    const appended = await api.call('POST', '/conversations/other/messages', { messageId: 'm1', text: 'hi' })
    expect(appended.json).to.have.property('dueInMs').that.is.above(15_000)
  })

  it('a missing, empty or long key, and a time out of its bounds, are 400 with the reason', async () => {
    const refused: [body: unknown, reason: string][] = [
      [undefined, 'key is missing'],
      [{ forMs: 5 }, 'key is missing'],
      [{ key: 7 }, 'key is missing'],
      [{ key: '' }, 'key=""'],
      [{ key: 'x'.repeat(LONGEST_HOLD_KEY + 1) }, '1 to 200 characters'],
      [{ key: '"m1"' }, 'quotation mark'],
      [{ key: 'k', forMs: 0 }, 'forMs=0'],
      [{ key: 'k', forMs: 1.5 }, 'forMs=1.5'],
      [{ key: 'k', forMs: LONGEST_HOLD_MS + 1 }, String(LONGEST_HOLD_MS)],
      [{ key: 'k', forMs: 'long' }, 'forMs is not a number'],
    ]
    for (const [body, reason] of refused) {
      const { status, json } = await api.call('POST', `${PATH}/hold`, body)
      expect(status, reason).to.equal(400)
      expect(json).to.have.property('error').that.includes(reason)
    }
    expect((await api.call('POST', `${PATH}/release`, { key: '' })).status).to.equal(400)
    expect((await api.call('GET', PATH)).json).to.not.have.property('holds')
  })
})

describe('API: typing', () => {
  let api: Serving
  afterEach(() => api.close(0))

  it('is worth forMs, or the time that is given by its older name', async () => {
    api = await serve()
    await api.call('POST', `${PATH}/messages`, { messageId: 'm1', text: 'hi' })
    for (const name of ['forMs', 'ms'])
      expect((await api.call('POST', `${PATH}/typing`, { [name]: 20_000 })).json)
        .to.have.property('dueInMs')
        .that.is.within(19_000, 20_000)
    for (const body of [{ forMs: 0 }, { forMs: 3_600_001 }, { ms: 'x' }, { ended: 'x' }])
      expect((await api.call('POST', `${PATH}/typing`, body)).status).to.equal(400)
  })

  it('has ended: the batch is due a typing gap later', async () => {
    const store = new MemoryStore({ quietGapMs: 40_000, typingGapMs: 4000 })
    api = await serve({ batcher: new Batcher({ store }) })
    await api.call('POST', `${PATH}/messages`, { messageId: 'm1', text: 'hi' })
    expect((await api.call('POST', `${PATH}/typing`)).json).to.have.property('dueInMs', 12_000)
    expect((await api.call('POST', `${PATH}/typing`, { ended: true })).json)
      .to.have.property('dueInMs')
      .that.is.within(3000, 4000)
    expect((await api.call('GET', PATH)).json).to.have.property('typedAgoMs')
  })

  it('without a typing gap its end moves nothing', async () => {
    api = await serve()
    await api.call('POST', `${PATH}/messages`, { messageId: 'm1', text: 'hi' })
    expect((await api.call('POST', `${PATH}/typing`, { ended: true })).json).to.deep.equal({ extended: false })
  })
})
