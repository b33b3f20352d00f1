/**
 * A whole life at a steady rate, on one Redis and on three primaries. At full speed many messages share a call; at a low
 * rate each has its own, as it has between any two of many processes and primaries.
 */
import { type Result, Rows } from '../figures.js'
import { LULL, LULL_BULLMQ } from '../peers/all.js'
import { measuredRound, warmUp } from '../steady-life.js'
import { ON_CLUSTER, ON_ONE, type Place, shownPlace, withSystem } from '../systems.js'
import { type Plan, turns } from './benchmark.js'

const RATES = [500, 2000]

interface Case {
  system: string
  place: Place
}

const cases: Case[] = [ON_ONE, ON_CLUSTER].flatMap(place => [LULL, LULL_BULLMQ].map(system => ({ system, place })))

const nameOf = ({ system, place }: Case, perSecond: number) =>
  `${system}${shownPlace(place)}, ${perSecond.toLocaleString('en')} a second`

export async function steadyBenchmark(plan: Plan): Promise<Result[]> {
  const seconds = plan.quick ? 3 : 8
  const rates = plan.quick ? RATES.slice(0, 1) : RATES
  const rows = new Rows()
  for (let round = 0; round < plan.rounds; round++)
    for (const one of turns(cases, round)) {
      plan.say(`steady, round ${round + 1}: ${one.system}${shownPlace(one.place)}`)
      await withSystem(one.system, one.place, async (server, system) => {
        await warmUp(system)
        for (const perSecond of rates) {
          const figures = await measuredRound(server, system, { perSecond, seconds })
          const { api = 0, processor = 0, worker = 0, redis = 0 } = figures
          const totalUs = api + processor + redis + (Number.isNaN(worker) ? 0 : worker)
          rows.add(nameOf(one, perSecond), { ...figures, totalUs })
        }
      })
    }
  const names = rates.flatMap(rate => cases.map(one => nameOf(one, rate)))
  return [
    {
      id: 'steady',
      title: 'Whole life at a steady rate',
      about:
        `Webhooks of one message each at even intervals for ${seconds} s, four a conversation within a second, gap 1.5 s, no work ` +
        'in the answers. Kept: the rate of messages that the machine came to, the load generator included. Left: when the last batch was answered, ' +
        'after its gap.',
      columns: [
        { key: 'totalUs', title: 'CPU a message, µs', ratio: true },
        { key: 'api', title: 'API, µs' },
        { key: 'processor', title: 'processor, µs' },
        { key: 'worker', title: 'worker, µs' },
        { key: 'redis', title: 'Redis (all primaries), µs' },
        { key: 'perSecond', title: 'kept, a second' },
        { key: 'p99Ms', title: 'webhook p99, ms', digits: 1 },
        { key: 'leftMs', title: 'left, ms' },
      ],
      rows: rows.rows.toSorted((a, b) => names.indexOf(a.name) - names.indexOf(b.name)),
      against: names[0] ?? '',
      aims: [],
      draw: { key: 'totalUs', unit: 'µs of CPU a message' },
    },
  ]
}
