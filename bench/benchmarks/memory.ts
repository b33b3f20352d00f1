/**
 * The memory in Redis of an open conversation with four messages, of a batch that is being answered, by `answering`,
 * and of a batch whose job is completed.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { Worker } from 'bullmq'
import { Batcher, bullmq, Processor } from '../../dist/esm/index.js'
import { Child, replies } from '../children.js'
import { figuresOf, median, type Result, Rows, ratio, shown } from '../figures.js'
import { BULLMQ, LULL, RPUSH } from '../peers/all.js'
import { type Server, startRedis } from '../servers.js'
import { HOUR_MS, type Plan, settingsFor, turns } from './benchmark.js'

const MESSAGES = 4
const IN_FLIGHT = 256
const CLOSED_MS = 500
const WARM_UP_CONVERSATIONS = 100

export const memoryBenchmark = async (plan: Plan): Promise<Result[]> => [
  await openMemory(plan),
  await heldMemory(plan),
  await jobMemory(plan),
]

const usedBy = async ({ admin }: Server) => Number(/^used_memory:(\d+)/m.exec(await admin.info('memory'))?.[1])

async function openMemory(plan: Plan): Promise<Result> {
  const names = [RPUSH, LULL, BULLMQ]
  const conversations = plan.quick ? 1000 : 5000
  const rows = new Rows()
  const server = await startRedis()
  for (let round = 0; round < plan.rounds; round++)
    for (const name of turns(names, round)) {
      plan.say(`memory, round ${round + 1}: ${name}`)
      // What Redis allocates once: scripts, and a histogram for each command.
      await fill(server, name, WARM_UP_CONVERSATIONS)
      await server.admin.flushall()
      const before = await usedBy(server)
      await fill(server, name, conversations)
      rows.add(name, { bytes: ((await usedBy(server)) - before) / conversations })
      await server.admin.flushall()
    }
  await server.stop()
  rows.rows.sort((a, b) => names.indexOf(a.name) - names.indexOf(b.name))
  const share = ratio(rows.rows, LULL, BULLMQ, 'bytes')
  return {
    id: 'memory',
    title: 'Memory: an open conversation of four messages of 100 bytes',
    about:
      `${shown(conversations)} conversations; \`used_memory\` before and after, without connections. RPUSH stores only the texts. ` +
      'Lull’s figure includes the history (at most about 10,000 entries, however many conversations there are).',
    columns: [{ key: 'bytes', title: 'bytes a conversation', ratio: true }],
    rows: rows.rows,
    against: BULLMQ,
    aims: [{ text: 'less than BullMQ + list', found: shown(share, 2), met: share < 1 }],
    draw: { key: 'bytes', unit: 'bytes' },
  }
}

/** The connections are closed then: their buffers are as large as the flood was dense. */
async function fill({ url }: Server, name: string, conversations: number): Promise<void> {
  const child = await Child.start('producer', name, settingsFor(url, { gapMs: HOUR_MS }))
  const count = conversations * MESSAGES
  await child.ask({ kind: 'flood', prefix: 'c', count, conversations, inFlight: IN_FLIGHT }, replies.figure)
  await child.stop()
  await delay(CLOSED_MS)
}

const ANSWERINGS = ['queue', 'supersede'] as const
const RUNS = [1, MESSAGES].flatMap(messages => ANSWERINGS.map(answering => ({ answering, messages })))
const nameOf = ({ answering, messages }: (typeof RUNS)[number]) =>
  `${answering}, ${messages} ${messages === 1 ? 'message' : 'messages'}`
/** As a processor claims. */
const BATCHES_A_CLAIM = 200
const BYTES_A_CLAIM = 1024 * 1024
const TEXT = 'x'.repeat(100)

async function heldMemory(plan: Plan): Promise<Result> {
  const batches = plan.quick ? 2000 : 20_000
  const rows = new Rows()
  const server = await startRedis()
  for (let round = 0; round < plan.rounds; round++)
    for (const run of RUNS) {
      plan.say(`memory of answers, round ${round + 1}: ${nameOf(run)}`)
      rows.add(nameOf(run), await bytesOfAnswers(server, batches, run))
      await server.admin.flushall()
    }
  await server.stop()
  return {
    id: 'memory-answers',
    title: 'Memory: a batch that is being answered',
    about:
      `${shown(batches)} batches with messages of 100 bytes; \`used_memory\` before and after. The digests of the ` +
      'messages’ ids, which are kept for a day, and the history are in each figure.',
    columns: [
      { key: 'handedOver', title: 'bytes a batch: handed over', ratio: true },
      { key: 'committed', title: 'committed' },
      { key: 'answered', title: 'answered' },
    ],
    rows: rows.rows,
    against: nameOf(RUNS[0] ?? { answering: 'queue', messages: 1 }),
    aims: [],
    draw: { key: 'handedOver', unit: 'bytes' },
  }
}

