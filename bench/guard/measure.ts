/**
 * What a message costs in counts, which a slow or a busy machine does not change. One message is on its way at a time,
 * so that nothing is grouped by chance.
 *
 * It runs in a process whose young generation is so large that nothing is collected meanwhile: what the heap has grown
 * by is what was allocated.
 */
import { once } from 'node:events'
import { connect, Socket } from 'node:net'
import { createApp } from '../../src/api/app.js'
import { Batcher } from '../../src/batcher.js'
import { bullmq } from '../../src/handover/bullmq.js'
import { listen } from '../../src/http/listen.js'
import { silent } from '../../src/logger.js'
import { Metrics } from '../../src/metrics/metrics.js'
import { type Destination, Processor } from '../../src/processor/processor.js'
import { QueueWorker } from '../../src/worker/worker.js'
import { type Server, startRedis, stopServers } from '../servers.js'
import { body } from '../webhooks.js'
import type { Counts, Measured } from './counts.js'

const WEBHOOKS = 1000
const BATCHES = 40
const A_BATCH = 4
/** Four messages one after another come within it, on a slow machine too. */
const GAP_MS = 100
/** Of the measurement itself, and heartbeats: a slow run has more of them. */
const NOT_COUNTED: ReadonlySet<string> = new Set(['info', 'ping'])
/** The two INFO at the end. */
const OWN_WRITES = 2
const PING = '*1\r\n$4\r\nping\r\n'

const collect = globalThis.gc
if (!collect) throw new Error('run it with --expose-gc: npm run bench -- --guard does')

/** How often this process has written to Redis: each is a round trip. */
let writes = 0
let redisPort = 0
const write: typeof Socket.prototype.write = Socket.prototype.write
Socket.prototype.write = function (this: Socket, ...args: Parameters<typeof write>) {
  if (this.remotePort === redisPort && args[0] !== PING) writes += 1
  return write.apply(this, args)
} as typeof write

async function spent({ admin }: Server) {
  const info = `${await admin.info('stats')}\n${await admin.info('commandstats')}`
  const sum = (pattern: RegExp) => [...info.matchAll(pattern)].reduce((total, [, count]) => total + Number(count), 0)
  const calls = [...info.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)].filter(([, name = '']) => !NOT_COUNTED.has(name))
  return {
    commands: calls.reduce((total, [, , count]) => total + Number(count), 0),
    bytes: sum(/^total_net_(?:input|output)_bytes:(\d+)/gm),
    writes,
    heap: process.memoryUsage().heapUsed,
  }
}

/** Does the work twice, and counts the second time: the first one compiles it. */
async function countsOf(server: Server, messages: number, work: () => Promise<void>): Promise<Counts> {
  await work()
  collect?.()
  const before = await spent(server)
  await work()
  const after = await spent(server)
  const grown = (name: keyof typeof before, own = 0) => (after[name] - before[name] - own) / messages
  return {
    commands: grown('commands'),
    roundTrips: grown('writes', OWN_WRITES),
    redisBytes: grown('bytes'),
    allocatedBytes: grown('heap'),
  }
}

/** A webhook through the API's route, until it is answered. */
async function webhooks(server: Server): Promise<Counts> {
  const batcher = new Batcher({
    redis: server.url,
    prefix: 'webhooks',
    quietGapMs: 600_000,
    maxWaitMs: 3_600_000,
    batchTtlMs: 7_200_000,
  })
  await batcher.open()
  const metrics = new Metrics('guard')
  const app = createApp({ batcher, log: silent, providers: {}, metrics, raw: false, apiToken: 'guard' })
  const api = await listen(app, { host: '127.0.0.1', port: 0 })
  const socket = connect(Number(new URL(api.url).port), '127.0.0.1')
  await once(socket, 'connect')
  let sent = 0
  const counts = await countsOf(server, WEBHOOKS, async () => {
    for (let i = 0; i < WEBHOOKS; i++) {
      const text = body(`7999${i % 100}`, `wamid.${++sent}`)
      socket.write(
        `POST /webhook/whatsapp/batched/meta HTTP/1.1\r\nhost: l\r\ncontent-type: application/json\r\ncontent-length: ${text.length}\r\n\r\n${text}`,
      )
      const [reply] = await once(socket, 'data')
      if (!String(reply).includes('"accepted":1')) throw new Error(`the webhook was answered ${reply}`)
    }
  })
  socket.destroy()
  await api.close(0)
  await batcher.close()
  return counts
}

interface Receiver {
  to: Destination
  stop(): Promise<unknown>
}

/** Four messages one after another, until the answer of their batch is noted. */
async function batches(server: Server, prefix: string, { to, stop }: Receiver): Promise<Counts> {
  const rules = { redis: server.url, prefix, quietGapMs: GAP_MS }
  const batcher = new Batcher(rules)
  await batcher.open()
  let noted = () => {}
  const processor = new Processor({ ...rules, ...to, observer: { answered: () => noted() } })
  await processor.start()
  let sent = 0
  const counts = await countsOf(server, BATCHES * A_BATCH, async () => {
    for (let i = 0; i < BATCHES; i++) {
      const end = new Promise<void>(resolve => {
        noted = resolve
      })
      for (let j = 0; j < A_BATCH; j++)
        await batcher.append(`chat-${i}`, { messageId: `m${++sent}`, text: 'x'.repeat(100) })
      await end
    }
  })
  await processor.stop()
  await stop()
  await batcher.close()
  return counts
}

const aFunction = async (): Promise<Receiver> => ({ to: { handle: async () => {} }, stop: async () => {} })

async function aQueue({ url }: Server): Promise<Receiver> {
  const worker = new QueueWorker({
    redis: url,
    queue: 'guard',
    prefix: 'bull',
    concurrency: 16,
    log: silent,
    answerTimeoutMs: 60_000,
    handle: async () => {},
  })
  await worker.start()
  return { to: { handover: bullmq({ queue: 'guard' }) }, stop: () => worker.stop({ timeoutMs: 1000 }) }
}

const server = await startRedis()
redisPort = Number(new URL(server.url).port)
const measured: Measured = {
  webhook: await webhooks(server),
  'whole life, function': await batches(server, 'function', await aFunction()),
  'whole life, BullMQ': await batches(server, 'queue', await aQueue(server)),
}
await stopServers()
process.stdout.write(JSON.stringify(measured))
process.exit(0)
