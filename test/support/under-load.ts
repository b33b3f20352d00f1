/**
 * People who write while a test does something to Redis. Each message is sent again until it is accepted, as a provider
 * does it. A processor hands the batches over to this process, which counts as a queue does: a batch that comes again
 * under its id is dropped.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Batch } from '../../src/batch.js'
import { Batcher } from '../../src/batcher.js'
import { Processor } from '../../src/processor/processor.js'
import type { StoreOnRedisOptions } from '../../src/store/store-options.js'
import { until } from './wait.js'

export interface Load {
  /** Messages that were accepted so far. */
  accepted(): number
  /** Appends that were refused so far, and sent again. */
  refused(): number
  /** From now on by a batcher and a processor with these options too; those of before are stopped. */
  move(options: StoreOnRedisOptions): Promise<void>
  /** Stops writing, and resolves when everything accepted was handed over, or nothing has come for a while. */
  end(): Promise<Outcome>
}

export interface Outcome {
  accepted: number
  /** Messages that were accepted and never handed over. */
  lost: string[]
  /** Messages that were handed over in two batches. */
  twice: string[]
  /** Messages that were handed over before an earlier one of their conversation. */
  outOfOrder: string[]
  /** Batches that were handed over again under their id: a queue drops them. */
  repeated: number
}

const CONVERSATIONS = 60
const RETRY_MS = 100
const SILENT_MS = 15_000

/** @param everyMs between two messages of one conversation, on average */
export async function startLoad(options: StoreOnRedisOptions, everyMs = 150): Promise<Load> {
  const rules = { quietGapMs: 300, batchTtlMs: 60_000, leaseMs: 3000 }
  const sent = new Map<string, string[]>()
  const handled = new Map<string, string[]>()
  const batches = new Map<string, number>()
  let repeated = 0
  let refused = 0
  let lastMs = performance.now()
  const handle = async ({ batchId, conversationId, messages }: Batch) => {
    lastMs = performance.now()
    if (batches.has(batchId)) {
      repeated += 1
      return
    }
    batches.set(batchId, messages.length)
    const ids = handled.get(conversationId) ?? []
    ids.push(...messages.map(({ messageId }) => messageId))
    handled.set(conversationId, ids)
  }
  const startOn = async (place: StoreOnRedisOptions) => {
    const batcher = new Batcher({ ...rules, ...place })
    const processor = new Processor({ ...rules, ...place, concurrency: 200, handle })
    await Promise.all([batcher.open(), processor.start()])
    const stop = () => Promise.all([processor.stop({ timeoutMs: 3000 }), batcher.close()])
    return { batcher, stop }
  }
  let current = await startOn(options)
  let ending = false
  const write = async (conversationId: string) => {
    const ids: string[] = []
    sent.set(conversationId, ids)
    for (let i = 0; !ending; i++) {
      const messageId = `${i}`
      while (!(await accepts(conversationId, messageId))) await delay(RETRY_MS)
      ids.push(messageId)
      await delay(Math.random() * everyMs * 2)
    }
  }
  const accepts = async (conversationId: string, messageId: string) => {
    try {
      await current.batcher.append(conversationId, { messageId })
      return true
    } catch {
      refused += 1
      return false
    }
  }
  const writers = Array.from({ length: CONVERSATIONS }, (_, i) => write(`person-${i}`))
  const accepted = () => [...sent.values()].reduce((sum, ids) => sum + ids.length, 0)
  const missing = () =>
    [...sent].flatMap(([conversationId, ids]) => {
      const has = new Set(handled.get(conversationId))
      return ids.filter(id => !has.has(id)).map(id => `${conversationId} ${id}`)
    })
  return {
    accepted,
    refused: () => refused,
    async move(place) {
      const last = current
      current = await startOn(place)
      await last.stop()
    },
    async end() {
      ending = true
      await Promise.all(writers)
      lastMs = performance.now()
      await until(() => missing().length === 0 || performance.now() - lastMs > SILENT_MS, {
        timeoutMs: 120_000,
        what: 'everything to be handed over',
      })
      const outcome = { accepted: accepted(), lost: missing(), ...judged(handled), repeated }
      await current.stop()
      return outcome
    },
  }
}

function judged(handled: Map<string, string[]>): Pick<Outcome, 'twice' | 'outOfOrder'> {
  const twice: string[] = []
  const outOfOrder: string[] = []
  for (const [conversationId, ids] of handled) {
    const seen = new Set<string>()
    let last = -1
    for (const id of ids) {
      if (seen.has(id)) twice.push(`${conversationId} ${id}`)
      else if (Number(id) < last) outOfOrder.push(`${conversationId} ${id}`)
      seen.add(id)
      last = Math.max(last, Number(id))
    }
  }
  return { twice, outOfOrder }
}
