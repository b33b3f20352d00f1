/** Whether a message costs more, or a batch comes later, as the system grows: Lull compared with itself. */
import { type Result, type Row, Rows, ratio, shown } from '../figures.js'
import { LULL } from '../peers/all.js'
import type { Server } from '../servers.js'
import { type Plan, turns } from './benchmark.js'
import { lateness, redisWithOpen } from './measure.js'

const PER_SECOND = 1000
const COLUMNS = [
  { key: 'redisUs', title: 'Redis CPU a message, µs', digits: 1, ratio: true },
  { key: 'p50', title: 'p50 late, ms', digits: 1 },
  { key: 'p99', title: 'p99 late, ms', digits: 1, ratio: true },
]
/** The spread of p99 between rounds of equal systems. */
const LATER_MS = 2

const sorted = (rows: Row[], names: string[]) => rows.toSorted((a, b) => names.indexOf(a.name) - names.indexOf(b.name))

export async function growthBenchmark(plan: Plan): Promise<Result[]> {
  return plan.quick ? [await byOpen(plan)] : [await byOpen(plan), await byProcessors(plan)]
}

async function byOpen(plan: Plan): Promise<Result> {
  const sizes = plan.quick ? [1000, 10_000] : [1000, 10_000, 100_000, 1_000_000]
  const servers = new Map<number, Server>()
  for (const open of sizes) {
    plan.say(`growth: opening ${shown(open)} conversations`)
    servers.set(open, await redisWithOpen(LULL, open))
  }
  const name = (open: number) => `${shown(open)} open`
  const rows = new Rows()
  for (let round = 0; round < plan.rounds; round++)
    for (const open of turns(sizes, round)) {
      const server = servers.get(open)
      if (!server) continue
      plan.say(`growth, round ${round + 1}: ${name(open)}`)
      rows.add(
        name(open),
        await lateness(LULL, server, { perSecond: PER_SECOND, count: PER_SECOND * (plan.quick ? 1 : 3) }),
      )
    }
  for (const server of servers.values()) await server.stop()
  const [least = 0, most = 0] = [sizes[0], sizes.at(-1)]
  const cost = ratio(rows.rows, name(most), name(least), 'redisUs')
  return {
    id: 'growth-open',
    title: 'Growth: by open conversations',
    about: `${shown(PER_SECOND)} conversations a second of one message each, stored, released and answered, while so many others stay open.`,
    columns: COLUMNS,
    rows: sorted(rows.rows, sizes.map(name)),
    against: name(least),
    aims: [{ text: `a message costs ≤ 1.2× at ${name(most)}`, found: `${shown(cost, 2)}×`, met: cost <= 1.2 }],
    draw: { key: 'redisUs', unit: 'µs' },
  }
}

async function byProcessors(plan: Plan): Promise<Result> {
  const counts = [1, 2, 4, 8]
  const name = (processors: number) => `${processors} processor${processors === 1 ? '' : 's'}`
  const server = await redisWithOpen(LULL, 1000)
  const rows = new Rows()
  for (let round = 0; round < plan.rounds; round++)
    for (const processors of turns(counts, round)) {
      plan.say(`growth, round ${round + 1}: ${name(processors)}`)
      const load = { perSecond: PER_SECOND, count: PER_SECOND * 3, processors }
      rows.add(name(processors), await lateness(LULL, server, load))
    }
  await server.stop()
  const most = counts.at(-1) ?? 1
  const p99 = (processors: number) => rows.rows.find(row => row.name === name(processors))?.figures['p99'] ?? []
  const later = (p99(most).toSorted((a, b) => a - b)[0] ?? 0) - (p99(1).toSorted((a, b) => b - a)[0] ?? 0)
  return {
    id: 'growth-processors',
    title: 'Growth: by processors',
    about: `The same load with so many processors on the same machine.`,
    columns: COLUMNS,
    rows: sorted(rows.rows, counts.map(name)),
    against: name(1),
    aims: [
      {
        text: 'more processors never make it later (every round against every round)',
        found: later <= 0 ? 'the spreads overlap' : `${shown(later, 1)} ms later at least`,
        met: later <= LATER_MS,
      },
    ],
    draw: { key: 'p99', unit: 'ms' },
  }
}
