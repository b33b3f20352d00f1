/**
 * How late are releases while Redis holds many other keys with a TTL? (They make keyspace notifications late without
 * bound, since Redis finds expired keys by sampling.)
 *
 *     npm run bench:punctual            on a Redis of its own
 *     REDIS_URL=… npm run bench:punctual
 *
 * Lateness is the time from the due time to the claim, by Redis's clock. In the same run the textbook pattern is
 * measured for comparison: a shadow key with the same TTL and a subscriber to `expired`.
 */
import { parseArgs } from 'node:util'
import { Redis } from 'ioredis'
import { Batcher } from '../src/batcher.js'
import { Processor } from '../src/processor/processor.js'
import { privateRedis } from '../test/support/redis.js'

const { values: options } = parseArgs({
  options: {
    unrelated: { type: 'string', default: '100000' },
    conversations: { type: 'string', default: '2000' },
    processors: { type: 'string', default: '2' },
    seconds: { type: 'string', default: '15' },
  },
})
const UNRELATED = Number(options.unrelated)
const CONVERSATIONS = Number(options.conversations)
const PROCESSORS = Number(options.processors)
const SPREAD_MS = Number(options.seconds) * 1000
const GAP_MS = 2000
const TEXTBOOK_WAIT_MS = 30_000
const STEP = 10_000

const server = process.env['REDIS_URL'] ? undefined : await privateRedis()
const url = process.env['REDIS_URL'] ?? server?.url ?? ''
const admin = new Redis(url)
const prefix = `bench-${process.pid}`

progress(`writing ${UNRELATED.toLocaleString('en')} unrelated keys with a TTL of an hour`)
for (let i = 0; i < UNRELATED; i += STEP) {
  const pipeline = admin.pipeline()
  for (let j = i; j < Math.min(i + STEP, UNRELATED); j++) pipeline.set(`${prefix}-unrelated-${j}`, 'x', 'PX', 3_600_000)
  await pipeline.exec()
}

const lull = await measureLull()
const textbook = await measureTextbook()

console.log(
  `\n${CONVERSATIONS.toLocaleString('en')} releases within ${SPREAD_MS / 1000} s, gap ${GAP_MS / 1000} s, ${UNRELATED.toLocaleString('en')} other keys with a TTL, ${PROCESSORS} processors\n`,
)
show('Lull', lull, CONVERSATIONS)
show('a shadow key and `expired` alone', textbook, CONVERSATIONS)

const pipeline = admin.pipeline()
for (let i = 0; i < UNRELATED; i++) pipeline.unlink(`${prefix}-unrelated-${i}`)
if (!server) await pipeline.exec()
admin.disconnect()
await server?.stop()

async function measureLull(): Promise<number[]> {
  const late: number[] = []
  const rules = { quietGapMs: GAP_MS }
  const batcher = new Batcher({ redis: url, prefix, ...rules })
  const processors = Array.from(
    { length: PROCESSORS },
    () =>
      new Processor({
        redis: url,
        prefix,
        ...rules,
        handle: batch => void late.push(batch.releasedAtMs - batch.dueAtMs),
      }),
  )
  await Promise.all(processors.map(processor => processor.start()))
  await spread(i => batcher.append(`${i}@c.us`, { messageId: '1', text: 'hi' }), 'Lull')
  while (late.length < CONVERSATIONS) await sleep(50)
  await Promise.all(processors.map(processor => processor.stop()))
  await batcher.close()
  return late
}

async function measureTextbook(): Promise<number[]> {
  const late: number[] = []
  const dueAtMs = new Map<string, number>()
  const subscriber = new Redis(url)
  subscriber.on('message', (_channel: string, key: string) => {
    const due = dueAtMs.get(key)
    if (due !== undefined) late.push(Date.now() - due)
  })
  await subscriber.subscribe(`__keyevent@${admin.options.db ?? 0}__:expired`)
  await spread(async i => {
    const key = `${prefix}-textbook:${i}`
    dueAtMs.set(key, Date.now() + GAP_MS)
    await admin.set(key, '', 'PX', GAP_MS)
  }, 'the textbook pattern')
  const until = Date.now() + TEXTBOOK_WAIT_MS
  while (late.length < CONVERSATIONS && Date.now() < until) await sleep(50)
  subscriber.disconnect()
  return late
}

/** Calls `append` for each conversation, at even intervals. */
async function spread(append: (i: number) => Promise<unknown>, what: string): Promise<void> {
  const startedAt = performance.now()
  const all: Promise<unknown>[] = []
  for (let i = 0; i < CONVERSATIONS; i++) {
    const waitMs = startedAt + (i * SPREAD_MS) / CONVERSATIONS - performance.now()
    if (waitMs > 1) await sleep(waitMs)
    all.push(append(i))
    if (i % 100 === 0) progress(`${what}: ${i} of ${CONVERSATIONS} conversations`)
  }
  await Promise.all(all)
  progress(`${what}: waiting for the last releases`)
}

function show(name: string, late: number[], expected: number): void {
  const sorted = late.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
  const missing = expected - sorted.length
  console.log(
    `${name.padEnd(34)} p50 ${ms(at(0.5))}  p90 ${ms(at(0.9))}  p99 ${ms(at(0.99))}  max ${ms(at(1))}` +
      (missing > 0 ? `  and ${missing} were missing after ${TEXTBOOK_WAIT_MS / 1000} s` : ''),
  )
}

function ms(value: number): string {
  return `${value.toLocaleString('en')} ms`.padStart(9)
}

function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`)
  else process.stderr.write(`${text}\n`)
}

function sleep(forMs: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, forMs))
}
