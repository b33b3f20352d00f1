/**
 * Guarantee **telemetry** in one process: each message, batch and answer has its spans, with the right parents and links,
 * and none of them holds what people write. Redis, BullMQ and HTTP: test/integration/telemetry.test.ts.
 */
import { expect } from 'chai'
import type { Batch } from '../../../src/batch.js'
import { type AppendMessage, Batcher } from '../../../src/batcher.js'
import type { CommittingHandle } from '../../../src/handover/function.js'
import type { Handover } from '../../../src/handover/handover.js'
import { Processor } from '../../../src/processor/processor.js'
import type { RuleOptions } from '../../../src/rules.js'
import { MemoryStore } from '../../../src/store/memory/store.js'
import { StoreUnavailable } from '../../../src/store/store.js'
import { webhook } from '../../../src/webhook/fetch.js'
import { idOf, linksOf, otel, parentOf, traceOf, tracing } from '../../support/tracing.js'
import { until } from '../../support/wait.js'

const CHAT = '79990000011@c.us'
const { CLIENT, CONSUMER, INTERNAL, PRODUCER, SERVER } = otel.SpanKind

describe('telemetry', () => {
  const traced = tracing()
  const closing: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  interface SystemOptions {
    rules?: RuleOptions
    handle?: CommittingHandle
    isTraced?: boolean
  }

  async function system({ rules = {}, handle = async () => {}, isTraced = true }: SystemOptions = {}) {
    const telemetry = isTraced ? otel : undefined
    const store = new MemoryStore({ quietGapMs: 20, ...rules })
    const batcher = new Batcher({ store, telemetry })
    const processor = new Processor({ store, handle, telemetry })
    closing.push(
      () => batcher.close(),
      () => processor.stop(),
    )
    const receive = webhook({ batcher, providers: { generic: { unsigned: true } } })
    const post = (body: unknown, headers = {}) =>
      receive(
        new Request('http://localhost/webhook?token=hush', {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...headers },
          body: JSON.stringify(body),
        }),
      )
    const say = (...messages: AppendMessage[]) => batcher.append(CHAT, messages)
    return { store, batcher, processor, post, say }
  }

  it('a batch links the traces of all its messages, and holds the work on it and its answer', async () => {
    const { processor, post } = await system({
      handle: async () => {
        otel.trace.getTracer('bot').startSpan('model').end()
      },
    })
    for (const messageId of ['one', 'two']) await post({ messageId, chatId: CHAT, text: 'hello there', name: 'Anna' })
    await processor.start()
    const [answered] = await traced.named('answered')
    const posts = await traced.named('POST', 2)
    const appends = await traced.named('append', 2)
    const [release] = await traced.named('release')
    const [work] = await traced.named('process')
    const [model] = await traced.named('model')
    expect(traced.spans()).to.have.lengthOf(8)

    expect(appends.map(parentOf)).to.deep.equal(posts.map(idOf))
    expect(posts.map(parentOf)).to.deep.equal([undefined, undefined])
    expect(linksOf(release)).to.have.members(appends.map(idOf))
    expect(parentOf(release)).to.equal(undefined)
    expect(parentOf(work)).to.equal(idOf(release))
    expect(parentOf(model)).to.equal(idOf(work))
    expect(parentOf(answered)).to.equal(idOf(release))
    expect(new Set([...posts, release].map(traceOf)).size).to.equal(3)
    expect([posts[0], appends[0], release, work, answered].map(({ kind }) => kind)).to.deep.equal([
      SERVER,
      PRODUCER,
      CLIENT,
      CONSUMER,
      CLIENT,
    ])
    expect(posts[0].attributes).to.deep.equal({
      'http.request.method': 'POST',
      'http.response.status_code': 200,
      'lull.provider': 'generic',
      'lull.messages.accepted': 1,
      'lull.messages.duplicates': 0,
      'lull.messages.ignored': 0,
    })
    expect(release.attributes).to.include({
      'messaging.system': 'lull',
      'messaging.operation.name': 'release',
      'messaging.operation.type': 'receive',
      'messaging.batch.message_count': 2,
      'lull.release.reason': 'gap',
      'lull.outcome': 'completed',
      'lull.attempt': 1,
    })
    const batchIds = [...appends, release, work, answered].map(({ attributes }) => attributes['lull.batch.id'])
    expect(new Set(batchIds).size).to.equal(1)
  })

  it('holds no text, name, phone number or path', async () => {
    const { processor, post } = await system({
      handle: batch => {
        throw new Error(`cannot parse ${batch.text}`)
      },
      rules: { maxAttempts: 1 },
    })
    await post({ messageId: 'one', chatId: CHAT, text: 'hello there', name: 'Anna' })
    await post({ hello: 'there' })
    await processor.start()
    await traced.named('release')
    const [work] = await traced.named('process')
    expect(work.status).to.deep.equal({ code: otel.SpanStatusCode.ERROR })
    expect(work.attributes).to.include({ 'error.type': 'Error', 'lull.outcome': 'failed' })
    const all = traced.spans().map(({ name, attributes, events, status }) => ({ name, attributes, events, status }))
    expect(JSON.stringify(all)).to.not.match(/hello there|Anna|7999|hush|localhost/)
  })

  it('messages of one append are one link', async () => {
    const { processor, say } = await system()
    await say({ messageId: 'one' }, { messageId: 'two' })
    await say({ messageId: 'three' })
    await processor.start()
    const [release] = await traced.named('release')
    expect(linksOf(release))
      .to.have.members((await traced.named('append', 2)).map(idOf))
      .and.have.lengthOf(2)
  })

  it('a batch’s trace is one of its own, whatever span its processor was started in', async () => {
    const { processor, say } = await system()
    const startUp = otel.trace.getTracer('bot').startSpan('start-up')
    await otel.context.with(otel.trace.setSpan(otel.context.active(), startUp), () => processor.start())
    await say({ messageId: 'one' })
    const [release] = await traced.named('release')
    expect(parentOf(release)).to.equal(undefined)
  })

  it('a webhook is a child of the trace that its headers carry', async () => {
    const { post } = await system()
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    await post({ messageId: 'one', chatId: CHAT }, { traceparent })
    const [span] = await traced.named('POST')
    expect([traceOf(span), parentOf(span)]).to.deep.equal(traceparent.split('-').slice(1, 3))
  })

  it('a webhook inside a span of an instrumented server makes no second span of a server', async () => {
    const { post } = await system()
    const server = otel.trace.getTracer('http').startSpan('POST /hook', { kind: SERVER })
    await otel.context.with(otel.trace.setSpan(otel.context.active(), server), () =>
      post({ messageId: 'one', chatId: CHAT }),
    )
    server.end()
    const [span] = await traced.named('webhook')
    const [append] = await traced.named('append')
    expect(parentOf(span)).to.equal(server.spanContext().spanId)
    expect(span.kind).to.equal(INTERNAL)
    expect(parentOf(append)).to.equal(idOf(span))
  })

  it('a webhook that the sender has to change is no error of the server, one that it has to repeat is', async () => {
    const { post, store } = await system()
    await post({ hello: 'there' })
    store.append = async () => {
      throw new StoreUnavailable('connection', 'away')
    }
    await post({ messageId: 'one', chatId: CHAT })
    const [wrong, failed] = await traced.named('POST', 2)
    expect(wrong.attributes['http.response.status_code']).to.equal(400)
    expect(wrong.status.code).to.equal(otel.SpanStatusCode.UNSET)
    expect(failed?.attributes).to.include({ 'http.response.status_code': 503, 'error.type': '503' })
    const [append] = await traced.named('append')
    expect(append.status.code).to.equal(otel.SpanStatusCode.ERROR)
  })

  it('a run that newer messages supersede is no error, and the next batch links the messages of both', async () => {
    const runs: (() => Promise<unknown>)[] = []
    const { processor, say } = await system({
      rules: { answering: 'supersede', quietGapMs: 60, earlyStartMs: 10 },
      handle: async (_batch, { commit }) => {
        runs.push(commit)
        await commit()
      },
    })
    await processor.start()
    await say({ messageId: 'one' })
    await until(() => runs.length === 1)
    await say({ messageId: 'two' })
    await traced.named('answered')
    const [first, second] = await traced.named('process', 2)
    const [wasted, committed] = await traced.named('commit', 2)
    expect(first.attributes['lull.outcome']).to.equal('superseded')
    expect(first.status.code).to.equal(otel.SpanStatusCode.UNSET)
    expect(second?.attributes['lull.outcome']).to.equal('completed')
    expect(parentOf(wasted)).to.equal(idOf(first))
    expect([wasted, committed].map(span => span?.attributes['lull.outcome'])).to.deep.equal(['superseded', 'go'])
    expect(wasted.status.code).to.equal(otel.SpanStatusCode.UNSET)
    const releases = await traced.named('release', 2)
    const appends = (await traced.named('append', 2)).map(idOf)
    expect(releases.map(linksOf)).to.deep.equal([appends.slice(0, 1), appends])
    expect(releases[1]?.attributes['lull.batch.supersedes']).to.deep.equal([releases[0].attributes['lull.batch.id']])
  })

  it('a handover that sends the headers is called without a context that an HTTP client would send again', async () => {
    const sent: Record<string, string>[] = []
    const spans: boolean[] = []
    const handOver: Handover['handOver'] = async items => {
      const again = {}
      otel.propagation.inject(otel.context.active(), again)
      sent.push(items[0]?.traceHeaders ?? {}, again)
      spans.push(otel.trace.getTracer('client').startSpan('POST').isRecording())
      return [{ result: 'answered', outcome: 'completed' }]
    }
    const { say, store } = await system()
    const handover: Handover = {
      kind: 'post',
      batchesPerCall: 1,
      concurrency: 1,
      traced: { sendsHeaders: true },
      async start() {},
      handOver,
      async stop() {},
    }
    const processor = new Processor({ store, handover, telemetry: otel })
    closing.push(() => processor.stop())
    await say({ messageId: 'one' })
    await processor.start()
    const [call] = await traced.named('handover')
    expect(sent).to.deep.equal([{ traceparent: `00-${traceOf(call)}-${idOf(call)}-01` }, {}])
    expect(spans).to.deep.equal([false])
  })

  it('a message that is not sampled keeps nothing', async () => {
    const { store, say } = await system()
    traced.sample({ shouldSample: () => ({ decision: 0 }), toString: () => 'never' })
    await say({ messageId: 'one', text: 'hi' })
    const { messages } = await store.conversation(CHAT)
    expect(messages.map(({ message }) => message)).to.deep.equal([{ messageId: 'one', type: 'text', text: 'hi' }])
  })

  it('the batch that is handed over holds no traceparent', async () => {
    const handed: object[] = []
    const { processor, say, store } = await system({ handle: async batch => void handed.push(...batch.messages) })
    await say({ messageId: 'one', text: 'hi' })
    const { messages } = await store.conversation(CHAT)
    expect(messages[0]?.message)
      .to.have.property('traceparent')
      .that.matches(/^00-.*-01$/)
    await processor.start()
    await traced.named('release')
    expect(handed[0]).to.have.keys('messageId', 'type', 'text', 'receivedAtMs')
  })

  it('makes no span without the option, even if an SDK is registered', async () => {
    const handled: string[] = []
    const handle = async ({ batchId }: Batch) => void handled.push(batchId)
    const { processor, post } = await system({ handle, isTraced: false })
    await post({ messageId: 'one', chatId: CHAT })
    await processor.start()
    await until(() => handled.length === 1)
    await processor.stop()
    expect(traced.spans()).to.deep.equal([])
  })

  it('refuses what is not the module, with the remedy', () => {
    // @ts-expect-error: the rest of the module is missing
    const wrong = () => new Batcher({ store: new MemoryStore(), telemetry: { trace: otel.trace } })
    expect(wrong).to.throw(TypeError, /import \* as otel from '@opentelemetry\/api'/)
  })
})
