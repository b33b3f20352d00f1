/** Guarantee **answers**: a conversation goes on whatever happens to the processes between handover and answer. */
import { expect } from 'chai'
import { type Pipeline, pipeline } from '../support/pipeline.js'
import { lull } from '../support/processes.js'
import { until } from '../support/wait.js'

const CHAT = '79000000001@c.us'
/** The first check comes after 22 s or more, later than any test waits. */
const RULES = { quietGapMs: 50 }

/** A handler's work that ends when `answer` is called. */
function heldAnswer() {
  let answer = () => {}
  const answering = new Promise<void>(resolve => {
    answer = resolve
  })
  return { answer, answering }
}

describe('answers', () => {
  let running: Pipeline | undefined

  afterEach(async () => {
    await running?.stop()
    running = undefined
  })

  it('an answer is noticed by another processor when the one that handed over has stopped', async () => {
    const { answer, answering } = heldAnswer()
    running = await pipeline({
      rules: RULES,
      processors: 2,
      handle: batch => (batch.text === 'first' ? answering : Promise.resolve()),
    })
    const { post, received, batcher, processors } = running
    await post(CHAT, [{ messageId: '1', text: 'first' }])
    await received(1)
    await until(async () => (await batcher.conversation(CHAT)).heldBy?.state === 'answering', { what: 'the hold' })
    const [step] = (await batcher.history({ conversationId: CHAT })).filter(({ step }) => step === 'claimed')
    const owner = processors.find(processor => processor.owner === step?.detail['owner'])
    expect(owner, 'the processor that handed it over').not.to.equal(undefined)
    await owner?.stop()
    await post(CHAT, [{ messageId: '2', text: 'second' }])
    await until(async () => (await batcher.conversation(CHAT)).open?.dueInMs === 0, { what: 'the second to be due' })
    expect(running.batches).to.have.length(1)
    answer()
    const batches = await received(2)
    expect(batches[1]?.text).to.equal('second')
  })

  it('an answer that ends while no processor runs is noticed by the next one to start', async () => {
    running = await pipeline({ rules: RULES, workers: 0 })
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

  it('an answer is noticed by the next processor to start when the one that handed over has died', async () => {
    const { answer, answering } = heldAnswer()
    running = await pipeline({
      rules: RULES,
      processors: 0,
      handle: ({ text }) => (text === 'first' ? answering : Promise.resolve()),
    })
    const { post, received, batcher, redis, prefix } = running
    const mortal = await lull(['processor'], {
      REDIS_URL: redis,
      LULL_PREFIX: prefix,
      LULL_QUEUE: `queue-${prefix}`,
      LULL_QUIET_GAP_MS: String(RULES.quietGapMs),
    })
    try {
      await post(CHAT, [{ messageId: '1', text: 'first' }])
      await until(async () => (await batcher.conversation(CHAT)).heldBy?.state === 'answering', { what: 'the hold' })
    } finally {
      await mortal.kill()
    }
    await received(1)
    await post(CHAT, [{ messageId: '2', text: 'second' }])
    await until(async () => (await batcher.conversation(CHAT)).open?.dueInMs === 0, { what: 'the second to be due' })
    await running.startProcessor()
    answer()
    const batches = await received(2)
    expect(batches[1]?.text).to.equal('second')
  })
})
