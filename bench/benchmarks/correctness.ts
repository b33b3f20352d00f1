/**
 * Counts messages lost, bursts split and answers at once under the same load for all peers: bursts of four messages, a
 * second burst while the first one is being answered, and a consumer that is killed during its work and restarted.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { Child, replies, type Seen, type Work } from '../children.js'
import { figuresOf, type Result, Rows, shown } from '../figures.js'
import { BULLMQ, GRAPHILE, LULL, LULL_BULLMQ, SCAN, TEXTBOOK } from '../peers/all.js'
import { startRedis } from '../servers.js'
import { type Plan, settingsFor, turns } from './benchmark.js'

const GAP_MS = 300
const WORK_MS = 800
const LEASE_MS = 1500
const BURST = 4
const BETWEEN_MS = 40
/** After the first burst is due, during its answer. */
const SECOND_BURST_MS = GAP_MS + 200
const KILLED_AFTER_MS = 900
/** Until the claims of the killed consumer come back. */
const SETTLE_MS = 7000

interface Answer extends Seen {
  endedAtMs: number
}

export async function correctnessBenchmark(plan: Plan): Promise<Result[]> {
  const all = [LULL, LULL_BULLMQ, BULLMQ, TEXTBOOK, SCAN, ...(plan.postgres ? [GRAPHILE] : [])]
  const names = plan.quick ? [LULL, BULLMQ] : all
  const conversations = plan.quick ? 20 : 200
  const rounds = plan.quick ? 1 : plan.rounds
  const rows = new Rows()
  for (let round = 0; round < rounds; round++)
    for (const name of turns(names, round)) {
      plan.say(`correctness, round ${round + 1}: ${name}`)
      rows.add(name, await oneRound(name, conversations, plan.postgres, `k${process.pid}-${round}-`))
    }
  rows.rows.sort((a, b) => names.indexOf(a.name) - names.indexOf(b.name))
  const wrong = [LULL, LULL_BULLMQ]
    .flatMap(name => ['lost', 'split', 'atOnce'].flatMap(key => figuresOf(rows.rows, name, key)))
    .reduce((sum, count) => sum + count, 0)
  return [
    {
      id: 'correctness',
      title: 'Correctness under the same load',
      about:
        `${shown(conversations)} conversations, two bursts of ${BURST} messages each, ${BETWEEN_MS} ms apart; gap ${GAP_MS} ms; ` +
        `an answer takes ${WORK_MS} ms, and the second burst comes during the first answer. The consumer is killed once with ` +
        `answers running (\`SIGKILL\`) and started again; leases and locks last ${LEASE_MS / 1000} s, and Lull checks for missed answers as often (30 s by default). ` +
        `Lost: messages for which no answer has ended ${SETTLE_MS / 1000} s later.`,
      columns: [
        { key: 'lost', title: 'messages lost' },
        { key: 'split', title: 'bursts split' },
        { key: 'atOnce', title: 'answers of one conversation at once' },
      ],
      rows: rows.rows,
      against: BULLMQ,
      aims: [{ text: 'Lull: nothing lost, split or at once', found: shown(wrong), met: wrong === 0 }],
      draw: { key: 'lost', unit: 'messages' },
    },
  ]
}

async function oneRound(name: string, conversations: number, postgres: string | undefined, prefix: string) {
  const server = await startRedis()
  const answers: Answer[] = []
  const began: Seen[] = []
  const onWork = ({ began: batch, ended }: Work) => {
    if (batch) began.push(batch)
    if (ended) answers.push(ended)
  }
  const settings = {
    ...settingsFor(server.url, {
      gapMs: GAP_MS,
      concurrency: 1000,
      leaseMs: LEASE_MS,
      ...(postgres ? { postgres } : {}),
    }),
    workMs: WORK_MS,
  }
  const producer = await Child.start('producer', name, settings)
  const consumer = await Child.start('consumer', name, settings, onWork)
  const ids = Array.from({ length: conversations }, (_, i) => `${prefix}${i}`)
  const startedAtMs = Date.now()
  const again = (async () => {
    await delay(KILLED_AFTER_MS)
    await consumer.kill()
    return Child.start('consumer', name, settings, onWork)
  })()
  await burst(producer, ids, 'a')
  await delay(Math.max(0, startedAtMs + BURST * BETWEEN_MS + SECOND_BURST_MS - Date.now()))
  await burst(producer, ids, 'b')
  const second = await again
  await delay(SETTLE_MS)
  await Promise.all([producer.stop(), second.stop()])
  await server.stop()
  return verdict(ids, answers, began)
}

async function burst(producer: Child, ids: string[], name: string): Promise<void> {
  for (let i = 0; i < BURST; i++) {
    await producer.ask({ kind: 'append', messages: ids.map(id => [id, `${name}${i}`, `${name}${i}`]) }, replies.nothing)
    await delay(BETWEEN_MS)
  }
}

function verdict(ids: string[], answers: Answer[], began: Seen[]) {
  let lost = 0
  let split = 0
  let atOnce = 0
  for (const id of ids) {
    const mine = answers.filter(({ conversation }) => conversation === id).toSorted((a, b) => a.atMs - b.atMs)
    const texts = new Set(mine.flatMap(answer => answer.texts))
    lost += 2 * BURST - texts.size
    for (const name of ['a', 'b'])
      if (
        isSplit(
          began.filter(({ conversation }) => conversation === id),
          name,
        )
      )
        split++
    for (const [i, answer] of mine.entries()) if (answer.atMs < (mine[i - 1]?.endedAtMs ?? 0)) atOnce++
  }
  return { lost, split, atOnce }
}

/** Whether a batch had only a part of the burst. (A batch that came again after the kill has all of it.) */
function isSplit(batches: Seen[], name: string): boolean {
  const parts = batches.map(({ texts }) => new Set(texts.filter(text => text.startsWith(name))).size)
  return parts.some(size => size > 0 && size < BURST)
}
