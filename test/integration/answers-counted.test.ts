/**
 * Guarantee **answers counted**: each batch whose answer ends counts once in `lull_answers_total`, when the store has
 * noted it, with every handover and in every order.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { createApp } from '../../src/api/app.js'
import { Batcher } from '../../src/batcher.js'
import { bullmq } from '../../src/handover/bullmq.js'
import type { Handover } from '../../src/handover/handover.js'
import { http } from '../../src/handover/http.js'
import { listen } from '../../src/http/listen.js'
import { silent } from '../../src/logger.js'
import { Processor } from '../../src/processor/processor.js'
import { QueueWorker } from '../../src/worker/worker.js'
import { testRedis, uniquePrefix } from '../support/redis.js'
import { until } from '../support/wait.js'

const TOKEN = 'test-token'
const BATCHES = 3
const ORDERS = ['serial', 'concurrent'] as const

describe('answers counted', () => {
  let stops: (() => Promise<unknown>)[]
  let counted: string[]
  let redis: string
  let prefix: string

  beforeEach(async () => {
    stops = []
    counted = []
    redis = await testRedis()
    prefix = uniquePrefix()
  })

  afterEach(async () => {
    for (const stop of stops.reverse()) await stop()
  })

  const observer = { answered: (result: string) => void counted.push(result) }

  /** Two processors and an API, which all count in `counted`. */
  const start = async (order: (typeof ORDERS)[number], receiver: () => { handover: Handover } | { handle(): void }) => {
    const options = { redis, prefix, order, quietGapMs: 50, observer }
    for (let i = 0; i < 2; i++) {
      const processor = new Processor({ ...options, ...receiver() })
      stops.push(() => processor.stop({ timeoutMs: 2000 }))
      await processor.start()
    }
    const batcher = new Batcher(options)
    stops.push(() => batcher.close())
    await batcher.open()
    const app = createApp({ batcher, log: silent, apiToken: TOKEN, providers: {} })
    const server = await listen(app, { host: '127.0.0.1', port: 0 })
    stops.push(() => server.close(1000))
    const report = (batchId: string) =>
      fetch(`${server.url}/batches/${batchId}/answered`, {
        method: 'POST',
        headers: { authorization: `Bearer ${TOKEN}` },
      })
    /** One batch after the other, all of one conversation. */
    const append = async () => {
      for (let i = 0; i < BATCHES; i++)
        await batcher.append('79990000011@c.us', { messageId: `m${i}`, text: 'hi' }, { direct: true })
    }
    return { append, report }
  }

  const countedOnce = async () => {
    await until(() => counted.length >= BATCHES, { what: () => `${BATCHES} answers; counted: ${counted}` })
    // A second count would come with the processors' last reports.
    for (const stop of stops.splice(0).reverse()) await stop()
    expect(counted).to.deep.equal(Array(BATCHES).fill('completed'))
  }

  /** A receiver of the `http` handover. */
  const receiver = async (status: number, onBatch: (batchId: string) => void = () => {}) => {
    const server = createServer((request, response) => {
      request.resume()
      response.writeHead(status).end(() => onBatch(String(request.headers['webhook-id'])))
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    stops.push(() => new Promise(resolve => server.close(resolve)))
    const address: AddressInfo | string | null = server.address()
    if (address === null || typeof address === 'string') throw new Error('the receiver has no port')
    return `http://127.0.0.1:${address.port}`
  }

  for (const order of ORDERS) {
    it(`once for a function, in ${order} order`, async () => {
      const { append } = await start(order, () => ({ handle: () => {} }))
      await append()
      await countedOnce()
    })

    it(`once for a BullMQ queue, in ${order} order`, async () => {
      const queue = `queue-${prefix}`
      const worker = new QueueWorker({ redis, queue, handle: () => {} })
      stops.push(() => worker.stop({ timeoutMs: 2000 }))
      await worker.start()
      const { append } = await start(order, () => ({ handover: bullmq({ queue }) }))
      await append()
      await countedOnce()
    })

    it(`once for a URL that answers 200, in ${order} order`, async () => {
      const url = await receiver(200)
      const { append } = await start(order, () => ({ handover: http({ url }) }))
      await append()
      await countedOnce()
    })

    it(`once for a URL that answers 202 and reports the end twice, in ${order} order`, async () => {
      let report: (batchId: string) => Promise<unknown> = async () => {}
      const reports: Promise<unknown>[] = []
      const url = await receiver(202, batchId => reports.push(report(batchId).then(() => report(batchId))))
      const started = await start(order, () => ({ handover: http({ url }) }))
      report = started.report
      await started.append()
      await until(() => reports.length === BATCHES, { what: () => `${BATCHES} batches; came: ${reports.length}` })
      await Promise.all(reports)
      await countedOnce()
    })
  }
})
