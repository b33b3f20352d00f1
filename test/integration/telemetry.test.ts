/**
 * Guarantee **telemetry**: a trace survives Redis, the queue and HTTP. The context of a message stays with it whatever
 * becomes of its batch; a job carries the context of its handover in the form of BullMQ's own telemetry; a POST carries it
 * as `traceparent`. Without telemetry the bytes in Redis are the same as before. In one process: test/unit/telemetry.
 */
import { createServer } from 'node:http'
import { Queue, Worker } from 'bullmq'
import { BullMQOtel } from 'bullmq-otel'
import { Worker as Worker4 } from 'bullmq4'
import { Worker as Worker5 } from 'bullmq5'
import { expect } from 'chai'
import { Redis } from 'ioredis'
import { Batcher } from '../../src/batcher.js'
import { bullmq } from '../../src/handover/bullmq.js'
import type { CommittingHandle } from '../../src/handover/function.js'
import type { Handover } from '../../src/handover/handover.js'
import { http } from '../../src/handover/http.js'
import { Processor } from '../../src/processor/processor.js'
import type { RuleOptions } from '../../src/rules.js'
import { toBullmq } from '../../src/worker/to-bullmq.js'
import { QueueWorker } from '../../src/worker/worker.js'
import { freePort, lull } from '../support/processes.js'
import { testRedis, uniquePrefix } from '../support/redis.js'
import { idOf, linksOf, otel, parentOf, traceOf, tracing } from '../support/tracing.js'
import { until } from '../support/wait.js'

const CHAT = 'shop/79990000011@c.us'
const TRACEPARENT = /^00-[\da-f]{32}-[\da-f]{16}-01$/

