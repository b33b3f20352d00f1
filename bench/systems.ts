/** Systems that are measured whole, from the webhook to the answer: each in processes of its own, as one runs it. */
import { setTimeout as delay } from 'node:timers/promises'
import { partitionPrefixes } from '../src/store/partitioned/layout.js'
import { DEFAULT_PREFIX } from '../src/store/redis/keys.js'
import { settingsFor } from './benchmarks/benchmark.js'
import { Child } from './children.js'
import { BULLMQ, LULL, LULL_BULLMQ } from './peers/all.js'
import { Program } from './programs.js'
import { nodeOf, type Server, startBenchCluster, startRedis } from './servers.js'

export const GAP_MS = 1500
export const A_BATCH = 4
const LOOK_MS = 200
const WAIT_MS = 30_000

export const ROLES = ['api', 'processor', 'worker'] as const
export type Role = (typeof ROLES)[number]

interface Process {
  readonly pid: number
  stop(): Promise<unknown>
}

export interface System {
  url: string
  processes: Partial<Record<Role, Process>>
  /** How many batches are not answered yet, and how many Redis commands it took to see that. */
  unanswered(): Promise<{ batches: number; commands: number }>
  stop(): Promise<unknown>
}

export interface SystemOptions {
  /** Of Lull. */
  partitions?: number | undefined
  /** Arguments for Node. */
  nodeFor?: (role: Role) => string[]
}

export const systems: Record<string, (server: Server, options?: SystemOptions) => Promise<System>> = {
  async [LULL](server, { partitions, nodeFor = none } = {}) {
    const settings = settingsFor(server.url, { gapMs: GAP_MS, partitions })
    const [api, processor] = await Promise.all([
      lullIn(server, 'api', { partitions, nodeFor }),
      Child.start('consumer', LULL, settings, undefined, nodeFor('processor')),
    ])
    return systemOf(api.url, { api, processor }, () => unansweredByLull(server, partitions))
  },
  async [LULL_BULLMQ](server, { partitions, nodeFor = none } = {}) {
    const [api, processor, worker] = await Promise.all([
      lullIn(server, 'api', { partitions, nodeFor }),
      lullIn(server, 'processor', { partitions, nodeFor }),
      lullIn(server, 'worker', { partitions, nodeFor }),
    ])
    return systemOf(api.url, { api, processor, worker }, () => unansweredByLull(server, partitions))
  },
  async [BULLMQ](server, { nodeFor = none } = {}) {
    const [api, worker] = await Promise.all([
      Program.route('bullmq', server.url, GAP_MS, nodeFor('api')),
      Child.start('consumer', BULLMQ, settingsFor(server.url, { gapMs: GAP_MS }), undefined, nodeFor('worker')),
    ])
    return systemOf(api.url, { api, worker }, () => unansweredByBullmq(server))
  },
}

/** On one Redis or on three primaries. */
export interface Place extends SystemOptions {
  isCluster: boolean
}

/** On three primaries, with as many partitions as they are measured with. */
export const ON_CLUSTER: Place = { isCluster: true, partitions: 64 }
export const ON_ONE: Place = { isCluster: false }

/** In the tables, behind the name of a system. */
export const shownPlace = ({ isCluster, partitions }: Place) =>
  isCluster ? `, 3 primaries, ${partitions} partitions` : ''

/** Starts a server and a system on it, and ends both after `work`. */
export async function withSystem<Value>(
  name: string,
  { isCluster, ...options }: Place,
  work: (server: Server, system: System) => Promise<Value>,
): Promise<Value> {
  const server = await (isCluster ? startBenchCluster() : startRedis())
  try {
    const system = await systems[name]?.(server, options)
    if (!system) throw new Error(`no system is called ${name}`)
    const value = await work(server, system)
    await system.stop()
    return value
  } finally {
    await server.stop()
  }
}

/** Waits until every batch is answered. @returns how many Redis commands the waiting took */
export async function answered({ unanswered }: System): Promise<number> {
  const deadline = Date.now() + WAIT_MS
  let own = 0
  while (Date.now() < deadline) {
    const { batches, commands } = await unanswered()
    own += commands
    if (batches === 0) return own
    await delay(LOOK_MS)
  }
  throw new Error(`not all was answered within ${WAIT_MS / 1000} s`)
}

/** By the system's roles. @param of a process */
export async function byRole(
  { processes }: System,
  of: (pid: number) => Promise<number>,
): Promise<Partial<Record<Role, number>>> {
  const all = ROLES.flatMap(role => (processes[role] ? [{ role, pid: processes[role].pid }] : []))
  return Object.fromEntries(await Promise.all(all.map(async ({ role, pid }) => [role, await of(pid)] as const)))
}

const none = () => []

function lullIn(server: Server, role: Role, { partitions, nodeFor = none }: SystemOptions): Promise<Program> {
  const env = {
    ...(partitions === undefined ? {} : { LULL_PARTITIONS: String(partitions) }),
    ...(server.primaries ? { LULL_QUEUE_SHARDS: String(server.primaries.length) } : {}),
  }
  return Program.lull(role, server.url, GAP_MS, { node: nodeFor(role), env })
}

function systemOf(url: string, processes: System['processes'], unanswered: System['unanswered']): System {
  return { url, processes, unanswered, stop: () => Promise.all(Object.values(processes).map(one => one.stop())) }
}

/** What waits, and what is claimed or being answered. */
async function unansweredByLull(server: Server, partitions: number | undefined) {
  const prefixes = partitions === undefined ? [DEFAULT_PREFIX] : partitionPrefixes(DEFAULT_PREFIX, partitions)
  const keys = prefixes.flatMap(prefix => ['due', 'claimed', 'answering'].map(name => `${prefix}.${name}`))
  const counts = await Promise.all(keys.map(key => nodeOf(server, key).zcard(key)))
  return { batches: counts.reduce((sum, count) => sum + count, 0), commands: keys.length }
}

async function unansweredByBullmq({ admin }: Server) {
  const counts = await Promise.all([
    admin.zcard('bull:flush:delayed'),
    admin.llen('bull:flush:wait'),
    admin.llen('bull:flush:active'),
  ])
  return { batches: counts.reduce((sum, count) => sum + count, 0), commands: counts.length }
}
