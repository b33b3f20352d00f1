/**
 * The memory in Redis of an open conversation with four messages, and of a batch that is being answered, by
 * `answering`.
 */
import { Batcher } from '../../dist/esm/index.js'
import { Child, replies } from '../children.js'
import { type Result, Rows, ratio, shown } from '../figures.js'
import { BULLMQ, LULL, RPUSH } from '../peers/all.js'
import { type Server, startRedis } from '../servers.js'
import { HOUR_MS, type Plan, settingsFor, turns } from './benchmark.js'

const MESSAGES = 4
const IN_FLIGHT = 256

export const memoryBenchmark = async (plan: Plan): Promise<Result[]> => [await openMemory(plan), await heldMemory(plan)]

const usedBy = async ({ admin }: Server) => Number(/^used_memory:(\d+)/m.exec(await admin.info('memory'))?.[1])

async function openMemory(plan: Plan): Promise<Result> {
  const names = [RPUSH, LULL, BULLMQ]
  const conversations = plan.quick ? 1000 : 5000
  const rows = new Rows()
  const server = await startRedis()
  for (let round = 0; round < plan.rounds; round++)
    for (const name of turns(names, round)) {
      plan.say(`memory, round ${round + 1}: ${name}`)
      const child = await Child.start('producer', name, settingsFor(server.url, { gapMs: HOUR_MS }))
      const before = await usedBy(server)
      const count = conversations * MESSAGES
      await child.ask({ kind: 'flood', prefix: 'c', count, conversations, inFlight: IN_FLIGHT }, replies.figure)
      rows.add(name, { bytes: ((await usedBy(server)) - before) / conversations })
      await child.stop()
      await server.admin.flushall()
    }
  await server.stop()
  rows.rows.sort((a, b) => names.indexOf(a.name) - names.indexOf(b.name))
  const share = ratio(rows.rows, LULL, BULLMQ, 'bytes')
  return {
    id: 'memory',
    title: 'Memory: an open conversation of four messages of 100 bytes',
    about:
      `${shown(conversations)} conversations; \`used_memory\` before and after. RPUSH stores only the texts. ` +
      'Lull’s figure includes the history (at most about 10,000 entries, however many conversations there are).',
    columns: [{ key: 'bytes', title: 'bytes a conversation', ratio: true }],
    rows: rows.rows,
    against: BULLMQ,
    aims: [{ text: 'less than BullMQ + list', found: shown(share, 2), met: share < 1 }],
    draw: { key: 'bytes', unit: 'bytes' },
  }
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

async function inParts(count: number, work: (i: number) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < count; from += IN_FLIGHT)
    await Promise.all(Array.from({ length: Math.min(IN_FLIGHT, count - from) }, (_, i) => work(from + i)))
}
