/** Guarantee **supersede**, with the handover to a URL: a batch that newer messages supersede has its request aborted. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { json } from 'node:stream/consumers'
import { expect } from 'chai'
import { z } from 'zod'
import { Batcher } from '../../src/batcher.js'
import type { Handover, HandoverOutcome } from '../../src/handover/handover.js'
import { http } from '../../src/handover/http.js'
import { Processor } from '../../src/processor/processor.js'
import type { RuleOptions } from '../../src/rules.js'
import { MemoryStore } from '../../src/store/memory/store.js'
import { keptLog } from '../support/parts.js'
import { freePort, testRedis, uniquePrefix } from '../support/redis.js'
import { until } from '../support/wait.js'

const CHAT = 'shop/79990000011@c.us'
const posted = z.object({ batchId: z.string(), text: z.string(), supersedes: z.array(z.string()).optional() })

interface Post extends z.infer<typeof posted> {
  headers: IncomingMessage['headers']
  response: ServerResponse
  isAborted: boolean
}

describe('supersede, with the handover to a URL', () => {
  const closing: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  /** A receiver that answers when a test does. */
  async function receiver() {
    const posts: Post[] = []
    const server = createServer(async (request, response) => {
      const post = { ...posted.parse(await json(request)), headers: request.headers, response, isAborted: false }
      response.once('close', () => {
        post.isAborted = !response.writableFinished
      })
      posts.push(post)
    })
    const port = await freePort()
    await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
    closing.push(() => {
      server.closeAllConnections()
      return new Promise(resolve => server.close(resolve))
    })
    return { url: `http://127.0.0.1:${port}/`, posts }
  }

  async function running(handover: Handover, rules: RuleOptions = {}) {
    const options = {
      redis: await testRedis(),
      prefix: uniquePrefix(),
      answering: 'supersede' as const,
      quietGapMs: 300,
      earlyStartMs: 30,
      ...rules,
    }
    const { log, lines } = keptLog()
    const results: string[] = []
    const observer = { handedOver: ({ result }: { result: string }) => void results.push(result) }
    const processor = new Processor({ ...options, handover, log, observer })
    const batcher = new Batcher(options)
    closing.push(
      () => batcher.close(),
      () => processor.stop({ timeoutMs: 500 }),
    )
    await processor.start()
    const steps = async () => (await batcher.history({ conversationId: CHAT, limit: 50 })).map(({ step }) => step)
    return { batcher, lines, results, steps, say: (text: string) => batcher.append(CHAT, { messageId: text, text }) }
  }

  it('aborts the request, logs no trouble, and POSTs all messages in one batch', async () => {
    const { url, posts } = await receiver()
    const { say, lines, results, steps } = await running(http({ url }))
    await say('one')
    const first = await until(() => posts[0])
    const { batchId } = await say('two')
    await until(() => first.isAborted, { what: 'the connection to close' })
    const second = await until(() => posts[1])
    expect(second).to.deep.include({ batchId, text: 'one\ntwo', supersedes: [first.batchId] })
    expect([first, second].map(({ headers }) => headers['webhook-id'])).to.deep.equal([first.batchId, batchId])
    second.response.writeHead(200).end()
    await until(async () => (await steps()).includes('answered'))
    expect(results).to.deep.equal(['superseded', 'answered'])
    expect(lines.filter(line => !line.startsWith('info'))).to.deep.equal([])
    expect(await steps())
      .not.to.include.members(['nacked'])
      .and.not.to.include.members(['dead'])
  })

  it('takes a 200 without a commit for the answer, which newer messages then do not supersede', async () => {
    const { url, posts } = await receiver()
    const { say, batcher, steps } = await running(http({ url }))
    await say('one')
    const first = await until(() => posts[0])
    first.response.writeHead(200).end()
    await until(async () => (await steps()).includes('answered'))
    await say('two')
    expect(await until(() => posts[1])).to.include({ text: 'two' })
    expect(await batcher.commit(first.batchId)).to.deep.equal({ state: 'answered' })
  })

  it('lets a receiver that has answered 202 learn at its commit that newer messages came', async () => {
    const { url, posts } = await receiver()
    const { say, batcher, steps } = await running(http({ url }))
    await say('one')
    const first = await until(() => posts[0])
    first.response.writeHead(202).end()
    await until(async () => (await steps()).includes('handed-over'))
    const { batchId: by } = await say('two')
    expect(await batcher.commit(first.batchId)).to.deep.equal({ state: 'superseded', by })
    expect(await until(() => posts[1])).to.include({ batchId: by, text: 'one\ntwo' })
  })

  it('aborts the request of a batch that was superseded before the claim’s reply came', async () => {
    const { url, posts } = await receiver()
    const store = new MemoryStore({ answering: 'supersede', quietGapMs: 300, earlyStartMs: 30 })
    const say = (messageId: string) =>
      store.append({ conversationId: CHAT, messages: [{ messageId, type: 'text', text: messageId }] })
    const claim = store.claim.bind(store)
    let isFirst = true
    store.claim = async request => {
      const claimed = await claim(request)
      if (isFirst && claimed.batches.length > 0) {
        isFirst = false
        await say('two')
      }
      return claimed
    }
    const processor = new Processor({ store, handover: http({ url }) })
    closing.push(
      () => store.close(),
      () => processor.stop({ timeoutMs: 500 }),
    )
    await processor.start()
    await say('one')
    const whole = await until(() => posts.find(({ text }) => text === 'one\ntwo'))
    await until(() => posts.every(post => post === whole || post.isAborted), { what: 'the first request to close' })
    whole.response.writeHead(200).end()
    await until(async () => (await store.conversation(CHAT)).heldBy === undefined)
  })

  for (const [what, end] of [
    ['throws', () => Promise.reject(new Error('cut off'))],
    ['reports an answer', async (): Promise<HandoverOutcome[]> => [{ result: 'answered', outcome: 'completed' }]],
    ['has taken the batch', async (): Promise<HandoverOutcome[]> => [{ result: 'taken' }]],
  ] as const)
    it(`aborts the signal of a handover of one’s own, and settles nothing if it ${what} then`, async () => {
      const given: AbortSignal[] = []
      const handover: Handover = {
        kind: 'toy',
        batchesPerCall: 1,
        concurrency: 4,
        async start() {},
        async stop() {},
        async handOver(items) {
          const [item] = items
          if (!item) return []
          given.push(item.signal)
          if (given.length > 1) return [{ result: 'answered', outcome: 'completed' }]
          await new Promise(resolve => item.signal.addEventListener('abort', resolve))
          return end()
        },
      }
      const { say, lines, results, steps } = await running(handover)
      await say('one')
      await until(() => given.length === 1)
      await say('two')
      await until(async () => (await steps()).includes('answered'))
      expect(given[0]?.reason).to.include({ code: 'ERR_SUPERSEDED' })
      expect(results).to.deep.equal(['superseded', 'answered'])
      expect((await steps()).filter(step => step === 'answered' || step === 'handed-over')).to.have.length(2)
      expect(lines.filter(line => !line.startsWith('info'))).to.deep.equal([])
    })
})