describe('telemetry on Redis', () => {
  const traced = tracing()
  const closing: (() => unknown)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  async function system(rules: RuleOptions = {}, isTraced = true) {
    const redis = await testRedis()
    const prefix = uniquePrefix()
    const queue = uniquePrefix()
    const options = { redis, prefix, quietGapMs: 20, ...rules, ...(isTraced ? { telemetry: otel } : {}) }
    const batcher = new Batcher(options)
    const client = new Redis(redis, { maxRetriesPerRequest: null })
    closing.push(
      () => batcher.close(),
      () => client.disconnect(),
    )
    const say = (messageId: string, conversationId = CHAT) =>
      batcher.append(conversationId, { messageId, text: messageId })
    const start = async (handover: Handover) => {
      const processor = new Processor({ ...options, handover })
      closing.push(() => processor.stop())
      await processor.start()
      return processor
    }
    const handle = async (work: () => Promise<void>) => {
      const processor = new Processor({ ...options, handle: work })
      closing.push(() => processor.stop())
      await processor.start()
    }
    const list = (conversationId = CHAT) => client.lrange(`${prefix}.messages:${conversationId}`, 0, -1)
    return { redis, prefix, queue, batcher, client, say, start, handle, list }
  }

  const model = async () => {
    otel.trace.getTracer('bot').startSpan('model').end()
  }

  it('reaches the handler of a worker through the queue, and the answer', async () => {
    const { redis, queue, say, start, prefix } = await system()
    await say('one')
    await say('two')
    const worker = new QueueWorker({ redis, queue, handle: model, telemetry: otel })
    closing.push(() => worker.stop())
    await worker.start()
    await start(bullmq({ queue }))
    const [answered] = await traced.named('answered')
    const appends = await traced.named('append', 2)
    const [release] = await traced.named('release')
    const [handover] = await traced.named('handover')
    const [work] = await traced.named('process')
    const [call] = await traced.named('model')
    expect(linksOf(release)).to.have.members(appends.map(idOf))
    expect([handover, work, call, answered].map(parentOf)).to.deep.equal([release, handover, work, release].map(idOf))
    expect([release, handover, work, answered].map(({ name }) => name)).to.deep.equal([
      `release ${prefix}`,
      `handover ${queue}`,
      `process ${queue}`,
      `answered ${prefix}`,
    ])
    expect(work.attributes).to.include({ 'messaging.system': 'bullmq', 'lull.outcome': 'completed', 'lull.attempt': 1 })
    expect(handover.attributes).to.include({ 'lull.outcome': 'taken', 'lull.handover': 'bullmq' })
  })

  it('interoperates with BullMQ’s own telemetry in a plain worker', async () => {
    const { queue, batcher, client, say, start } = await system()
    const worker = new Worker(queue, toBullmq(model, { batcher }), {
      connection: client,
      telemetry: new BullMQOtel(),
    })
    closing.push(() => worker.close(true))
    await say('one')
    await start(bullmq({ queue }))
    await traced.named('answered')
    const [handover] = await traced.named('handover')
    const [ours, theirs] = await traced.named('process', 2)
    const [call] = await traced.named('model')
    expect([theirs, ours, call].map(span => span && parentOf(span))).to.deep.equal(
      [handover, theirs, ours].map(span => span && idOf(span)),
    )
    expect(theirs?.instrumentationScope.name).to.equal('bullmq')
  })

  const makers = {
    4: (...args: ConstructorParameters<typeof Worker4>) => new Worker4(...args).on('error', () => {}),
    5: (...args: ConstructorParameters<typeof Worker5>) => new Worker5(...args).on('error', () => {}),
  }
  for (const version of [4, 5] as const)
    it(`reaches a plain worker of BullMQ ${version}`, async () => {
      const { redis, queue, batcher, say, start } = await system()
      const { hostname: host, port } = new URL(redis)
      const connection = { host, port: Number(port), maxRetriesPerRequest: null }
      const worker = makers[version](queue, toBullmq(model, { batcher }), { connection })
      closing.push(() => worker.close())
      await say('one')
      await start(bullmq({ queue }))
      const [handover] = await traced.named('handover')
      const [work] = await traced.named('process')
      expect(parentOf(work)).to.equal(idOf(handover))
      expect(work.name).to.equal(`process ${queue}`)
    })

  it('is not taken from a span that the worker was started in', async () => {
    const { queue, batcher, client, say, start } = await system()
    const startUp = otel.trace.getTracer('bot').startSpan('start-up')
    otel.context.with(otel.trace.setSpan(otel.context.active(), startUp), () => {
      const worker = new Worker(queue, toBullmq(model, { batcher }), { connection: client })
      closing.push(() => worker.close(true))
    })
    await say('one')
    await start(bullmq({ queue }))
    const [work] = await traced.named('process')
    const [handover] = await traced.named('handover')
    expect(parentOf(work)).to.equal(idOf(handover))
  })

  it('a job that newer messages supersede is no error', async () => {
    const { queue, batcher, client, say, start } = await system({
      answering: 'supersede',
      quietGapMs: 400,
      earlyStartMs: 20,
    })
    let runs = 0
    const handle: CommittingHandle = async (_batch, { commit }) => {
      runs++
      await commit()
    }
    const worker = new Worker(queue, toBullmq(handle, { batcher }), { connection: client })
    closing.push(() => worker.close(true))
    await start(bullmq({ queue }))
    await say('one')
    await until(() => runs === 1)
    await say('two')
    const [first, second] = await traced.named('process', 2)
    const outcomes = [first, second].map(span => span?.attributes['lull.outcome'])
    expect(outcomes).to.deep.equal(['superseded', 'completed'])
    expect(first.status.code).to.equal(otel.SpanStatusCode.UNSET)
    const [refused, granted] = await traced.named('commit', 2)
    expect([refused, granted].map(span => span && parentOf(span))).to.deep.equal(
      [first, second].map(span => span && idOf(span)),
    )
  })

  it('a failed attempt of a job is an error without its message, and its next attempt has a span of its own', async () => {
    const { redis, queue, batcher, start } = await system()
    let attempts = 0
    const handle = async ({ text }: { text: string }) => {
      attempts++
      if (attempts === 1) throw new TypeError(`cannot parse ${text}`)
    }
    const worker = new QueueWorker({ redis, queue, handle, telemetry: otel })
    closing.push(() => worker.stop())
    await worker.start()
    await start(bullmq({ queue }))
    await batcher.append(CHAT, { messageId: 'one', text: 'my address' })
    const [first, second] = await traced.named('process', 2)
    expect(first.status).to.deep.equal({ code: otel.SpanStatusCode.ERROR })
    expect(first.attributes).to.include({ 'error.type': 'TypeError', 'lull.outcome': 'failed' })
    expect(second?.attributes).to.include({ 'lull.outcome': 'completed', 'lull.attempt': 2 })
    expect(second && parentOf(second)).to.equal(parentOf(first))
  })

  it('reaches a receiver by the header traceparent, once', async () => {
    const heads: (string | undefined)[][] = []
    const server = createServer(({ headers }, response) => {
      heads.push([headers['traceparent'], headers['lull-attempt']].flat())
      response.end()
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    closing.push(() => server.close())
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : 0
    const { say, start } = await system()
    await say('one')
    await start(http({ url: `http://127.0.0.1:${port}/batches?token=hush` }))
    const [handover] = await traced.named('handover')
    expect(heads).to.deep.equal([[`00-${traceOf(handover)}-${idOf(handover)}-01`, '1']])
    expect(handover.attributes).to.include({ 'server.address': '127.0.0.1', 'lull.handover': 'http' })
    expect(JSON.stringify(handover.attributes)).to.not.include('hush')
  })

  it('an edited message, one of a merged conversation and one of a redriven batch keep their links', async () => {
    const { batcher, say, handle } = await system({ quietGapMs: 100, maxAttempts: 1 })
    await say('one', 'shop/anna@lid')
    await say('two')
    await batcher.edit(CHAT, 'two', 'edited')
    await batcher.store.merge('shop/anna@lid', CHAT)
    const links = (await traced.named('append', 2)).map(idOf)
    let calls = 0
    await handle(async () => {
      calls++
      if (calls === 1) throw new Error('down')
    })
    const [dead] = await until(async () => {
      const found = await batcher.dead()
      return found.length > 0 && found
    })
    await batcher.redrive(dead?.batchId ?? '')
    const [first, again] = await traced.named('release', 2)
    expect(linksOf(first)).to.have.members(links)
    expect(again && linksOf(again)).to.have.members(links)
  })

  it('costs no byte in Redis without the option, and 70 a message with it', async () => {
    const off = await system({ quietGapMs: 10_000 }, false)
    const { batchId } = await off.say('one')
    const [entry = ''] = await off.list()
    expect(entry).to.match(new RegExp(`^${batchId} \\d+ \\["one","one"\\]$`))
    const on = await system({ quietGapMs: 10_000 })
    await on.say('one')
    const [tracedEntry = ''] = await on.list()
    const { traceparent } = JSON.parse(tracedEntry.replace(/^\S+ \S+ /, ''))[2]
    expect(traceparent).to.match(TRACEPARENT)
    expect(tracedEntry.length - entry.length - '{"traceparent":"…"}'.length).to.be.within(55, 56)
  })

  it('a job has options of telemetry only with the option', async () => {
    for (const isTraced of [false, true]) {
      const { queue, say, start, client } = await system({}, isTraced)
      await say('one')
      await start(bullmq({ queue }))
      const jobs = new Queue(queue, { connection: client })
      closing.push(() => jobs.close())
      const [job] = await until(async () => {
        const found = await jobs.getJobs(['waiting'])
        return found.length > 0 && found
      })
      const { metadata } = job?.opts.telemetry ?? {}
      if (isTraced) expect(JSON.parse(metadata ?? '')).to.have.keys('traceparent')
      else expect(job?.opts).to.not.have.property('telemetry')
      expect(JSON.stringify(job?.data)).to.not.include('traceparent')
    }
  })

  describe('of the commands', function () {
    this.timeout(120_000)

    /** What `lull up` prints of spans for one message. */
    const spansOfUp = async (nodeOptions: string) => {
      const port = await freePort()
      const env = { PORT: String(port), LULL_QUIET_GAP_MS: '100', NODE_OPTIONS: nodeOptions }
      const up = await lull(['up', '--embedded'], env)
      closing.push(() => up.stop())
      await up.line(/api listens on/)
      await fetch(`http://127.0.0.1:${port}/webhook/whatsapp/batched/generic`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ messageId: 'one', chatId: CHAT, text: 'hi' }),
      })
      await up.line(/"msg":"answered"/)
      await up.stop()
      return up.stderr.filter(line => line.startsWith('span '))
    }

    it('traces to the SDK that Node was started with', async () => {
      const sdk = new URL('../support/printing-sdk.mjs', import.meta.url).href
      const names = ['POST /webhook/whatsapp/batched/:provider', 'append', 'process', 'commit', 'answered', 'release']
      expect(await spansOfUp(`--import=${sdk}`)).to.have.members(names.map(name => `span ${name}`))
    })

    it('traces nothing without one', async () => {
      expect(await spansOfUp('')).to.deep.equal([])
    })
  })
})
