/** What the playground shows of a person's messages: only what the API, the steps and the growth say. */
import { expect } from 'chai'
import { pageModule } from './page-module.js'

const { Chat } = await pageModule('play/chat')

const RULES = { quietGapMs: 10_000, maxWaitMs: 60_000, order: 'serial' }

describe('page: chat', () => {
  let chat: InstanceType<typeof Chat>
  let ids = 0

  const step = (name: string, batchId: string, detail: Record<string, string> = {}, atMs = 1000) =>
    chat.step({ id: `${++ids}-0`, step: name, batchId, atMs, detail })
  const texts = (batchId: string) => chat.batches.get(batchId).messages.map(({ text }: { text: string }) => text)

  beforeEach(() => {
    chat = new Chat(RULES)
    chat.send([
      { messageId: 'm1', text: 'one' },
      { messageId: 'm2', text: 'two' },
    ])
  })

  it('messages are pending until a batch has taken them', () => {
    expect(chat.pending.map(({ id }: { id: string }) => id)).to.deep.equal(['m1', 'm2'])
    step('opened', 'b1', { ids: '["m1"]' })
    expect(texts('b1')).to.deep.equal(['one'])
    chat.accepted({ batchId: 'b1' }, [{ messageId: 'm1' }, { messageId: 'm2' }], 11_000, 1000)
    expect(texts('b1')).to.deep.equal(['one', 'two'])
    expect(chat.pending).to.deep.equal([])
  })

  it('a claim says which messages a cap has closed in', () => {
    chat.accepted({ batchId: 'b2' }, [{ messageId: 'm1' }, { messageId: 'm2' }], 11_000, 1000)
    step('claimed', 'b1', { ids: '["m1"]', count: '1', reason: 'maxMessages', lateMs: '3' })
    expect([texts('b1'), texts('b2')]).to.deep.equal([['one'], ['two']])
    expect(chat.batches.get('b1')).to.include({ state: 'claimed', reason: 'maxMessages', lateMs: 3, total: 1 })
  })

  it('an open batch is held back while the answer to the one before is pending', () => {
    step('claimed', 'b1', { ids: '["m1"]' })
    step('handed-over', 'b1', {}, 1100)
    chat.grow({ batchId: 'b2', count: 1, dueMs: 5000 }, 1200)
    expect(chat.isHeldBack(chat.batches.get('b2'))).to.equal(true)
    step('answered', 'b1', { outcome: 'completed' }, 4100)
    expect(chat.isHeldBack(chat.batches.get('b2'))).to.equal(false)
    expect(chat.batches.get('b1')).to.include({ state: 'answered', outcome: 'completed', tookMs: 3000 })
  })

  it('a step that comes twice changes nothing the second time', () => {
    const entry = { id: '1-1', step: 'claimed', batchId: 'b1', atMs: 1, detail: { ids: '["m1"]', count: '1' } }
    chat.step(entry)
    step('dead', 'b1', { error: 'no' })
    expect(chat.step(entry)).to.equal(undefined)
    expect(chat.batches.get('b1')).to.include({ state: 'dead', error: 'no' })
  })

  it('the messages of a superseded batch are in the one that replaces it, before the newer ones', () => {
    step('claimed', 'b1', { ids: '["m1"]', count: '1', reason: 'early' })
    chat.accepted({ batchId: 'b2' }, [{ messageId: 'm2' }], 11_000, 1000)
    step('superseded', 'b1', { by: 'b2', count: '1' })
    expect([texts('b1'), texts('b2')]).to.deep.equal([[], ['one', 'two']])
    expect(chat.batches.get('b1').state).to.equal('superseded')
    expect(chat.isHeldBack(chat.batches.get('b2'))).to.equal(false)
  })

  it('a drop ends every batch that still collects', () => {
    step('opened', 'b1', { ids: '["m1"]' })
    step('dropped', 'b1', { count: '1' })
    expect(chat.batches.get('b1').state).to.equal('dropped')
  })

  it('holds a bounded number of batches and messages', () => {
    for (let i = 0; i < 1000; i++) {
      chat.send([{ messageId: `x${i}`, text: 'x' }])
      if (i % 2) step('opened', `y${i}`, { ids: `["x${i}"]` })
    }
    expect(chat.batches.size).to.equal(20)
    expect(chat.sent.size).to.be.at.most(500)
  })
})
