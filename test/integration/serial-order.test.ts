/** Guarantee **serial order**: a conversation has one answer at a time, and the next one follows however that ends. */
import { Queue } from 'bullmq'
import { expect } from 'chai'
import { Redis } from 'ioredis'
import type { Batch } from '../../src/batch.js'
import { Batcher } from '../../src/batcher.js'
import type { Handover, HandoverEvents } from '../../src/handover/handover.js'
import { Processor } from '../../src/processor/processor.js'
import { rulesFrom } from '../../src/rules.js'
import { RedisStore } from '../../src/store/redis/store.js'
import { QueueWorker } from '../../src/worker/worker.js'
import { monitor } from '../support/monitor.js'
import { type Pipeline, type PipelineOptions, pipeline } from '../support/pipeline.js'
import { supportScript } from '../support/processes.js'
import { privateRedis, testRedis, uniquePrefix } from '../support/redis.js'
import { until } from '../support/wait.js'

const CHAT = '79000000001@c.us'
/** Checks come each half TTL: 200 ms here. */
const RULES = { quietGapMs: 50, batchTtlMs: 400, answerTimeoutMs: 60_000 }

describe('serial order', () => {
  let running: Pipeline | undefined
  let closers: (() => Promise<unknown>)[]

  beforeEach(() => {
    closers = []
  })

  afterEach(async () => {
    for (const close of closers.reverse()) await close()
    await running?.stop()
    running = undefined
  })

  const start = async (options: PipelineOptions = {}) => {
    running = await pipeline({ ...options, rules: { ...RULES, ...options.rules } })
    return running
  }

  const queueOf = async ({ prefix }: Pipeline) => {
    const connection = new Redis(await testRedis(), { maxRetriesPerRequest: null })
    const queue = new Queue(`queue-${prefix}`, { connection })
    closers.push(async () => {
      await queue.close()
      connection.disconnect()
    })
    return queue
  }

  /** A first batch that waits in the queue, and a second one that is due after it. */
  const twoBehindEachOther = async ({ post, batcher }: Pipeline) => {
    await post(CHAT, [{ messageId: '1', text: 'first' }])
    const first = await until(
      async () => {
        const { heldBy } = await batcher.conversation(CHAT)
        return heldBy?.state === 'answering' && heldBy.batchId
      },
      { what: 'the first batch to be handed over' },
    )
    await post(CHAT, [{ messageId: '2', text: 'second' }])
    await until(async () => (await batcher.conversation(CHAT)).open?.dueInMs === 0, { what: 'the second to be due' })
    return first
  }

  const released = ({ batcher }: Pipeline, text: 'second') =>
    until(
      async () => {
        const history = await batcher.history({ conversationId: CHAT })
        return history.filter(({ step }) => step === 'claimed').length === 2
      },
      { what: `the ${text} batch to be released` },
    )

  it('a job that is removed frees its conversation', async () => {
    const on = await start({ workers: 0 })
    const first = await twoBehindEachOther(on)
    await (await queueOf(on)).remove(first)
    await released(on, 'second')
  })

  it('a job that fails for good frees its conversation, and only then', async () => {
    const on = await start({
      handle: async batch => {
        if (batch.text === 'first') throw new Error('no')
      },
    })
    await on.post(CHAT, [{ messageId: '1', text: 'first' }])
    await on.received(1)
    await on.post(CHAT, [{ messageId: '2', text: 'second' }])
    // Three attempts of the job, with backoff, come before the next batch.
    const batches = await on.received(4)
    expect(batches.map(batch => batch.text)).to.deep.equal(['first', 'first', 'first', 'second'])
  })

  it('a queue that is obliterated, which makes no event, frees its conversations within a check', async () => {
    const on = await start({ workers: 0 })
    await twoBehindEachOther(on)
    await (await queueOf(on)).obliterate({ force: true })
    await released(on, 'second')
  })

  it('an event stream that is trimmed before it was read delays an answer by a check at most', async () => {
    const on = await start({ workers: 0 })
    await twoBehindEachOther(on)
    await Promise.all(on.processors.map(processor => processor.stop()))
    await on.startWorker()
    await on.received(1)
    const queue = await queueOf(on)
    await until(async () => (await queue.getJobCounts('completed'))['completed'] === 1, { what: 'the job to be done' })
    await queue.trimEvents(0)
    await on.startProcessor()
    await on.received(2)
  })

  it('an answer past its time limit frees its conversation within a check', async () => {
    let end = () => {}
    const never = new Promise<void>(resolve => {
      end = resolve
    })
    closers.push(async () => end())
    const on = await start({
      rules: { answerTimeoutMs: 800 },
      handle: batch => (batch.text === 'first' ? never : Promise.resolve()),
    })
    await on.post(CHAT, [{ messageId: '1', text: 'first' }])
    await on.received(1)
    await on.post(CHAT, [{ messageId: '2', text: 'second' }])
    await on.received(2)
    const ends = (await on.batcher.history({ conversationId: CHAT })).filter(({ step }) => step === 'answered')
    expect(ends.at(-1)?.detail).to.deep.equal({ outcome: 'timeout' })
  })

  it('jobs that wait for workers longer than the answer timeout keep their hold, so answers do not overlap when workers return', async () => {
    let answering = 0
    let most = 0
    const on = await start({
      workers: 0,
      rules: { answerTimeoutMs: 1000 },
      handle: async () => {
        most = Math.max(most, ++answering)
        await new Promise(resolve => setTimeout(resolve, 100))
        answering--
      },
    })
    await twoBehindEachOther(on)
    // Waits until several checks have been made, over more than two timeouts.
    const checks = async () => (await on.batcher.history({ conversationId: CHAT })).map(({ step }) => step)
    const deadline = performance.now() + 2500
    await until(() => performance.now() > deadline, { what: 'two answer timeouts' })
    expect(await checks()).not.to.include('answered')
    await on.startWorker()
    await on.startWorker()
    const batches = await on.received(2)
    expect(batches.map(batch => batch.text)).to.deep.equal(['first', 'second'])
    expect(most).to.equal(1)
  })

  it('a batch whose worker has died keeps its hold over answer timeouts, until another worker has answered it', async () => {
    const on = await start({ workers: 0, rules: { answerTimeoutMs: 1000 } })
    const queue = `queue-${on.prefix}`
    const lockMs = 400
    const mortal = await supportScript('mortal-worker.mjs', {
      REDIS_URL: on.redis,
      QUEUE: queue,
      LOCK_MS: String(lockMs),
    })
    closers.push(() => mortal.stop())
    await twoBehindEachOther(on)
    await mortal.line(/STARTED/)
    await mortal.kill()
    const deadline = performance.now() + 2500
    await until(() => performance.now() > deadline, { what: 'two answer timeouts' })
    const steps = (await on.batcher.history({ conversationId: CHAT })).map(({ step }) => step)
    expect(steps).not.to.include('answered')
    const answered: string[] = []
    const handle = ({ text }: { text: string }) => void answered.push(text)
    const worker = new QueueWorker({ redis: on.redis, queue, lockMs, handle })
    closers.push(() => worker.stop({ timeoutMs: 500 }))
    await worker.start()
    await until(() => answered.length === 2, { what: 'both answers' })
    expect(answered).to.deep.equal(['first', 'second'])
  })

  it('an answer longer than the TTL of the open batch, with typing up to the max wait, causes no recovery', async () => {
    let answer = () => {}
    const answering = new Promise<void>(resolve => {
      answer = resolve
    })
    // The gap and the typing's worth are longer than a busy machine delays the next sign of typing.
    const GAP_MS = 800
    const on = await start({
      rules: { quietGapMs: GAP_MS, batchTtlMs: GAP_MS + 50, maxWaitMs: 3000 },
      handle: batch => (batch.text === 'first' ? answering : Promise.resolve()),
    })
    await on.post(CHAT, [{ messageId: '1', text: 'first' }], { direct: true })
    await on.received(1)
    await on.post(CHAT, [{ messageId: '2', text: 'second' }])
    const { open } = await on.batcher.conversation(CHAT)
    let dueInMs = 1
    while (dueInMs > 0) {
      const extended = await on.batcher.typing(CHAT, GAP_MS)
      dueInMs = extended?.dueInMs ?? 0
      await new Promise(resolve => setTimeout(resolve, 20))
    }
    const now = (await on.batcher.conversation(CHAT)).open
    expect(now?.batchId).to.equal(open?.batchId)
    expect(now!.dueAtMs - now!.firstAtMs).to.equal(3000)
    answer()
    const batches = await on.received(2)
    expect(batches[1]).to.include({ batchId: open?.batchId, releasedBy: 'maxWait' })
  })

  it('an answer that comes before the acknowledgement frees the conversation at once', async () => {
    const given: string[] = []
    let listener: HandoverEvents | undefined
    // Reports the end of the work before it has acknowledged the batch.
    const hasty: Handover = {
      kind: 'function',
      batchesPerCall: 10,
      concurrency: 1,
      async start(_context, events) {
        listener = events
      },
      async handOver(items) {
        for (const { batch } of items) {
          given.push(batch.text)
          listener?.onAnswered(batch.batchId, 'completed')
        }
        await new Promise(resolve => setTimeout(resolve, 20))
        return items.map(() => ({ result: 'taken' }))
      },
      async stop() {},
    }
    const options = { redis: await testRedis(), prefix: uniquePrefix(), ...RULES }
    const batcher = new Batcher(options)
    const processor = new Processor({ ...options, handover: hasty })
    closers.push(
      () => batcher.close(),
      () => processor.stop(),
    )
    await processor.start()
    await batcher.append(CHAT, { messageId: '1', text: 'first' }, { direct: true })
    await batcher.append(CHAT, { messageId: '2', text: 'second' }, { direct: true })
    await until(() => given.length === 2, { what: 'both batches' })
    expect(given).to.deep.equal(['first', 'second'])
    await until(async () => (await batcher.conversation(CHAT)).heldBy === undefined, { what: 'the hold to end' })
    const steps = (await batcher.history({ conversationId: CHAT })).map(({ step }) => step)
    expect(steps.filter(step => step === 'answered')).to.have.length(2)
    expect(steps.filter(step => step === 'handed-over')).to.have.length(2)
  })

  it('one due conversation is released beside 10,000 held ones, and an idle claim then finds nothing', async function () {
    this.timeout(60_000)
    const server = await privateRedis()
    closers.push(() => server.stop())
    const prefix = uniquePrefix()
    const rules = { quietGapMs: 50, answerTimeoutMs: 600_000 }
    const store = new RedisStore({ redis: server.url, prefix, rules: rulesFrom(rules) })
    closers.push(() => store.close())
    await store.open()
    const held = Array.from({ length: 10_000 }, (_, i) => `${i}@c.us`)
    for (let i = 0; i < held.length; i += 500) {
      const part = held.slice(i, i + 500)
      await Promise.all(
        part.map(conversationId =>
          store.append({ conversationId, messages: [{ messageId: '1', type: 'text', text: 'x' }], direct: true }),
        ),
      )
      const { batches } = await store.claim({ owner: 'test', maxBatches: 500, maxBytes: 10_000_000 })
      await store.ack(batches.map(({ batchId }) => batchId))
    }
    const got: Batch[] = []
    const processor = new Processor({ redis: server.url, prefix, ...rules, handle: batch => void got.push(batch) })
    closers.push(() => processor.stop())
    await processor.start()
    const watch = await monitor(server.url)
    await store.append({ conversationId: CHAT, messages: [{ messageId: '1', type: 'text', text: 'due' }] })
    await until(() => got.length === 1, { what: 'the one that is due' })
    // For a second, long before the next check, no command is sent.
    const quietFrom = watch.lines.length
    await new Promise(resolve => setTimeout(resolve, 1000))
    await watch.stop()
    expect(got.map(({ text }) => text)).to.deep.equal(['due'])
    const sent = watch.lines.slice(quietFrom).filter(line => !line.includes(' lua]'))
    // The end of the one batch is still under way: its answer, and the claims that its events cause.
    expect(sent.length).to.be.at.most(5)
  })
})
