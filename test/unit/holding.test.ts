/** Holds and signs of typing as the library has them: by the rules of each conversation. */
import { expect } from 'chai'
import { Batcher } from '../../src/batcher.js'
import { MemoryStore } from '../../src/store/memory/store.js'

const CHAT = 'shop/79990000012@c.us'

describe('Batcher: holds and typing', () => {
  const closes: (() => Promise<void>)[] = []
  const batcherWith = async (rules: ConstructorParameters<typeof MemoryStore>[0] = {}) => {
    const store = new MemoryStore(rules)
    const batcher = new Batcher({ store })
    closes.push(
      () => batcher.close(),
      () => store.close(),
    )
    await batcher.append(CHAT, { messageId: 'm1', text: 'hi' })
    return batcher
  }
  afterEach(async () => {
    for (const close of closes.splice(0)) await close()
  })

  it('a hold lasts for the holdMs of its conversation', async () => {
    const batcher = await batcherWith()
    await batcher.settings.set('shop', { holdMs: 33_000 })
    expect((await batcher.hold(CHAT, 'k')).dueInMs).to.be.within(32_000, 33_000)
  })

  it('a key or a time out of its bounds is a RangeError, and holds nothing', async () => {
    const batcher = await batcherWith()
    for (const [key, forMs] of [
      ['', 1000],
      ['k', 0],
      ['k', Number.NaN],
    ] as const) {
      const error: unknown = await batcher.hold(CHAT, key, forMs).catch((error: unknown) => error)
      expect(error).to.be.instanceOf(RangeError)
    }
    expect(await batcher.conversation(CHAT)).to.not.have.property('holds')
  })

  it('a message that waits for its text is released by its id', async () => {
    const batcher = await batcherWith({ holdTypes: ['voice'], holdMs: 50_000 })
    await batcher.append(CHAT, { messageId: 'v1', type: 'voice' })
    expect(await batcher.release(CHAT, 'v1')).to.equal(true)
    expect(await batcher.release(CHAT, 'v1')).to.equal(false)
    expect((await batcher.conversation(CHAT)).open?.dueInMs).to.be.at.most(10_000)
  })

  it('a sign of typing goes by the rules of its conversation', async () => {
    const batcher = await batcherWith({ quietGapMs: 20_000 })
    expect(await batcher.typing(CHAT, 0)).to.equal(undefined)
    await batcher.settings.set('shop', { typingGapMs: 3000 })
    expect((await batcher.typing(CHAT))?.dueInMs).to.equal(12_000)
    expect((await batcher.typing(CHAT, 0))?.dueInMs).to.be.within(2000, 3000)
    expect((await batcher.typing(CHAT, 7000))?.dueInMs).to.equal(7000)
    expect((await batcher.typingEnded(CHAT))?.dueInMs).to.be.within(2000, 3000)
  })
})
