/**
 * Sends a stream of messages to one peer and measures how late each batch comes. For the benchmarks of lateness and
 * growth.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { type Acknowledged, Child, replies, type Seen } from '../children.js'
import { at } from '../figures.js'
import { connectedTo, publishedUs, type Server, type Spent, spentOn, startRedis } from '../servers.js'
import { HOUR_MS, settingsFor } from './benchmark.js'

export const GAP_MS = 1000
/** A batch that has not come this long after its due time counts as this late, and as missing. */
export const WAIT_MS = 5000
const IN_FLIGHT = 256
const LOOK_MS = 50
const WARM_MESSAGES = 1000
const WARM_WAIT_MS = 1500

export interface Load {
  perSecond: number
  count: number
  processors?: number
  partitions?: number | undefined
}

export interface Lateness extends Record<string, number> {
  p50: number
  p99: number
  max: number
  missing: number
  /** p99 of when the job became visible to workers; NaN without a queue. */
  visible: number
  /** Microseconds of Redis's CPU for each message, its release and its answer. */
  redisUs: number
  /** Claims for each release; NaN for other peers. */
  claims: number
  /** Of Lull's processes, to all primaries. */
  connections: number
  subscriptions: number
  /** Microseconds that Redis publishes for each message. */
  publishUs: number
}

/** Starts a Redis with conversations that stay open during the measurement. */
export async function redisWithOpen(peer: string, open: number, postgres?: string): Promise<Server> {
  const server = await startRedis()
  await seed(peer, server.url, open, postgres)
  return server
}

export async function seed(peer: string, redis: string, open: number, postgres?: string): Promise<void> {
  const settings = settingsFor(redis, { gapMs: HOUR_MS, ...(postgres === undefined ? {} : { postgres }) })
  const producer = await Child.start('producer', peer, settings)
  await producer.ask(
    { kind: 'flood', prefix: 'open-', count: open, conversations: open, inFlight: IN_FLIGHT },
    replies.figure,
  )
  await producer.stop()
}

let streams = 0

export async function lateness(
  peer: string,
  server: Server,
  { perSecond, count, processors = 1, partitions }: Load,
  postgres?: string,
): Promise<Lateness> {
  const settings = settingsFor(server.url, {
    gapMs: GAP_MS,
    concurrency: Math.max(100, perSecond / 10),
    partitions,
    ...(postgres === undefined ? {} : { postgres }),
  })
  const producer = await Child.start('producer', peer, settings)
  const consumers = await Promise.all(Array.from({ length: processors }, () => Child.start('consumer', peer, settings)))
  await warm(producer, consumers, perSecond)
  const claimsBefore = await claimsOf(consumers)
  const publishedBefore = await publishedUs(server)
  const before = await spentOn(server)
  const acknowledged = await producer.ask(
    {
      kind: 'stream',
      prefix: `s${process.pid}-${++streams}-`,
      perSecond,
      count,
    },
    replies.acknowledged,
  )
  const deadline = Date.now() + GAP_MS + WAIT_MS
  while ((await totalOf(consumers)) < count && Date.now() < deadline) await delay(LOOK_MS)
  const after = await spentOn(server)
  const publishUs = ((await publishedUs(server)) - publishedBefore) / count
  const connected = await connectedTo(server)
  const claims = ((await claimsOf(consumers)) - claimsBefore) / count
  const seen = (await Promise.all(consumers.map(consumer => consumer.ask({ kind: 'take' }, replies.seen)))).flat()
  await Promise.all([producer, ...consumers].map(child => child.stop()))
  return { ...figures(acknowledged, seen), ...perMessage(before, after, count), ...connected, publishUs, claims }
}

async function claimsOf(consumers: Child[]): Promise<number> {
  const all = await Promise.all(consumers.map(consumer => consumer.ask({ kind: 'claims' }, replies.figureOrNone)))
  return all.reduce((sum, count) => sum + count, 0)
}

function figures(acknowledged: Acknowledged[], seen: Seen[]) {
  const batches = new Map(seen.map(batch => [batch.conversation, batch]))
  let missing = 0
  const visible: number[] = []
  const late = acknowledged.map(([conversation, ackedAtMs]) => {
    const batch = batches.get(conversation)
    if (!batch) {
      missing++
      return WAIT_MS
    }
    const dueAtMs = batch.dueAtMs ?? ackedAtMs + GAP_MS
    if (batch.visibleAtMs !== undefined) visible.push(batch.visibleAtMs - dueAtMs)
    return batch.atMs - dueAtMs
  })
  return {
    p50: at(late, 0.5),
    p99: at(late, 0.99),
    max: at(late, 1),
    missing: (missing / late.length) * 100,
    // Only if nearly all times are known: BullMQ's event stream may have been trimmed.
    visible: visible.length < late.length * 0.98 ? Number.NaN : at(visible, 0.99),
  }
}

const perMessage = (before: Spent, after: Spent, count: number) => ({ redisUs: (after.cpuUs - before.cpuUs) / count })

/**
 * Warms up the processes, so that compiling code and opening connections is not measured. Several consumers share the
 * work, so the warm-up is as much longer.
 */
async function warm(producer: Child, consumers: Child[], perSecond: number): Promise<void> {
  const count = Math.min(perSecond, WARM_MESSAGES) * consumers.length
  await producer.ask(
    { kind: 'stream', prefix: `w${process.pid}-${++streams}-`, perSecond, count },
    replies.acknowledged,
  )
  const deadline = Date.now() + GAP_MS + WARM_WAIT_MS
  while ((await totalOf(consumers)) < count && Date.now() < deadline) await delay(LOOK_MS)
  await Promise.all(consumers.map(consumer => consumer.ask({ kind: 'take' }, replies.seen)))
}

async function totalOf(consumers: Child[]): Promise<number> {
  const counts = await Promise.all(consumers.map(consumer => consumer.ask({ kind: 'count' }, replies.figure)))
  return counts.reduce((sum, count) => sum + count, 0)
}
