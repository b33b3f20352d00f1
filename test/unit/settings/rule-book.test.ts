import { expect } from 'chai'
import type { Logger } from '../../../src/logger.js'
import { RuleBook, type RulesFor } from '../../../src/settings/rule-book.js'
import { MemoryStore } from '../../../src/store/memory/store.js'
import { until } from '../../support/wait.js'

const CHAT = 'shop/79990000011@c.us'

describe('the rules of an append', () => {
  const warned: string[] = []
  const log: Logger = {
    debug: () => {},
    info: () => {},
    warn: (_fields: object, message: string) => void warned.push(message),
    error: () => {},
  }
  const books: RuleBook[] = []

  afterEach(async () => {
    warned.length = 0
    for (const book of books.splice(0)) await book.stored.stop()
  })

  const bookOn = async (stored: Record<string, object> = {}, rulesFor?: RulesFor, options = {}) => {
    const store = new MemoryStore(options)
    for (const [scope, rules] of Object.entries(stored))
      await store.settings.put(scope, JSON.stringify(rules), undefined)
    const book = new RuleBook({ store, batching: true, onOwnMessage: 'ignore', rulesFor, log })
    books.push(book)
    await book.stored.start()
    return { book, store }
  }

  it('are the store’s if nothing overrides them', async () => {
    const { book } = await bookOn()
    expect(await book.forAppend(CHAT, [])).to.not.have.property('own')
  })

  it('come from the caller, the hook, the conversation, its account and all, each rule by itself', async () => {
    const stored = {
      '*': { quietGapMs: 1000, maxMessages: 11, maxBytes: 1001, maxWaitMs: 20_001, earlyStartMs: 0 },
      shop: { quietGapMs: 2000, maxMessages: 12, maxBytes: 1002, maxWaitMs: 20_002 },
      [CHAT]: { quietGapMs: 3000, maxMessages: 13, maxBytes: 1003 },
    }
    const { book } = await bookOn(stored, () => ({ quietGapMs: 4000, maxMessages: 14 }))
    const { own } = await book.forAppend(CHAT, [], { quietGapMs: 5000 })
    expect(own).to.deep.equal({
      quietGapMs: 5000,
      maxMessages: 14,
      maxBytes: 1003,
      maxWaitMs: 20_002,
      earlyStartMs: 0,
      scopes: { quietGapMs: 'caller', maxMessages: 'hook', maxBytes: CHAT, maxWaitMs: 'shop', earlyStartMs: '*' },
    })
  })

  it('of another account or conversation are not used', async () => {
    const { book } = await bookOn({ market: { quietGapMs: 2000 }, 'shop/1': { quietGapMs: 3000 } })
    expect(await book.forAppend(CHAT, [])).to.not.have.property('own')
  })

  it('follow a change at once', async () => {
    const { book, store } = await bookOn({ shop: { quietGapMs: 2000 } })
    expect((await book.forAppend(CHAT, [])).own?.quietGapMs).to.equal(2000)
    await store.settings.put('shop', '{"quietGapMs":3000}', '{"quietGapMs":2000}')
    await until(async () => (await book.forAppend(CHAT, [])).own?.quietGapMs === 3000, { what: 'the change' })
    await store.settings.put('shop', undefined, '{"quietGapMs":3000}')
    await until(async () => (await book.forAppend(CHAT, [])).own === undefined, { what: 'the removal' })
  })

  it('leave out a scope that contradicts those below it, and say so once a minute', async () => {
    const { book } = await bookOn({ '*': { maxWaitMs: 15_000 }, shop: { quietGapMs: 20_000 } })
    for (const id of [CHAT, 'shop/2', 'shop/3'])
      expect((await book.forAppend(id, [])).own).to.deep.equal({ maxWaitMs: 15_000, scopes: { maxWaitMs: '*' } })
    expect(warned).to.deep.equal([
      'the settings of shop are not used: maxWaitMs=15000 is less than quietGapMs=20000: make it at least that',
    ])
  })

  for (const [what, rulesFor, why] of [
    ['throws', () => Promise.reject(new Error('no database')), 'no database'],
    ['returns a rule out of its bounds', () => ({ quietGapMs: 1 }), 'quietGapMs=1: must be'],
    ['returns a name that is no rule', () => Object({ quietGap: 6000 }), 'did you mean quietGapMs?'],
  ] as [string, RulesFor, string][])
    it(`go on without a hook that ${what}, and say why`, async () => {
      const { book } = await bookOn({ shop: { quietGapMs: 2000 } }, rulesFor)
      expect((await book.forAppend(CHAT, [])).own?.quietGapMs).to.equal(2000)
      await book.forAppend(CHAT, [])
      expect(warned).to.have.length(1)
      expect(warned[0]).to.include(why)
    })

  it('may end the batch', async () => {
    const { book } = await bookOn({}, (_place, messages) => ({ flush: messages.some(({ text }) => text === 'stop') }))
    const message = { messageId: 'm1', type: 'text' as const }
    expect((await book.forAppend(CHAT, [{ ...message, text: 'stop' }])).flush).to.equal(true)
    expect((await book.forAppend(CHAT, [{ ...message, text: 'go on' }])).flush).to.equal(false)
    expect((await book.forAppend(CHAT, [], { flush: true })).flush).to.equal(true)
  })

  it('refuse a caller’s rule that cannot be used, with one line', async () => {
    const { book } = await bookOn()
    const refused = (rules: object) =>
      book.forAppend(CHAT, [], rules).then(
        () => 'accepted',
        error => error.message,
      )
    expect(await refused({ quietGapMs: 1 })).to.include('quietGapMs=1: must be a whole number')
    expect(await refused({ quietGapMs: 90_000 })).to.include('maxWaitMs=60000 is less than quietGapMs=90000')
  })
})
