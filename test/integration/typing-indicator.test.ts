/** examples/typing-indicator.mjs: a person sees that the bot types, from the first moment until the answer is sent. */
import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import type { Batch } from '../../src/batch.js'
import { Batcher } from '../../src/batcher.js'
import type { CommittingHandle } from '../../src/handover/function.js'
import type { Logger } from '../../src/logger.js'
import { Processor } from '../../src/processor/processor.js'
import { MemoryStore } from '../../src/store/memory/store.js'
import { webhook } from '../../src/webhook/fetch.js'
import { type Recorded, type RecordingServer, recordingServer } from '../support/recording-server.js'
import { until } from '../support/wait.js'

interface Typing {
  show(batch: Batch, options: { signal: AbortSignal }): Promise<void>
  hide?(batch: Batch): Promise<void>
}
interface Recipe {
  withTyping(typing: Typing, handle: CommittingHandle, options?: { everyMs?: number }): CommittingHandle
  metaTyping(options: { token: string; url?: string }): Typing
  wahaTyping(options: { url: string; apiKey: string }): Typing
  evolutionTyping(options: { url: string; apiKey: string }): Typing
  greenApiTyping(options: { url: string; token: string }): Typing
}
const recipe: Promise<Recipe> = import(new URL('../../examples/typing-indicator.mjs', import.meta.url).href)
/** Three messages of one person, as Meta sends them. */
const BODY = readFileSync(new URL('../fixtures/webhooks/meta/multi-messages-one-chat.json', import.meta.url), 'utf8')

