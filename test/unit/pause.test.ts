import { expect } from 'chai'
import { Batcher } from '../../src/batcher.js'
import { MemoryStore } from '../../src/store/memory/store.js'

const CHAT = 'shop/79990000011@c.us'
const DAY_MS = 86_400_000

describe('Batcher.pause', () => {
  let store: MemoryStore
  let batcher: Batcher
  beforeEach(() => {
    store = new MemoryStore()
    batcher = new Batcher({ store })
  })
  afterEach(() => batcher.close())

  const pausedNow = async (conversationId = CHAT) => (await batcher.conversation(conversationId)).paused

  it('lasts as long, and keeps messages, as the caller says', async () => {
    await batcher.append(CHAT, { messageId: 'm1', text: 'hi' })
    const { untilMs, dropped } = await batcher.pause(CHAT, 2 * DAY_MS, { keep: 'collect' })
    expect(dropped).to.equal(0)
    expect(await pausedNow()).to.include({ untilMs, keep: 'collect' })
    expect((await pausedNow())?.inMs).to.be.within(2 * DAY_MS - 10_000, 2 * DAY_MS)
    expect(await batcher.append(CHAT, { messageId: 'm2', text: 'there' })).to.include({ accepted: 1, paused: 1 })
  })

  it('goes by the rules of the process by default', async () => {
    const { dropped } = await batcher.pause(CHAT)
    expect(dropped).to.equal(0)
    expect(await pausedNow()).to.include({ keep: 'drop' })
    expect((await pausedNow())?.inMs).to.be.within(1_790_000, 1_800_000)
  })

  it('goes by the stored rules of its conversation', async () => {
    await batcher.settings.set('shop', { pauseMs: 60_000, paused: 'collect' })
    await batcher.pause(CHAT)
    expect(await pausedNow()).to.include({ keep: 'collect' })
    expect((await pausedNow())?.inMs).to.be.within(50_000, 60_000)
  })

  it('refuses a time that is none, in one line with its bounds', async () => {
    const refused = async (pausing: Promise<unknown>) => {
      const error: unknown = await pausing.catch(error => error)
      expect(error).to.be.instanceOf(RangeError)
      return String(error)
    }
    for (const forMs of [0, 999, 1.5, Number.NaN, 31 * DAY_MS])
      expect(await refused(batcher.pause(CHAT, forMs))).to.match(
        /^RangeError: forMs=\S+: must be a whole number from 1000 to 2592000000$/,
      )
    const keep = JSON.parse('"throw"')
    expect(await refused(batcher.pause(CHAT, 60_000, { keep }))).to.equal(
      'RangeError: keep=throw: must be one of drop, collect',
    )
    expect(await batcher.paused()).to.deep.equal([])
  })

  it('of a hidden id is one of its person', async () => {
    await batcher.open()
    await store.learn('waha', ['79990000011@c.us', '1234@lid'])
    await batcher.pause('1234@lid', 60_000)
    expect((await batcher.paused()).map(({ conversationId }) => conversationId)).to.deep.equal(['79990000011@c.us'])
    expect(await pausedNow('1234@lid')).to.include({ keep: 'drop' })
    expect(await batcher.resume('1234@lid')).to.equal(true)
    expect(await batcher.resume('1234@lid')).to.equal(false)
    expect(await batcher.paused()).to.deep.equal([])
  })
})
