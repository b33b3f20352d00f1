/**
 * Guarantee **batch**: the messages that one person sends in one go come out as one batch: complete, in order, once.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'chai'
import { type Pipeline, pipeline } from '../support/pipeline.js'
import { until } from '../support/wait.js'

describe('batch', () => {
  let running: Pipeline | undefined

  afterEach(async () => {
    await running?.stop()
    running = undefined
  })

  it('five messages 700 ms apart under a gap of 2 s are one batch, in order', async () => {
    running = await pipeline({ rules: { quietGapMs: 2000 } })
    for (const text of ['1', '2', '3', '4', '5']) {
      await running.post('79000000001@c.us', [{ messageId: `m${text}`, text }])
      if (text !== '5') await delay(700)
    }
    const [batch] = await running.received(1)
    expect(batch?.text).to.equal('1\n2\n3\n4\n5')
    expect(batch?.releasedBy).to.equal('gap')
    expect(batch!.dueAtMs - batch!.lastAtMs).to.equal(2000)
    expect(batch!.releasedAtMs).to.be.at.least(batch!.dueAtMs)
  })

  it('200 conversations interleaved over two APIs and two processors come out as 200 batches, each complete and once', async function () {
    this.timeout(90_000)
    // A thousand requests must be answered well within five gaps.
    running = await pipeline({ rules: { quietGapMs: 8000 }, apis: 2, processors: 2, workers: 2 })
    const { post } = running
    const chats = Array.from({ length: 200 }, (_, i) => `7900000${1000 + i}@c.us`)
    for (let n = 0; n < 5; n++)
      await Promise.all(
        chats.map((chat, i) => post(chat, [{ messageId: `${chat}-${n}`, text: String(n) }], { api: (i + n) % 2 })),
      )
    const batches = await running.received(200, 60_000)
    expect(new Set(batches.map(batch => batch.chatId)).size).to.equal(200)
    expect(new Set(batches.map(batch => batch.batchId)).size).to.equal(200)
    for (const batch of batches) expect(batch.text).to.equal('0\n1\n2\n3\n4')
    // No further batch can come: nothing waits, and nothing is held.
    expect(await running.batcher.conversations(10)).to.satisfy((left: { state: string }[]) =>
      left.every(({ state }) => state === 'held'),
    )
    expect(batches).to.have.length(200)
  })

  it('a person who writes without a pause gets an answer at the max wait, and the next messages are the next batch', async () => {
    // A slow machine may pause between two messages for as long as a short gap, which would end the batch.
    running = await pipeline({ rules: { quietGapMs: 1100, maxWaitMs: 1200 } })
    const sent: string[] = []
    while (running.batches.length < 2) {
      sent.push(String(sent.length))
      await running.post('79000000002@c.us', [{ messageId: `m${sent.length}`, text: String(sent.length - 1) }])
      await delay(100)
    }
    const [first] = running.batches
    expect(first?.releasedBy).to.equal('maxWait')
    expect(first!.dueAtMs - first!.firstAtMs).to.equal(1200)
    const texts = () => running!.batches.flatMap(batch => batch.messages.map(message => message.text))
    await until(() => texts().length >= sent.length, { what: 'the last message' })
    expect(texts()).to.deep.equal(sent)
  })

  it('a repeated delivery adds nothing, while the batch is open or after its answer', async () => {
    running = await pipeline({ rules: { quietGapMs: 200 } })
    const message = { messageId: 'once', text: 'hi' }
    expect(await running.post('79000000003@c.us', [message])).to.deep.equal({ accepted: 1, duplicates: 0, ignored: 0 })
    expect(await running.post('79000000003@c.us', [message])).to.deep.equal({ accepted: 0, duplicates: 1, ignored: 0 })
    await running.received(1)
    expect(await running.post('79000000003@c.us', [message, { messageId: 'two', text: 'there' }])).to.deep.equal({
      accepted: 1,
      duplicates: 1,
      ignored: 0,
    })
    const batches = await running.received(2)
    expect(batches.map(batch => batch.text)).to.deep.equal(['hi', 'there'])
  })

  it('a conversation’s next batch waits for the answer to its last one, and for no other conversation', async () => {
    let finish = () => {}
    const answering = new Promise<void>(resolve => {
      finish = resolve
    })
    running = await pipeline({
      rules: { quietGapMs: 150 },
      handle: batch => (batch.text === 'slow' ? answering : Promise.resolve()),
    })
    await running.post('slow@c.us', [{ messageId: '1', text: 'slow' }])
    await running.received(1)
    await running.post('slow@c.us', [{ messageId: '2', text: 'next' }])
    await running.post('other@c.us', [{ messageId: '1', text: 'other' }])
    await running.received(2)
    // Due for long, and held: wait until other conversations have been answered.
    for (const n of [2, 3, 4]) {
      await running.post('other@c.us', [{ messageId: String(n), text: 'other' }])
      await running.received(n + 1)
    }
    expect(running.batches.map(batch => batch.text)).to.deep.equal(['slow', 'other', 'other', 'other', 'other'])
    finish()
    const batches = await running.received(6)
    expect(batches[5]?.text).to.equal('next')
  })
})
