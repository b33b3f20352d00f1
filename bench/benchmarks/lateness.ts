/** How late releases are, compared with the peers: by open conversations, and by other keys with a TTL. */
import type { Column, Result } from '../figures.js'
import { figuresOf, median, Rows, ratio, shown } from '../figures.js'
import { BULLMQ, GRAPHILE, LULL, LULL_BULLMQ, SCAN, TEXTBOOK } from '../peers/all.js'
import { populate, type Server } from '../servers.js'
import { type Plan, turns } from './benchmark.js'
import { GAP_MS, lateness, redisWithOpen, WAIT_MS } from './measure.js'

const PER_SECOND = 1000
/** graphile-worker cannot take more here: its figures are from a lighter load. */
const GRAPHILE_PER_SECOND = 200
const COLUMNS: Column[] = [
  { key: 'p50', title: 'p50, ms', digits: 1 },
  { key: 'p99', title: 'p99, ms', digits: 1, ratio: true },
  { key: 'max', title: 'max, ms', digits: 1 },
  { key: 'visible', title: 'p99 of the job being visible, ms', digits: 1, ratio: true },
  { key: 'missing', title: `not there after ${WAIT_MS / 1000} s, %`, digits: 1 },
]

const cases = ({ quick }: Plan) =>
  quick
    ? [{ open: 1000, unrelated: 100_000 }]
    : [
        { open: 100_000, unrelated: 1_000_000 },
        { open: 1000, unrelated: 0 },
        { open: 10_000, unrelated: 0 },
        { open: 100_000, unrelated: 0 },
      ]

export async function latenessBenchmark(plan: Plan): Promise<Result[]> {
  const results: Result[] = []
  for (const surroundings of cases(plan)) results.push(await among(plan, surroundings))
  return results
}

async function among(plan: Plan, { open, unrelated }: { open: number; unrelated: number }): Promise<Result> {
  const names = [LULL, LULL_BULLMQ, BULLMQ, TEXTBOOK, ...(plan.quick ? [] : [SCAN])]
  const servers = new Map<string, Server>()
  // Other keys in Redis do not affect PostgreSQL.
  if (plan.postgres && unrelated === 0) names.push(GRAPHILE)
  for (const name of names) {
    plan.say(`${name}: ${shown(open)} open conversations, ${shown(unrelated)} other keys`)
    const server = await redisWithOpen(name, name === GRAPHILE ? Math.min(open, 10_000) : open, plan.postgres)
    await populate(server.admin, unrelated)
    servers.set(name, server)
  }
  const rows = new Rows()
  for (let round = 0; round < plan.rounds; round++)
    for (const name of turns(names, round)) {
      const server = servers.get(name)
      if (!server) continue
      plan.say(`round ${round + 1}: ${name}`)
      const perSecond = name === GRAPHILE ? GRAPHILE_PER_SECOND : PER_SECOND
      const count = perSecond * (plan.quick ? 1 : 2)
      rows.add(name, await lateness(name, server, { perSecond, count }, plan.postgres))
    }
  for (const server of servers.values()) await server.stop()
  rows.rows.sort((a, b) => names.indexOf(a.name) - names.indexOf(b.name))
  const p99 = median(figuresOf(rows.rows, LULL, 'p99'))
  const visible = 1 / ratio(rows.rows, LULL_BULLMQ, BULLMQ, 'visible')
  const inHand = 1 / ratio(rows.rows, LULL_BULLMQ, BULLMQ, 'p99')
  return {
    id: `lateness-${open}-${unrelated}`,
    title: `Lateness: ${shown(open)} open conversations, ${shown(unrelated)} other keys with a TTL`,
    about:
      `From the due time to the call of the handler, ${shown(PER_SECOND)} releases a second ` +
      `(graphile-worker: ${GRAPHILE_PER_SECOND}), gap ${GAP_MS / 1000} s, one producer and one consumer process. ` +
      'Lull → BullMQ: to the call of a queue worker’s handler. A job is visible from the time of the queue’s event that it waits ' +
      'for a worker, by Redis’s clock.',
    columns: COLUMNS,
    rows: rows.rows,
    against: BULLMQ,
    aims: [
      {
        text: `in hand: p99 ≤ 5 ms at ${shown(PER_SECOND)} releases a second`,
        found: `${shown(p99, 1)} ms`,
        met: p99 <= 5,
      },
      {
        text: 'job visible in the queue: ≥ 5× below BullMQ + list at p99',
        found: `${shown(visible, 1)}× (in the worker’s hands ${shown(inHand, 1)}×)`,
        met: visible >= 5,
      },
    ],
    draw: { key: 'p99', unit: 'ms', log: true },
  }
}

/** By releases a second, with one processor. Producer, processor and Redis share one machine. */
export async function ratesBenchmark(plan: Plan): Promise<Result[]> {
  // It takes some minutes, and a few rounds say little.
  if (plan.quick) return []
  const rates = [1000, 2500, 5000, 10_000]
  const name = (perSecond: number) => `${shown(perSecond)} a second`
  const server = await redisWithOpen(LULL, 10_000)
  const rows = new Rows()
  for (let round = 0; round < plan.rounds; round++)
    for (const perSecond of turns(rates, round)) {
      plan.say(`round ${round + 1}: ${name(perSecond)}`)
      rows.add(name(perSecond), await lateness(LULL, server, { perSecond, count: perSecond * 2 }))
    }
  await server.stop()
  rows.rows.sort(
    (a, b) => rates.findIndex(rate => name(rate) === a.name) - rates.findIndex(rate => name(rate) === b.name),
  )
  const p99 = median(figuresOf(rows.rows, name(10_000), 'p99'))
  return [
    {
      id: 'lateness-rates',
      title: 'Lateness by releases a second',
      about:
        'Lull, 10,000 open conversations, one processor; as many messages come in as batches go out, on the same machine.',
      columns: COLUMNS.filter(({ key }) => key !== 'visible'),
      rows: rows.rows,
      against: name(1000),
      aims: [{ text: 'p99 ≤ 20 ms at 10,000 releases a second', found: `${shown(p99, 1)} ms`, met: p99 <= 20 }],
      draw: { key: 'p99', unit: 'ms', log: true },
    },
  ]
}
