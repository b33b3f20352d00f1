/** The CPU that all processes spend on a message, from its webhook to the answer of its batch. */
import { type Result, Rows, ratio, shown } from '../figures.js'
import { BULLMQ, LULL, LULL_BULLMQ } from '../peers/all.js'
import { cpuMsOf } from '../programs.js'
import { spentOn, startBenchCluster, startRedis } from '../servers.js'
import { A_BATCH, answered, byRole, ROLES, systems } from '../systems.js'
import { inTurn, load } from '../webhooks.js'
import { type Plan, turns } from './benchmark.js'

const PARTITIONS = 64
/**
 * After one load a processor or worker has run its code only 1,500 times (a batch is four messages), and still compiles
 * it.
 */
const WARM_LOADS = 4

interface Case {
  system: string
  isCluster: boolean
}

const cases: Case[] = [
  ...Object.keys(systems).map(system => ({ system, isCluster: false })),
  { system: LULL, isCluster: true },
  { system: LULL_BULLMQ, isCluster: true },
]

const nameOf = ({ system, isCluster }: Case) =>
  isCluster ? `${system}, 3 primaries, ${PARTITIONS} partitions` : system

export async function lifeBenchmark(plan: Plan): Promise<Result[]> {
  const names = cases.map(nameOf)
  const messages = plan.quick ? 2000 : 6000
  const rows = new Rows()
  for (let round = 0; round < plan.rounds; round++)
    for (const one of turns(cases, round)) {
      plan.say(`whole life, round ${round + 1}: ${nameOf(one)}`)
      rows.add(nameOf(one), await oneRound(one, messages, plan.quick ? 1 : WARM_LOADS))
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

async function oneRound(
  { system: name, isCluster }: Case,
  messages: number,
  warmLoads: number,
): Promise<Record<string, number>> {
  const server = await (isCluster ? startBenchCluster() : startRedis())
  const system = await systems[name]?.(server, { partitions: isCluster ? PARTITIONS : undefined })
  if (!system) throw new Error(`no system is called ${name}`)
  const options = { conversationOf: inTurn(messages / A_BATCH), amount: messages }
  // Warm up, so that all connections are open before the measurement.
  for (let i = 0; i < warmLoads; i++) {
    await load(system.url, options)
    await answered(system)
  }
  const before = await byRole(system, cpuMsOf)
  const redisBefore = await spentOn(server)
  const served = await load(system.url, options)
  if (served.failed > 0) throw new Error(`${name}: ${served.failed} webhooks were refused`)
  const own = await answered(system)
  const redisAfter = await spentOn(server)
  const after = await byRole(system, cpuMsOf)
  await system.stop()
  await server.stop()
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
