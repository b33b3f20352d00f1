/** API, processor and worker in this process, on a given Redis, each with its own log. */
import { createApp } from '../../src/api/app.js'
import type { Batch } from '../../src/batch.js'
import { Batcher } from '../../src/batcher.js'
import { bullmq } from '../../src/handover/bullmq.js'
import { listen } from '../../src/http/listen.js'
import type { Logger } from '../../src/logger.js'
import { Processor } from '../../src/processor/processor.js'
import type { RuleOptions } from '../../src/rules.js'
import { QueueWorker } from '../../src/worker/worker.js'
import { uniquePrefix } from './redis.js'
import { until } from './wait.js'

/** A log that keeps its lines: `error the words`. */
export function keptLog(): { log: Logger; lines: string[] } {
  const lines: string[] = []
  const write = (level: string) => (_fields: object, message: string) => void lines.push(`${level} ${message}`)
  return { lines, log: { debug: () => {}, info: write('info'), warn: write('warn'), error: write('error') } }
}

export interface Answer {
  status: number
  /** Seconds; null if the answer has none. */
  retryAfter: string | null
  body: string
}

export type Parts = Awaited<ReturnType<typeof parts>>

/** How long the answer of a webhook may take, whatever Redis does: a command's timeout and some more. */
const ANSWER_BOUND_MS = 8000

export async function parts(redis: string, rules: RuleOptions = {}, prefix = uniquePrefix()) {
  const queue = `queue-${prefix}`
  const batches: Batch[] = []
  const logs = { api: keptLog(), processor: keptLog(), worker: keptLog() }
  const options = { redis, prefix, quietGapMs: 50, ...rules }
  const batcher = new Batcher({ ...options, log: logs.api.log })
  const server = await listen(createApp({ batcher, log: logs.api.log, providers: {} }), { host: '127.0.0.1', port: 0 })
  const processor = new Processor({ ...options, log: logs.processor.log, handover: bullmq({ queue, redis }) })
  const worker = new QueueWorker({ redis, queue, log: logs.worker.log, handle: batch => void batches.push(batch) })
  const stop = async () => {
    await server.close(1000)
    await batcher.close()
    await processor.stop({ timeoutMs: 2000 })
    await worker.stop({ timeoutMs: 2000 })
  }
  try {
    await worker.start()
    await processor.start()
    await batcher.open()
  } catch (error) {
    await stop()
    throw error
  }
  /** Rejects if the answer does not come within the bound. */
  const post = async (...messages: { chatId: string; messageId: string }[]): Promise<Answer> => {
    const response = await fetch(`${server.url}/webhook/whatsapp/batched/generic`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(messages.map(message => ({ ...message, text: message.messageId }))),
      signal: AbortSignal.timeout(ANSWER_BOUND_MS),
    })
    return { status: response.status, retryAfter: response.headers.get('retry-after'), body: await response.text() }
  }
  return {
    prefix,
    queue,
    batcher,
    processor,
    batches,
    logs: { api: logs.api.lines, processor: logs.processor.lines, worker: logs.worker.lines },
    stop,
    post: (chatId: string, messageId: string) => post({ chatId, messageId }),
    postAll: post,
    /** Resolves when the worker has received these messages, in whatever batches. */
    async had(...messageIds: string[]): Promise<void> {
      const missing = () => {
        const come = new Set(batches.flatMap(({ messages }) => messages.map(message => message.messageId)))
        return messageIds.filter(id => !come.has(id))
      }
      await until(() => missing().length === 0, { timeoutMs: 20_000, what: () => `messages ${missing()} to come out` })
    },
    /** How often the worker has received each message. */
    counts(): Record<string, number> {
      const counts: Record<string, number> = {}
      for (const { messageId } of batches.flatMap(({ messages }) => messages))
        counts[messageId] = (counts[messageId] ?? 0) + 1
      return counts
    },
  }
}
