/** The recipes in examples/: what is superseded sends and books nothing, and what is repeated does it once. */
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { json } from 'node:stream/consumers'
import type { LanguageModel } from 'ai'
import { MockLanguageModelV3 } from 'ai/test'
import { expect } from 'chai'
import { z } from 'zod'
import type { Batch } from '../../src/batch.js'
import { Batcher } from '../../src/batcher.js'
import type { CommittingHandle } from '../../src/handover/function.js'
import { Processor } from '../../src/processor/processor.js'
import { MemoryStore } from '../../src/store/memory/store.js'
import { askedIn, generated, streamed } from '../support/language-model.js'
import { testRedis, uniquePrefix } from '../support/redis.js'
import { until } from '../support/wait.js'

const CHAT = 'shop/79990000011@c.us'
const RULES = { answering: 'supersede', quietGapMs: 500, earlyStartMs: 30 } as const

type Send = (batch: Batch, text: string) => unknown
interface Booking {
  key: string
  day: string
  persons: number
}
interface Recipes {
  'ai-sdk': {
    streamingHandler(options: { model: LanguageModel; show: Send; everyMs?: number }): CommittingHandle
    wholeHandler(options: { model: LanguageModel; send: Send }): CommittingHandle
  }
  'booking-tool': {
    bookingHandler(options: {
      model: LanguageModel
      bookings: { book(booking: Booking): unknown }
      send: Send
    }): CommittingHandle
  }
  'openai-fetch': {
    fetchHandler(options: { url: string; key: string; model: string; send: Send }): CommittingHandle
  }
}

const recipe = <Name extends keyof Recipes>(name: Name): Promise<Recipes[Name]> =>
  import(new URL(`../../examples/${name}.mjs`, import.meta.url).href)

