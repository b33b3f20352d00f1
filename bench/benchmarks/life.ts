/** The CPU that all processes spend on a message, from its webhook to the answer of its batch. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { Child } from '../children.js'
import { type Result, Rows, ratio, shown } from '../figures.js'
import { BULLMQ, LULL } from '../peers/all.js'
import { cpuMsOf, Program } from '../programs.js'
import { spentOf, startRedis } from '../servers.js'
import { load } from '../webhooks.js'
import { type Plan, settingsFor, turns } from './benchmark.js'

const LULL_BULLMQ = 'Lull → BullMQ'
const A_BATCH = 4
const GAP_MS = 1500
const LOOK_MS = 200
const WAIT_MS = 30_000
/**
 * After one load a processor or worker has run its code only 1,500 times (a batch is four messages), and still compiles
 * it.
 */
const WARM_LOADS = 4

interface System {
  url: string
  pids: Record<string, number>
  /** How many batches are not answered yet. Costs three Redis commands. */
  unanswered: (redis: Redis) => Promise<number>
  stop(): Promise<unknown>
}

/** What waits, and what is claimed or being answered. */
const unansweredByLull = async (client: Redis) =>
  (await Promise.all(['due', 'claimed', 'answering'].map(name => client.zcard(`rapid-fire.${name}`)))).reduce(
    (sum, count) => sum + count,
    0,
  )

const systems: Record<string, (redis: string) => Promise<System>> = {
  async [LULL](redis) {
    const [api, processor] = await Promise.all([
      Program.lull('api', redis, GAP_MS),
      Child.start('consumer', LULL, settingsFor(redis, { gapMs: GAP_MS })),
    ])
    return {
      url: api.url,
      pids: { api: api.pid, processor: processor.pid },
      unanswered: unansweredByLull,
      stop: () => Promise.all([api.stop(), processor.stop()]),
    }
  },
  async [LULL_BULLMQ](redis) {
    const [api, processor, worker] = await Promise.all([
      Program.lull('api', redis, GAP_MS),
      Program.lull('processor', redis, GAP_MS),
      Program.lull('worker', redis, GAP_MS),
    ])
    return {
      url: api.url,
      pids: { api: api.pid, processor: processor.pid, worker: worker.pid },
      unanswered: unansweredByLull,
      stop: () => Promise.all([api.stop(), processor.stop(), worker.stop()]),
    }
  },
  async [BULLMQ](redis) {
    const settings = settingsFor(redis, { gapMs: GAP_MS })
    const [api, worker] = await Promise.all([
      Program.route('bullmq', redis, GAP_MS),
      Child.start('consumer', BULLMQ, settings),
    ])
    return {
      url: api.url,
      pids: { api: api.pid, worker: worker.pid },
      unanswered: async client =>
        (await client.zcard('bull:flush:delayed')) +
        (await client.llen('bull:flush:wait')) +
        (await client.llen('bull:flush:active')),
      stop: () => Promise.all([api.stop(), worker.stop()]),
    }
  },
}

export async function lifeBenchmark(plan: Plan): Promise<Result[]> {
  const names = Object.keys(systems)
  const messages = plan.quick ? 2000 : 6000
  const rows = new Rows()
  for (let round = 0; round < plan.rounds; round++)
    for (const name of turns(names, round)) {
      plan.say(`whole life, round ${round + 1}: ${name}`)
      rows.add(name, await oneRound(name, messages, plan.quick ? 1 : WARM_LOADS))
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

async function oneRound(name: string, messages: number, warmLoads: number): Promise<Record<string, number>> {
  const server = await startRedis()
  const system = await systems[name]?.(server.url)
  if (!system) throw new Error(`no system is called ${name}`)
  const conversations = messages / A_BATCH
  // Warm up, so that all connections are open before the measurement.
  for (let i = 0; i < warmLoads; i++) {
    await load(system.url, { conversations, amount: messages })
    await answered(system, server.admin)
  }
  const before = await cpuOf(system)
  const redisBefore = await spentOf(server.admin)
  const served = await load(system.url, { conversations, amount: messages })
  if (served.failed > 0) throw new Error(`${name}: ${served.failed} webhooks were refused`)
  const looks = await answered(system, server.admin)
  const redisAfter = await spentOf(server.admin)
  const after = await cpuOf(system)
  await system.stop()
  await server.stop()
  const each = Object.fromEntries(
    Object.keys(system.pids).map(role => [role, (((after[role] ?? 0) - (before[role] ?? 0)) * 1000) / messages]),
  )
  const redisUs = (redisAfter.cpuUs - redisBefore.cpuUs) / messages
  const totalUs = redisUs + Object.values(each).reduce((sum, us) => sum + us, 0)
  return {
    processor: Number.NaN,
    worker: Number.NaN,
    ...each,
    redisUs,
    totalUs,
    perCpuSecond: 1e6 / totalUs,
    commands: (redisAfter.commands - redisBefore.commands - looks * 3) / messages,
  }
}

/** Waits until every batch is answered. @returns how often it has asked */
async function answered({ unanswered }: System, redis: Redis): Promise<number> {
  const deadline = Date.now() + WAIT_MS
  for (let looks = 1; Date.now() < deadline; looks++) {
    if ((await unanswered(redis)) === 0) return looks
    await delay(LOOK_MS)
  }
  throw new Error(`not all was answered within ${WAIT_MS / 1000} s`)
}

async function cpuOf({ pids }: System): Promise<Record<string, number>> {
  return Object.fromEntries(
    await Promise.all(Object.entries(pids).map(async ([role, pid]) => [role, await cpuMsOf(pid)] as const)),
  )
}
