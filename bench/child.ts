/**
 * A process of one peer: its producer or its consumer, controlled by messages from `children.ts`. It keeps figures in
 * memory while it is measured, and sends them on request.
 *
 *     node --import=tsx child.ts <producer|consumer> <peer> <settings as JSON>
 */
import { setTimeout as delay } from 'node:timers/promises'
import { within } from '../src/within.js'
import type { Acknowledged, Answer, Insisted, Order, Seen } from './children.js'
import { peers } from './peers/all.js'
import type { AboutBatch, Producer, Settings } from './peers/peer.js'

const TICK_MS = 2
/** Between two attempts to append what was refused, and how long it is attempted. */
const AGAIN_MS = 100
const INSIST_MS = 60_000

const [, , role = '', name = '', json = '{}'] = process.argv
const peer = peers[name]
if (!peer) throw new Error(`no peer is called ${name}`)
const settings: Settings & { workMs?: number } = JSON.parse(json)

let seen: Seen[] = []
let count = 0
const producer = role === 'producer' ? await peer.produce(settings, onBatch) : undefined
const consumer = role === 'consumer' ? await peer.consume?.(settings, onBatch) : undefined

const orders: { [kind in Order['kind']]: (order: Extract<Order, { kind: kind }>) => Promise<unknown> | unknown } = {
  stream: ({ prefix, perSecond, count }) => stream(theProducer(), prefix, perSecond, count),
  insist: ({ prefix, perSecond, count }) => insist(theProducer(), prefix, perSecond, count),
  flood: ({ prefix, count, conversations, inFlight }) => flood(theProducer(), prefix, count, conversations, inFlight),
  replay: ({ plan }) => replay(theProducer(), plan),
  append: ({ messages }) =>
    Promise.all(messages.map(([id, messageId, text]) => theProducer().append(id, messageId, text))),
  count: () => count,
  claims: () => consumer?.claims?.() ?? Number.NaN,
  take: async () => {
    const taken = seen
    seen = []
    count = 0
    const times = await consumer?.visibleAt?.(taken.map(({ jobId = '' }) => jobId))
    return taken.map((batch, i) => ({ ...batch, visibleAtMs: times?.[i] }))
  },
  cpu: () => {
    const { user, system } = process.cpuUsage()
    return user + system
  },
  close: async () => {
    await within(Promise.all([producer?.close(), consumer?.close()]), 3000, () => {})
  },
}

process.on('message', async (order: Order & { id: number }) => {
  const answer: Answer = { id: order.id }
  try {
    answer.value = await perform(order)
  } catch (error) {
    answer.error = error instanceof Error ? error.message : String(error)
  }
  process.send?.(answer, undefined, {}, () => {
    if (order.kind === 'close') process.exit(0)
  })
})
process.on('disconnect', () => process.exit(1))
process.send?.({ id: 0 })

function perform<Kind extends Order['kind']>(order: Extract<Order, { kind: Kind }> & { kind: Kind }) {
  return orders[order.kind](order)
}

async function onBatch(
  conversation: string,
  texts: string[],
  { dueAtMs, jobId, answer }: AboutBatch = {},
): Promise<void> {
  const batch: Seen = { conversation, texts, atMs: nowMs(), dueAtMs, jobId }
  count++
  if (settings.workMs === undefined) {
    seen.push(batch)
    return
  }
  process.send?.({ began: batch })
  try {
    await delay(settings.workMs, undefined, answer && settings.supersede ? { signal: answer.signal } : {})
    await answer?.commit()
  } catch (error) {
    if (!answer?.signal.aborted) throw error
    process.send?.({ withdrawn: { ...batch, endedAtMs: nowMs() } })
    return
  }
  process.send?.({ ended: { ...batch, endedAtMs: nowMs() } })
}

/**
 * Appends each message at its time, without waiting for the answers (open loop). The text of a message is its id.
 * @returns when each message was sent, in the order of `plan`
 */
async function replay(to: Producer, plan: [string, string, number][]): Promise<number[]> {
  const startedAtMs = performance.now()
  const stored: Promise<unknown>[] = []
  const sent = plan.map(async ([conversation, id, atMs]) => {
    await delay(Math.max(0, startedAtMs + atMs - performance.now()))
    const sentAtMs = nowMs()
    stored.push(to.append(conversation, id, id))
    return sentAtMs
  })
  const times = await Promise.all(sent)
  await Promise.all(stored)
  return times
}

/**
 * Appends one message to each of `total` conversations, at even intervals, without waiting for the answers (open loop).
 */
async function stream(to: Producer, prefix: string, perSecond: number, total: number): Promise<Acknowledged[]> {
  return evenly(perSecond, total, async i => {
    const conversation = `${prefix}${i}`
    await to.append(conversation, 'm1', 'hi')
    return [conversation, nowMs()]
  })
}

/** As `stream`, and sends again what is refused, as a provider does. */
async function insist(to: Producer, prefix: string, perSecond: number, total: number): Promise<Insisted[]> {
  return evenly(perSecond, total, async i => {
    const conversation = `${prefix}${i}`
    const sentAtMs = nowMs()
    for (let refusals = 0; ; refusals++)
      try {
        await to.append(conversation, 'm1', 'hi')
        return { conversation, sentAtMs, storedAtMs: nowMs(), refusals }
      } catch (error) {
        if (nowMs() - sentAtMs > INSIST_MS) throw error
        await delay(AGAIN_MS)
      }
  })
}

async function evenly<T>(perSecond: number, total: number, send: (i: number) => Promise<T>): Promise<T[]> {
  const sent: Promise<T>[] = []
  const startedAtMs = performance.now()
  while (sent.length < total) {
    const wanted = Math.min(total, Math.ceil(((performance.now() - startedAtMs) * perSecond) / 1000))
    for (let i = sent.length; i < wanted; i++) sent.push(send(i))
    await delay(TICK_MS)
  }
  return Promise.all(sent)
}

/** Appends as fast as possible with `inFlight` calls at once. @returns how long it took, in milliseconds */
async function flood(to: Producer, prefix: string, total: number, conversations: number, inFlight: number) {
  const text = 'x'.repeat(100)
  let next = 0
  const startedAtMs = performance.now()
  const one = async () => {
    for (let i = next++; i < total; i = next++)
      await to.append(`${prefix}${i % conversations}`, `m${Math.floor(i / conversations)}`, text)
  }
  await Promise.all(Array.from({ length: inFlight }, one))
  return performance.now() - startedAtMs
}

function theProducer(): Producer {
  if (!producer) throw new Error(`${name}: this process is no producer`)
  return producer
}

function nowMs(): number {
  return performance.timeOrigin + performance.now()
}