for (const where of ['memory', 'Redis'] as const)
  describe(`recipes, in ${where}`, () => {
    const closing: (() => unknown)[] = []
    afterEach(async () => {
      for (const close of closing.splice(0).reverse()) await close()
    })

    async function running(handle: CommittingHandle) {
      const store = where === 'memory' ? new MemoryStore(RULES) : undefined
      const options = store ? { store } : { ...RULES, redis: await testRedis(), prefix: uniquePrefix() }
      const batcher = new Batcher(options)
      const processor = new Processor({ ...options, handle })
      closing.push(
        () => store?.close(),
        () => batcher.close(),
        () => processor.stop(),
      )
      await processor.start()
      const stepsOf = async (batchId: string) =>
        (await batcher.history({ conversationId: CHAT, limit: 100 }))
          .filter(step => step.batchId === batchId)
          .map(({ step }) => step)
      return { stepsOf, say: (messageId: string) => batcher.append(CHAT, { messageId, text: messageId }) }
    }

    it('ai-sdk.mjs, streaming, shows nothing of a superseded answer and no token before the commit', async () => {
      const model = new MockLanguageModelV3({ doStream: async call => streamed(call) })
      const shown: string[] = []
      const stepsThen: string[][] = []
      const { streamingHandler } = await recipe('ai-sdk')
      const show = async ({ batchId }: Batch, text: string) => {
        stepsThen.push(await stepsOf(batchId))
        shown.push(text)
      }
      const { say, stepsOf } = await running(streamingHandler({ model, show, everyMs: 0 }))
      await say('one')
      await until(() => model.doStreamCalls.length === 1, { what: 'the model to be asked early' })
      await say('two')
      await until(() => shown.at(-1) === 're: one two ', { what: 'the whole answer' })
      expect(model.doStreamCalls.map(({ abortSignal }) => abortSignal?.aborted)).to.deep.equal([true, false])
      expect(shown[0]).to.equal('re: ')
      for (const steps of stepsThen) expect(steps).to.include('committed')
    })

    it('ai-sdk.mjs, streaming, does not end an answer whose stream has failed', async () => {
      const error = { type: 'error', error: new Error('the model broke') } as const
      const model = new MockLanguageModelV3({
        doStream: async call => streamed(call, model.doStreamCalls.length === 1 ? error : undefined),
      })
      const ended: string[] = []
      const { streamingHandler } = await recipe('ai-sdk')
      const handle = streamingHandler({ model, show: () => {} })
      const { say } = await running(async (batch, context) => {
        await handle(batch, context)
        ended.push(batch.batchId)
      })
      await say('one')
      await until(() => ended.length === 1, { what: 'the end of the second run' })
      expect(model.doStreamCalls).to.have.lengthOf(2)
    })

    it('ai-sdk.mjs, streaming, does not end an answer whose signal was aborted', async () => {
      const controller = new AbortController()
      const model = new MockLanguageModelV3({ doStream: async call => streamed(call) })
      const { streamingHandler } = await recipe('ai-sdk')
      const handle = streamingHandler({
        model,
        show: () => controller.abort(new Error('the processor stops')),
        everyMs: 0,
      })
      const outcomes: unknown[] = []
      const { say } = await running(async (batch, context) => {
        const outcome = await Promise.resolve(handle(batch, { ...context, signal: controller.signal })).catch(
          ({ message }) => message,
        )
        outcomes.push(outcome)
      })
      await say('one')
      await until(() => outcomes.length > 0, { what: 'the end of the run' })
      expect(outcomes).to.deep.equal(['the processor stops'])
    })

    it('ai-sdk.mjs, whole, sends one answer to all messages', async () => {
      const model = new MockLanguageModelV3({
        doGenerate: async call => generated({ type: 'text', text: `re: ${askedIn(call)}` }),
      })
      const sent: string[] = []
      const { wholeHandler } = await recipe('ai-sdk')
      const { say } = await running(wholeHandler({ model, send: (_, text) => sent.push(text) }))
      await say('one')
      await until(() => model.doGenerateCalls.length === 1, { what: 'the model to be asked early' })
      await say('two')
      await until(() => sent.length > 0, { what: 'the answer' })
      expect(sent).to.deep.equal(['re: one\ntwo'])
      expect(model.doGenerateCalls.map(({ abortSignal }) => abortSignal?.aborted)).to.deep.equal([true, false])
    })

    const bookingModel = () =>
      new MockLanguageModelV3({
        doGenerate: async ({ prompt }) =>
          prompt.some(({ role }) => role === 'tool')
            ? generated({ type: 'text', text: 'Your table is booked.' })
            : generated({
                type: 'tool-call',
                toolCallId: 't1',
                toolName: 'book',
                input: '{"day":"Saturday","persons":2}',
              }),
      })

    function newBookings() {
      const made = new Map<string, Booking>()
      const calls: string[] = []
      const book = (booking: Booking) => {
        calls.push(booking.key)
        if (!made.has(booking.key)) made.set(booking.key, booking)
        return made.get(booking.key)
      }
      return { book, made, calls }
    }

    it('booking-tool.mjs books nothing in a superseded run, and once for all messages', async () => {
      const model = bookingModel()
      const bookings = newBookings()
      const sent: Batch[] = []
      const { bookingHandler } = await recipe('booking-tool')
      const { say } = await running(bookingHandler({ model, bookings, send: batch => sent.push(batch) }))
      await say('one')
      await until(() => model.doGenerateCalls.length === 1, { what: 'the model to be asked early' })
      await say('two')
      await until(() => sent.length > 0, { what: 'the answer' })
      expect(sent.map(({ text }) => text)).to.deep.equal(['one\ntwo'])
      expect([...bookings.made.values()]).to.deep.equal([{ key: sent[0]?.batchId, day: 'Saturday', persons: 2 }])
      expect(bookings.calls).to.have.lengthOf(1)
    })

    it('booking-tool.mjs books once if its run is repeated after the booking', async () => {
      const bookings = newBookings()
      const sent: string[] = []
      let sends = 0
      const { bookingHandler } = await recipe('booking-tool')
      const { say } = await running(
        bookingHandler({
          model: bookingModel(),
          bookings,
          send(_, text) {
            sends += 1
            if (sends === 1) throw new Error('the channel is away')
            sent.push(text)
          },
        }),
      )
      await say('one')
      await until(() => sent.length > 0, { what: 'the answer of the second run' })
      expect(sent).to.deep.equal(['Your table is booked.'])
      expect(bookings.calls).to.have.lengthOf(2)
      expect(bookings.made.size).to.equal(1)
    })

    it('openai-fetch.mjs closes the connection of a superseded run, and sends one answer', async () => {
      const requests: IncomingMessage[] = []
      let closed = 0
      const server = createServer(async (request, response) => {
        response.on('close', () => {
          if (!response.writableEnded) closed += 1
        })
        requests.push(request)
        const { messages } = requestSchema.parse(await json(request))
        // The first answer never comes.
        if (requests.length === 1) return
        const content = `re: ${messages[0]?.content}`
        response.setHeader('content-type', 'application/json')
        response.end(JSON.stringify({ choices: [{ message: { role: 'assistant', content } }] }))
      })
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      closing.push(() => server.close())
      const address = server.address()
      const port = typeof address === 'object' ? address?.port : undefined
      const sent: string[] = []
      const { fetchHandler } = await recipe('openai-fetch')
      const { say } = await running(
        fetchHandler({
          url: `http://127.0.0.1:${port}/v1`,
          key: 'sk-test',
          model: 'test',
          send: (_, text) => sent.push(text),
        }),
      )
      await say('one')
      await until(() => requests.length === 1, { what: 'the first request' })
      await say('two')
      await until(() => sent.length > 0, { what: 'the answer' })
      await until(() => closed === 1, { what: 'the first request to be closed' })
      expect(sent).to.deep.equal(['re: one\ntwo'])
      expect(requests.map(({ url, headers }) => [url, headers.authorization])).to.deep.equal([
        ['/v1/chat/completions', 'Bearer sk-test'],
        ['/v1/chat/completions', 'Bearer sk-test'],
      ])
    })
  })

const requestSchema = z.object({ messages: z.array(z.object({ role: z.literal('user'), content: z.string() })) })