/** Appends, claims, acknowledges, commits and answers that many batches. Resolves to the bytes of a batch at each step. */
async function bytesOfAnswers(server: Server, batches: number, { answering, messages }: (typeof RUNS)[number]) {
  const batcher = new Batcher({ redis: server.url, answering, quietGapMs: 10, answerTimeoutMs: HOUR_MS })
  const { store } = batcher
  await batcher.open()
  const before = await usedBy(server)
  const bytes = async () => ((await usedBy(server)) - before) / batches
  await inParts(batches, i =>
    batcher.append(
      `c${i}`,
      Array.from({ length: messages }, (_, j) => ({ messageId: `${i}-${j}`, text: TEXT })),
    ),
  )
  const ids: string[] = []
  while (ids.length < batches) {
    const claimed = await store.claim({ owner: 'bench', maxBatches: BATCHES_A_CLAIM, maxBytes: BYTES_A_CLAIM })
    const batchIds = claimed.batches.map(({ batchId }) => batchId)
    if (batchIds.length > 0) await store.ack(batchIds)
    ids.push(...batchIds)
  }
  const handedOver = await bytes()
  await inParts(batches, i => store.commit(ids[i] ?? ''))
  const committed = await bytes()
  await inParts(batches, i => batcher.answered(ids[i] ?? ''))
  const answered = await bytes()
  await batcher.close()
  return { handedOver, committed, answered }
}

const JOB_TEXTS = ['erase', 'keep'] as const
const JOB_RUNS = [1, MESSAGES].flatMap(messages => JOB_TEXTS.map(jobTexts => ({ jobTexts, messages })))
const jobRunName = ({ jobTexts, messages }: (typeof JOB_RUNS)[number]) =>
  `${jobTexts}, ${messages} ${messages === 1 ? 'message' : 'messages'}`
const MOST_JOB_BYTES = 600

async function jobMemory(plan: Plan): Promise<Result> {
  const batches = plan.quick ? 5000 : 20_000
  const rows = new Rows()
  const server = await startRedis()
  for (let round = 0; round < plan.rounds; round++)
    for (const run of JOB_RUNS) {
      plan.say(`memory of answered jobs, round ${round + 1}: ${jobRunName(run)}`)
      rows.add(jobRunName(run), await bytesOfJobs(server, batches, run))
      await server.admin.flushall()
    }
  await server.stop()
  const erased = jobRunName({ jobTexts: 'erase', messages: 1 })
  const found = median(figuresOf(rows.rows, erased, 'bytes'))
  return {
    id: 'memory-jobs',
    title: 'Memory: a batch whose job is completed, by LULL_JOB_TEXTS',
    about:
      `${shown(batches)} batches with messages of 100 bytes, in ${shown(CONVERSATIONS_OF_JOBS)} conversations; ` +
      '`used_memory` before and after, when the history and BullMQ’s event stream are full. The queue keeps the job ' +
      'for a day, and Lull the digests of the ids.',
    columns: [{ key: 'bytes', title: 'bytes a batch', ratio: true }],
    rows: rows.rows,
    against: jobRunName({ jobTexts: 'keep', messages: 1 }),
    aims: [{ text: `one message: at most ${MOST_JOB_BYTES} bytes`, found: shown(found), met: found <= MOST_JOB_BYTES }],
    draw: { key: 'bytes', unit: 'bytes' },
  }
}

/** So that a conversation has some batches, as in a day of a service. */
const CONVERSATIONS_OF_JOBS = 1000
const WARM_UP = 5000
/** Longer than the texts of completed jobs are kept. */
const SETTLED_MS = 3000

/** Sends that many batches through a processor, the queue and a worker, and waits until their jobs are erased. */
async function bytesOfJobs(server: Server, batches: number, { jobTexts, messages }: (typeof JOB_RUNS)[number]) {
  const options = { redis: server.url, quietGapMs: 10, maxMessages: messages, order: 'concurrent' } as const
  const batcher = new Batcher(options)
  await batcher.open()
  const processor = new Processor({ ...options, handover: bullmq({ jobTexts }) })
  await processor.start()
  const worker = new Worker('messages', async () => {}, { connection: { url: server.url }, concurrency: 100 })
  worker.on('error', error => process.stderr.write(`${error.message}\n`))
  const send = (from: number, count: number) =>
    inParts(count, i =>
      batcher.append(
        `7900${(from + i) % CONVERSATIONS_OF_JOBS}@c.us`,
        Array.from({ length: messages }, (_, j) => ({ messageId: `wamid.${from + i}-${j}`, text: TEXT })),
      ),
    )
  const completed = async (count: number) => {
    while ((await server.admin.zcard('bull:messages:completed')) < count) await delay(100)
  }
  // Fills what is bounded: the history, the event stream, scripts, buffers of connections.
  await send(0, WARM_UP)
  await completed(WARM_UP)
  await delay(SETTLED_MS)
  const before = await usedBy(server)
  await send(WARM_UP, batches)
  await completed(WARM_UP + batches)
  await delay(SETTLED_MS)
  const bytes = ((await usedBy(server)) - before) / batches
  await processor.stop()
  await worker.close()
  await batcher.close()
  return { bytes }
}

async function inParts(count: number, work: (i: number) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < count; from += IN_FLIGHT)
    await Promise.all(Array.from({ length: Math.min(IN_FLIGHT, count - from) }, (_, i) => work(from + i)))
}
