/**
 * The whole pipeline in this process, on a real Redis: API servers, processors, and a BullMQ worker that collects the
 * batches. Every part has its own connections, as separate processes would.
 */
import { createApp } from '../../src/api/app.js'
import type { Batch } from '../../src/batch.js'
import { Batcher } from '../../src/batcher.js'
import { bullmq } from '../../src/handover/bullmq.js'
import { listen } from '../../src/http/listen.js'
import type { Logger } from '../../src/logger.js'
import { silent } from '../../src/logger.js'
import { Processor } from '../../src/processor/processor.js'
import type { RuleOptions } from '../../src/rules.js'
import { QueueWorker } from '../../src/worker/worker.js'
import { testRedis, uniquePrefix } from './redis.js'
import { until } from './wait.js'

export const TOKEN = 'test-token'

export interface PipelineOptions {
  redis?: string
  prefix?: string
  rules?: RuleOptions
  batching?: boolean
  apis?: number
  processors?: number
  workers?: number
  /** What the worker does besides collecting the batch. */
  handle?: (batch: Batch) => Promise<void>
  log?: Logger
  configureRedis?: boolean
  /** As `LULL_RAW`. */
  raw?: boolean
}

export interface Pipeline {
  redis: string
  prefix: string
  urls: string[]
  batcher: Batcher
  processors: Processor[]
  /** The batches that the worker has received, in order. */
  batches: Batch[]
  /** POSTs generic messages of one conversation to the API number `api`; resolves to the answer's body. */
  post(chatId: string, messages: TestMessage[], options?: { api?: number; direct?: boolean }): Promise<unknown>
  /** Resolves when the worker has received `count` batches. */
  received(count: number, timeoutMs?: number): Promise<Batch[]>
  startProcessor(): Promise<Processor>
  startWorker(): Promise<QueueWorker>
  stop(): Promise<void>
}

export interface TestMessage {
  messageId: string
  text: string
}

export async function pipeline(options: PipelineOptions = {}): Promise<Pipeline> {
  const {
    rules = {},
    apis = 1,
    processors = 1,
    workers = 1,
    handle,
    log = silent,
    configureRedis = true,
    raw = false,
  } = options
  const redis = options.redis ?? (await testRedis())
  const prefix = options.prefix ?? uniquePrefix()
  const queue = `queue-${prefix}`
  const batches: Batch[] = []
  const stops: (() => Promise<unknown>)[] = []

  const startProcessor = async () => {
    const processor = new Processor({
      redis,
      prefix,
      ...rules,
      log,
      configureRedis,
      handover: bullmq({ queue }),
    })
    stops.push(() => processor.stop({ timeoutMs: 5000 }))
    await processor.start()
    return processor
  }

  const startWorker = async () => {
    const worker = new QueueWorker({
      redis,
      queue,
      prefix: 'bull',
      concurrency: 16,
      log,
      answerTimeoutMs: 60_000,
      handle: async batch => {
        batches.push(batch)
        await handle?.(batch)
      },
    })
    stops.push(() => worker.stop({ timeoutMs: 5000 }))
    await worker.start()
    return worker
  }

  const stop = async () => {
    for (const release of stops.splice(0).reverse()) await release()
  }

  try {
    for (let i = 0; i < workers; i++) await startWorker()
    const started: Processor[] = []
    for (let i = 0; i < processors; i++) started.push(await startProcessor())
    const batcher = new Batcher({ redis, prefix, ...rules, log })
    stops.push(() => batcher.close())
    await batcher.open()
    const urls: string[] = []
    for (let i = 0; i < apis; i++) {
      const own = new Batcher({
        redis,
        prefix,
        ...rules,
        log,
        ...(options.batching === undefined ? {} : { batching: options.batching }),
      })
      stops.push(() => own.close())
      const server = await listen(createApp({ raw, batcher: own, log, apiToken: TOKEN, providers: {} }), {
        host: '127.0.0.1',
        port: 0,
      })
      stops.push(() => server.close(1000))
      urls.push(server.url)
    }
    const post: Pipeline['post'] = async (chatId, messages, { api = 0, direct = false } = {}) => {
      const response = await fetch(new URL(direct ? '/webhook/whatsapp' : '/webhook/whatsapp/batched', urls[api]), {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ messages: messages.map(({ messageId, text }) => ({ chatId, messageId, text })) }),
      })
      if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`)
      return response.json()
    }
    const received = (count: number, timeoutMs = 20_000) =>
      until(() => (batches.length >= count ? batches : undefined), {
        timeoutMs,
        what: () => `${count} batches (${batches.length} came)`,
      })
    return {
      redis,
      prefix,
      urls,
      batcher,
      processors: started,
      batches,
      post,
      received,
      startProcessor,
      startWorker,
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}
