/** The CPU that all processes spend on a message, from its webhook to the answer of its batch. */
import { type Result, Rows, ratio, shown } from '../figures.js'
import { BULLMQ, LULL, LULL_BULLMQ } from '../peers/all.js'
import { cpuMsOf } from '../programs.js'
import { type Server, spentOn } from '../servers.js'
import { warmUp } from '../steady-life.js'
import {
  A_BATCH,
  answered,
  byRole,
  ON_CLUSTER,
  ON_ONE,
  type Place,
  ROLES,
  type System,
  shownPlace,
  systems,
  withSystem,
} from '../systems.js'
import { inTurn, load } from '../webhooks.js'
import { type Plan, turns } from './benchmark.js'

interface Case {
  system: string
  place: Place
}

const cases: Case[] = [
  ...Object.keys(systems).map(system => ({ system, place: ON_ONE })),
  { system: LULL, place: ON_CLUSTER },
  { system: LULL_BULLMQ, place: ON_CLUSTER },
]

const nameOf = ({ system, place }: Case) => `${system}${shownPlace(place)}`

export async function lifeBenchmark(plan: Plan): Promise<Result[]> {
  const names = cases.map(nameOf)
  const messages = plan.quick ? 2000 : 6000
  const rows = new Rows()
  for (let round = 0; round < plan.rounds; round++)
    for (const one of turns(cases, round)) {
      plan.say(`whole life, round ${round + 1}: ${nameOf(one)}`)
      const measured = async (server: Server, system: System) => {
        await warmUp(system, plan.quick ? 1 : undefined)
        return oneRound(server, system, messages)
      }
      rows.add(nameOf(one), await withSystem(one.system, one.place, measured))
    }
  rows.rows.sort((a, b) => names.indexOf(a.name) - names.indexOf(b.name))
  const speed = (name: string) => ratio(rows.rows, name, BULLMQ, 'perCpuSecond')
  const aim = (name: string, atLeast: number) => ({
    text: `${name}: ≥ ${atLeast}× messages a second at the same CPU`,
    found: `${shown(speed(name), 2)}×`,
    met: speed(name) >= atLeast,
  })
  return [
    {
      id: 'life',
      title: 'Whole life: from the webhook to the answer',
      about:
        `${shown(messages)} webhooks of one message each, ${A_BATCH} a conversation, then the answers of all batches (no work in ` +
        'them). Each system in processes of its own as one runs it; CPU includes all of them and Redis, but not the load generator. Logs off.',
      columns: [
        { key: 'perCpuSecond', title: 'messages a second of all CPU', ratio: true },
        { key: 'totalUs', title: 'CPU a message, µs' },
        { key: 'api', title: 'API, µs' },
        { key: 'processor', title: 'processor, µs' },
        { key: 'worker', title: 'worker, µs' },
        { key: 'redisUs', title: 'Redis, µs' },
        { key: 'commands', title: 'Redis commands a message, including those in scripts', digits: 1 },
      ],
      rows: rows.rows,
      against: BULLMQ,
      aims: [aim(LULL, 1.5), aim(LULL_BULLMQ, 1.1)],
      draw: { key: 'totalUs', unit: 'µs of CPU a message' },
    },
  ]
}

async function oneRound(server: Server, system: System, messages: number): Promise<Record<string, number>> {
  const before = await byRole(system, cpuMsOf)
  const redisBefore = await spentOn(server)
  const served = await load(system.url, { conversationOf: inTurn(messages / A_BATCH), amount: messages })
  if (served.failed > 0) throw new Error(`${served.failed} webhooks were refused`)
  const own = await answered(system)
  const redisAfter = await spentOn(server)
  const after = await byRole(system, cpuMsOf)
  const each = ROLES.map(
    role => [role, (((after[role] ?? Number.NaN) - (before[role] ?? 0)) * 1000) / messages] as const,
  )
  const redisUs = (redisAfter.cpuUs - redisBefore.cpuUs) / messages
  const totalUs = each.reduce((sum, [, us]) => sum + (Number.isNaN(us) ? 0 : us), redisUs)
  return {
    ...Object.fromEntries(each),
    redisUs,
    totalUs,
    perCpuSecond: 1e6 / totalUs,
    commands: (redisAfter.commands - redisBefore.commands - own) / messages,
  }
}
