/**
 * What the page knows of conversations: steps, growth and answers may come in any order, twice, late, or not at all.
 */
import { expect } from 'chai'
import fc from 'fast-check'
import { pageModule } from './page-module.js'

const { Conversations, isVague, waitingIn } = await pageModule('conversations')
const { waitTexts } = await pageModule('waits')
const { speak } = await pageModule('words')
speak('en', (await pageModule('languages/en')).default)

const RULES = { quietGapMs: 10_000, maxWaitMs: 60_000, order: 'serial' }
const A = 'a@c.us'
const TOTALS = { open: 0, held: 0 }

describe('page: conversations', () => {
  let conversations: InstanceType<typeof Conversations>

  const step = (name: string, batchId: string, atMs: number, detail: Record<string, string> = {}, id = A) =>
    conversations.apply({ step: name, conversationId: id, batchId, atMs, detail })
  const grow = (batchId: string, count: number, dueMs: number, id = A) =>
    conversations.grow({ conversationId: id, batchId, count }, dueMs)
  const a = () => conversations.known.get(A)

  beforeEach(() => {
    conversations = new Conversations()
    conversations.start(RULES, [], 0)
  })

  it('an open batch is known from its first step and grows by its growth', () => {
    step('opened', 'b1', 1000, { count: '1' })
    expect(a().open).to.deep.equal({ batchId: 'b1', count: 1, firstMs: 1000, dueMs: 11_000 })
    grow('b1', 3, 15_000)
    expect(a().open).to.deep.equal({ batchId: 'b1', count: 3, firstMs: 1000, dueMs: 15_000 })
  })

  it('a sign of typing is known until a message comes, the typing ends, or its time has passed', () => {
    const texts = (now: number) => waitTexts(a().waits, now)
    step('opened', 'b1', 1000, { count: '1' })
    expect(texts(1000)).to.deep.equal([])
    step('extended', 'b1', 2000, { byMs: '3000' })
    expect(texts(13_999)).to.deep.equal(['is typing …'])
    expect(texts(14_000)).to.deep.equal([])
    grow('b1', 1, 15_000)
    expect(texts(2000)).to.deep.equal(['is typing …'])
    grow('b1', 2, 15_000)
    expect(texts(2000)).to.deep.equal([])
    step('extended', 'b1', 3000, { byMs: '3000' })
    step('extended', 'b1', 4000, { byMs: '-2000' })
    expect(texts(4000)).to.deep.equal([])
  })

  it('what a batch waits for is known until it is released or its time has passed', () => {
    const texts = (now: number) => waitTexts(a().waits, now)
    step('opened', 'b1', 1000, { count: '1' })
    step('held', 'b1', 1000, { key: '"m1"', forMs: '20000' })
    step('held', 'b1', 2000, { key: 'invoice', forMs: '5000' })
    expect(texts(2000)).to.deep.equal([
      'waits for the text of a message, at most 19\u00a0s more',
      'waits for invoice, at most 5.0\u00a0s more',
    ])
    expect(texts(7000)).to.have.length(1)
    step('unheld', 'b1', 7000, { key: '"m1"' })
    expect(texts(3000)).to.have.length(1)
  })

  it('growth that comes before the first step is kept', () => {
    grow('b1', 2, 15_000)
    step('opened', 'b1', 1000, { count: '1' })
    expect(a().open).to.deep.equal({ batchId: 'b1', count: 2, firstMs: 1000, dueMs: 15_000 })
  })

  it('late growth of a claimed batch is not news', () => {
    step('opened', 'b1', 1000)
    step('claimed', 'b1', 11_000, { reason: 'gap', lateMs: '2' })
    step('handed-over', 'b1', 11_001)
    step('answered', 'b1', 12_000)
    expect(grow('b1', 2, 15_000)).to.equal(false)
    expect(conversations.known.size).to.equal(0)
  })

  describe('that are paused', () => {
    const pause = (untilMs: number) => step('pause', '', 1000, { untilMs: String(untilMs), keep: 'drop' })

    it('are listed until the pause ends, by itself or before, and count neither as open nor as held', () => {
      pause(5000)
      expect(a().paused).to.deep.equal({ untilMs: 5000 })
      expect(conversations.counts(TOTALS)).to.deep.equal({ open: 0, held: 0 })
      conversations.endPauses(4999)
      expect(conversations.sorted()).to.have.length(1)
      conversations.endPauses(5000)
      expect(conversations.sorted()).to.deep.equal([])
      pause(9000)
      step('resumed', '', 6000)
      expect(conversations.sorted()).to.deep.equal([])
    })

    it('are known from the API’s list, beside what else is known of them', () => {
      const open = { conversationId: A, state: 'open', dueInMs: 500, count: 1 }
      const paused = [A, 'b@c.us'].map((conversationId, i) => ({ conversationId, untilMs: 0, inMs: 1000 * (i + 1) }))
      conversations.start(RULES, [open], 100, paused)
      expect(a()).to.deep.include({ paused: { untilMs: 1100 } })
      expect(a().open).to.include({ count: 1 })
      expect(conversations.known.get('b@c.us').paused).to.deep.equal({ untilMs: 2100 })
      expect(conversations.counts(TOTALS)).to.deep.equal({ open: 1, held: 0 })
    })

    it('keep what they collected when the pause ends', () => {
      pause(5000)
      grow('b1', 2, 5000)
      conversations.endPauses(5000)
      expect(a().open).to.include({ batchId: 'b1', count: 2 })
      expect(a().paused).to.equal(undefined)
    })

    it('have one batch of all that waited', () => {
      step('opened', 'b1', 1000, { count: '1' })
      step('sealed', 'b1', 1001, { reason: 'direct', count: '1' })
      step('superseded', 'b1', 2000, { count: '1', by: 'b2' })
      grow('b2', 1, 5000)
      expect(waitingIn(a())).to.equal(1)
    })

    it('are one with the person’s other id, until the later end', () => {
      step('pause', '', 1000, { untilMs: '9000', keep: 'drop' }, 'b@c.us')
      pause(5000)
      step('merged', '', 2000, { into: A }, 'b@c.us')
      expect(conversations.known.has('b@c.us')).to.equal(false)
      expect(a().paused).to.deep.equal({ untilMs: 9000 })
    })
  })

  it('late growth of a batch whose messages were dropped is not news', () => {
    step('opened', 'b1', 1000)
    step('dropped', 'b1', 2000, { count: '1' })
    expect(grow('b1', 1, 11_000)).to.equal(false)
    expect(conversations.known.size).to.equal(0)
  })

  it('the next batch waits behind the one that holds its conversation', () => {
    step('opened', 'b1', 1000)
    step('claimed', 'b1', 11_000, { reason: 'gap' })
    step('handed-over', 'b1', 11_001)
    grow('b2', 1, 22_000)
    expect(a().held).to.include({ batchId: 'b1', state: 'answering' })
    expect(a().open).to.include({ batchId: 'b2', count: 1 })
    step('answered', 'b1', 12_000)
    expect(a().held).to.equal(undefined)
    expect(a().open).to.include({ batchId: 'b2' })
  })

  it('a batch that started early is provisional until it is committed, and then its answer is being sent', () => {
    step('opened', 'b1', 1000, { count: '1' })
    step('claimed', 'b1', 3000, { reason: 'early' })
    expect(a().held).to.deep.equal({ batchId: 'b1', state: 'claimed', sinceMs: 3000, isProvisional: true })
    step('handed-over', 'b1', 3001)
    expect(a().held).to.deep.equal({ batchId: 'b1', state: 'answering', sinceMs: 3001, isProvisional: true })
    step('committed', 'b1', 11_000)
    step('handed-over', 'b1', 11_900)
    expect(a().held).to.deep.equal({ batchId: 'b1', state: 'committed', sinceMs: 11_000 })
  })

  it('a superseded batch lets go of its conversation, whose messages wait in the one that replaced it', () => {
    step('opened', 'b1', 1000, { count: '1' })
    step('claimed', 'b1', 3000, { reason: 'early' })
    step('opened', 'b2', 5000, { count: '2', supersedes: 'b1' })
    step('superseded', 'b1', 5000, { count: '1', by: 'b2' })
    expect(a().held).to.equal(undefined)
    expect(waitingIn(a())).to.equal(2)
    expect(conversations.counts(TOTALS)).to.deep.equal({ open: 1, held: 0 })
  })

  it('a sealed batch is not an open one, and its messages wait', () => {
    step('opened', 'b1', 1000)
    step('sealed', 'b1', 2000, { count: '100', reason: 'maxMessages' })
    grow('b1', 100, 2000)
    expect(a()).to.deep.include({ open: undefined, sealed: [{ batchId: 'b1', count: 100 }] })
    expect(waitingIn(a())).to.equal(100)
  })

  it('a held conversation counts as held, whatever waits behind it, and is never open as well', () => {
    step('opened', 'b1', 1000, { count: '1' })
    expect(conversations.counts(TOTALS)).to.deep.equal({ open: 1, held: 0 })
    step('claimed', 'b1', 11_000, { reason: 'gap' })
    grow('b2', 1, 22_000)
    expect(conversations.counts(TOTALS)).to.deep.equal({ open: 0, held: 1 })
    step('answered', 'b1', 12_000)
    expect(conversations.counts(TOTALS)).to.deep.equal({ open: 1, held: 0 })
  })

  it('a conversation that was merged into another one is gone, and what waited or held it is there', () => {
    step('opened', 'b1', 1000, { count: '1' }, 'from')
    step('claimed', 'b1', 2000, { reason: 'gap' }, 'from')
    step('opened', 'b2', 3000, { count: '1' }, 'from')
    step('merged', 'b2', 4000, { into: 'into' }, 'from')
    step('merged', 'b2', 4000, { from: 'from', count: '1' }, 'into')
    const [only, ...others] = conversations.sorted()
    expect(others).to.deep.equal([])
    expect(only.held.batchId).to.equal('b1')
    expect(only.open.batchId).to.equal('b2')
  })

  it('counts are those of the list below them, after any events in any order', () => {
    const id = fc.constantFrom('c1', 'c2', 'c3')
    const batchId = fc.constantFrom('b1', 'b2', 'b3')
    const name = fc.constantFrom(
      ...[
        'opened',
        'sealed',
        'claimed',
        'handed-over',
        'answered',
        'nacked',
        'dead',
        'redriven',
        'dropped',
        'merged',
        'committed',
        'superseded',
        'grown',
      ],
    )
    fc.assert(
      fc.property(fc.array(fc.tuple(name, id, batchId), { maxLength: 60 }), events => {
        conversations = new Conversations()
        conversations.start(RULES, [{ conversationId: 'c3', state: 'held', batchId: 'b1' }], 0)
        for (const [event, conversationId, batch] of events)
          if (event === 'grown') grow(batch, 1, 1000, conversationId)
          else step(event, batch, 0, { count: '1', ...(event === 'merged' ? { into: 'c2' } : {}) }, conversationId)
        const listed: { held?: object; open?: object; sealed: object[] }[] = conversations.sorted()
        const held = listed.filter(conversation => conversation.held !== undefined)
        const open = listed.filter(conversation => !held.includes(conversation))
        expect(conversations.counts(TOTALS)).to.deep.equal({ open: open.length, held: held.length })
        expect(open.every(one => one.open !== undefined || one.sealed.length > 0)).to.equal(true)
      }),
    )
  })

  it('a look at everything replaces what was known, and says what it leaves out', () => {
    grow('b1', 5, 15_000)
    step('opened', 'b3', 1000, {}, 'gone@c.us')
    conversations.start(
      RULES,
      [
        { conversationId: A, state: 'open', dueInMs: 4000, count: 6 },
        { conversationId: 'c@c.us', state: 'held', batchId: 'b2' },
      ],
      10_000,
    )
    expect([...conversations.known.keys()]).to.deep.equal([A, 'c@c.us'])
    expect(a().open).to.deep.equal({ count: 6, dueMs: 14_000 })
    expect(conversations.known.get('c@c.us').held).to.deep.equal({ batchId: 'b2', state: 'answering', sinceMs: 10_000 })
    expect([...conversations.known.values()].every(isVague)).to.equal(true)
  })

  describe('completed with the lives of its batches', () => {
    const life = (batchId: string, state: string, more: object = {}) => ({
      batchId,
      state,
      count: 2,
      steps: [],
      ...more,
    })

    it('a conversation shows what holds it, since when, and what waits behind', () => {
      conversations.start(RULES, [{ conversationId: A, state: 'held', batchId: 'b1' }], 10_000)
      const lives = [
        life('b3', 'open', { firstAtMs: 9000, dueAtMs: 19_000 }),
        life('b2', 'held', { steps: [{ step: 'sealed' }] }),
        life('b1', 'answering', { claimed: { atMs: 4000 }, handedOverAtMs: 4100 }),
        life('b0', 'answered'),
      ]
      conversations.complete(a(), lives, a().changes)
      expect(a().held).to.deep.equal({ batchId: 'b1', state: 'answering', sinceMs: 4100 })
      expect(a().open).to.deep.equal({ batchId: 'b3', count: 2, firstMs: 9000, dueMs: 19_000 })
      expect(a().sealed).to.deep.equal([{ batchId: 'b2', count: 2 }])
      expect(isVague(a())).to.equal(false)
    })

    it('a conversation ignores lives that are older than its last event', () => {
      conversations.start(RULES, [{ conversationId: A, state: 'open', dueInMs: 0, count: 1 }], 10_000)
      const { changes } = a()
      step('claimed', 'b1', 10_001, { reason: 'gap' })
      conversations.complete(a(), [life('b1', 'open', { firstAtMs: 0, dueAtMs: 10_000 })], changes)
      expect(a()).to.deep.include({ open: undefined, held: { batchId: 'b1', state: 'claimed', sinceMs: 10_001 } })
    })

    it('a conversation whose steps are forgotten stays as the list has it', () => {
      conversations.start(RULES, [{ conversationId: A, state: 'open', dueInMs: 500, count: 1 }], 10_000)
      conversations.complete(a(), [], a().changes)
      expect(a().open).to.deep.equal({ count: 1, dueMs: 10_500 })
    })
  })

  it('a bounded number is kept, and beyond it the store counts', () => {
    for (let i = 0; i < 5000; i++) grow(`b${i}`, 1, 1000, `c${i}`)
    expect(conversations.known.size).to.equal(2000)
    expect(conversations.counts({ open: 4900, held: 100 })).to.deep.equal({ open: 4900, held: 100 })
  })
})