describe('typing-indicator.mjs', () => {
  const closing: (() => unknown)[] = []
  let graph: RecordingServer
  let answer: (request: Recorded) => number
  let lines: string[]

  beforeEach(async () => {
    answer = () => 200
    lines = []
    graph = await recordingServer((request, response) => {
      response.statusCode = answer(request)
      response.end('{"success":true}')
    })
    closing.push(() => graph.stop())
  })

  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  /** From the webhook to the handler. */
  async function running(handle: CommittingHandle, rules: object = {}) {
    const store = new MemoryStore({ quietGapMs: 30, maxAgeMs: 0, ...rules })
    const batcher = new Batcher({ store })
    const log: Logger = {
      debug: () => {},
      info: () => {},
      error: () => {},
      warn: (_, text) => lines.push(String(text)),
    }
    const processor = new Processor({ store, handle, log })
    closing.push(
      () => store.close(),
      () => batcher.close(),
      () => processor.stop(),
    )
    await processor.start()
    const receive = webhook({ batcher, providers: { meta: { unsigned: true } } })
    const response = await receive(new Request('http://localhost/', { method: 'POST', body: BODY }))
    expect(response.status).to.equal(200)
    return batcher
  }

  const isTyping = ({ body }: Recorded) => JSON.stringify(body).includes('typing_indicator')
  const send = (text: string) =>
    fetch(`${graph.url}/106540352242922/messages`, { method: 'POST', body: JSON.stringify({ text }) })

  it('asks the Graph API for it before the answer, by the last message of the batch', async () => {
    const { withTyping, metaTyping } = await recipe
    let batch: Batch | undefined
    const typing = metaTyping({ token: 'secret-token', url: graph.url })
    await running(
      withTyping(typing, async (handled, { commit }) => {
        batch = handled
        await until(() => graph.requests.length > 0, { what: 'the indicator' })
        await commit()
        await send('the answer')
      }),
    )
    await until(() => graph.requests.length === 2, { what: 'the answer' })
    const [first] = graph.requests
    expect(first).to.deep.include({ method: 'POST', path: `/${batch?.account}/messages` })
    expect(first?.headers.authorization).to.equal('Bearer secret-token')
    expect(batch?.messages).to.have.lengthOf.above(1)
    expect(first?.body).to.deep.equal({
      messaging_product: 'whatsapp',
      status: 'read',
      message_id: batch?.messages.at(-1)?.messageId,
      typing_indicator: { type: 'text' },
    })
    expect(graph.requests.map(isTyping)).to.deep.equal([true, false])
  })

  it('shows it again while the handler works, and not after its commit', async () => {
    const { withTyping } = await recipe
    const signals: AbortSignal[] = []
    const typing: Typing = { show: async (_, { signal }) => void signals.push(signal) }
    let atCommit = 0
    let atEnd = 0
    await running(
      withTyping(
        typing,
        async (_, { commit }) => {
          await until(() => signals.length >= 3, { what: 'the indicator, three times' })
          await commit()
          atCommit = signals.length
          await new Promise(resolve => setTimeout(resolve, 100))
          atEnd = signals.length
        },
        { everyMs: 5 },
      ),
    )
    await until(() => atEnd > 0, { what: 'the end of the handler' })
    expect(atEnd).to.equal(atCommit)
    expect(signals.filter(({ aborted }) => !aborted)).to.deep.equal([])
  })

  it('never stops an answer: a call that fails is logged, without the token', async () => {
    const { withTyping, metaTyping } = await recipe
    answer = () => 500
    let isSent = false
    const typing = metaTyping({ token: 'secret-token', url: graph.url })
    await running(
      withTyping(typing, async (_, { commit }) => {
        await until(() => lines.length > 0, { what: 'the warning' })
        await commit()
        isSent = true
      }),
    )
    await until(() => isSent, { what: 'the answer' })
    expect(lines).to.deep.equal(['no typing indicator: the typing indicator was answered 500'])
  })

  it('is ended where the provider has a call for it: before the answer, and when the handler fails', async () => {
    const { withTyping, wahaTyping } = await recipe
    const typing = wahaTyping({ url: graph.url, apiKey: 'key' })
    let runs = 0
    await running(
      withTyping(typing, async (_, { commit }) => {
        runs += 1
        await until(() => graph.requests.length % 2 === 1, { what: 'the indicator' })
        if (runs === 1) throw new Error('the model is away')
        await commit()
        await send('the answer')
      }),
    )
    await until(() => graph.requests.length === 5, { what: 'the answer of the second run' })
    expect(graph.requests.map(({ path }) => path)).to.deep.equal([
      '/api/startTyping',
      '/api/stopTyping',
      '/api/startTyping',
      '/api/stopTyping',
      '/106540352242922/messages',
    ])
  })

  it('calls WAHA, Evolution and Green-API as they document it', async () => {
    const { wahaTyping, evolutionTyping, greenApiTyping } = await recipe
    const batch: Batch = {
      version: 1,
      batchId: 'b1',
      conversationId: 'shop/79990000011@c.us',
      chatId: '79990000011@c.us',
      account: 'shop',
      isGroup: false,
      provider: 'waha',
      messages: [],
      text: '',
      firstAtMs: 1,
      lastAtMs: 1,
      dueAtMs: 1,
      releasedAtMs: 1,
      releasedBy: 'gap',
    }
    const { signal } = new AbortController()
    await wahaTyping({ url: graph.url, apiKey: 'key' }).show(batch, { signal })
    await evolutionTyping({ url: graph.url, apiKey: 'key' }).show(batch, { signal })
    await greenApiTyping({ url: graph.url, token: 'token' }).show(batch, { signal })
    expect(graph.requests.map(({ path, body }) => [path, body])).to.deep.equal([
      ['/api/startTyping', { session: 'shop', chatId: '79990000011@c.us' }],
      ['/chat/sendPresence/shop', { number: '79990000011', presence: 'composing', delay: 20_000 }],
      ['/waInstanceshop/sendTyping/token', { chatId: '79990000011@c.us', typingTime: 20_000 }],
    ])
    expect(graph.requests.map(({ headers }) => headers['x-api-key'] ?? headers['apikey'])).to.deep.equal([
      'key',
      'key',
      undefined,
    ])
  })
})
