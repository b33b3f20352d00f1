/** Guarantee **answers**: whatever becomes of the processes between handover and answer, the conversation goes on. */
import { expect } from 'chai'
import { type Pipeline, pipeline } from '../support/pipeline.js'
import { lull } from '../support/processes.js'
import { until } from '../support/wait.js'

const CHAT = '79000000001@c.us'
/** Checks come by themselves after 22 s and more, later than any test waits. */
const RULES = { quietGapMs: 50 }

/** Work that goes on until `answer` is called. */
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

  it('a processor that stops between handover and answer: another, that stands, notices the answer when it comes', async () => {
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
    expect(owner, 'who handed it over').not.to.equal(undefined)
    await owner?.stop()
    await post(CHAT, [{ messageId: '2', text: 'second' }])
    await until(async () => (await batcher.conversation(CHAT)).open?.dueInMs === 0, { what: 'the second to be due' })
    expect(running.batches).to.have.length(1)
    answer()
    const batches = await received(2)
    expect(batches[1]?.text).to.equal('second')
  })

  it('an answer that ends while no processor runs: the next one to start finds out', async () => {
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

  it('a processor that dies between handover and answer: the next one to start notices the answer when it comes', async () => {
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
