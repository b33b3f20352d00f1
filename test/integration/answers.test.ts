/** Guarantee **answers**: whatever becomes of the processes between handover and answer, the conversation goes on. */
import { expect } from 'chai'
import { type Pipeline, pipeline } from '../support/pipeline.js'
import { until } from '../support/wait.js'

const CHAT = '79000000001@c.us'

describe('answers', () => {
  let running: Pipeline | undefined

  afterEach(async () => {
    await running?.stop()
    running = undefined
  })

  it('a processor that stops between handover and answer: another notices the answer when it comes', async () => {
    let answer = () => {}
    const answering = new Promise<void>(resolve => {
      answer = resolve
    })
    // Checks come each 250 ms here: the second processor finds the batch by one, and then listens for its end.
    running = await pipeline({
      rules: { quietGapMs: 50, answerTimeoutMs: 60_000, batchTtlMs: 500 },
      handle: batch => (batch.text === 'first' ? answering : Promise.resolve()),
    })
    const { post, received, batcher, processors } = running
    await post(CHAT, [{ messageId: '1', text: 'first' }])
    await received(1)
    await until(async () => (await batcher.conversation(CHAT)).heldBy?.state === 'answering', { what: 'the hold' })
    await processors[0]?.stop()
    await post(CHAT, [{ messageId: '2', text: 'second' }])
    await running.startProcessor()
    await until(async () => (await batcher.conversation(CHAT)).open?.dueInMs === 0, { what: 'the second to be due' })
    expect(running.batches).to.have.length(1)
    answer()
    const batches = await received(2)
    expect(batches[1]?.text).to.equal('second')
  })

  it('an answer that ends while no processor runs: the next one to start finds out', async () => {
    running = await pipeline({ rules: { quietGapMs: 50, batchTtlMs: 500 }, workers: 0 })
    const { post, batcher, processors } = running
    await post(CHAT, [{ messageId: '1', text: 'first' }])
    await until(async () => (await batcher.conversation(CHAT)).heldBy?.state === 'answering', { what: 'the hold' })
    await processors[0]?.stop()
    await running.startWorker()
    await running.received(1)
    await post(CHAT, [{ messageId: '2', text: 'second' }])
    await running.startProcessor()
    const batches = await running.received(2)
    expect(batches.map(batch => batch.text)).to.deep.equal(['first', 'second'])
  })
})
