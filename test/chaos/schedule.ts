/**
 * Which faults happen when. The schedule is made from the seed alone, before anything starts, so the same seed gives
 * the same schedule. No target has two faults at once, and every fault ends by itself.
 */
import { NODE_FAULTS, type NodeFault, type PlaceName } from './places.js'
import type { Random } from './random.js'
import { type Handover, LOCK_MS, RULES, SIZES } from './settings.js'

export type Fault = {
  /** Since the start of the run. */
  atMs: number
  forMs: number
} & (
  | { kind: 'kill' | 'freeze'; target: ProcessName | 'redis' }
  /** A clean stop, SIGTERM, under load. */
  | { kind: 'restart'; target: ProcessName }
  /** Redis closes connections: the subscribers', or all. */
  | { kind: 'disconnect'; target: 'pubsub' | 'all' }
  | { kind: 'notifications'; target: 'off' | 'other flags' }
  | { kind: 'memory full'; target: 'redis' }
  /** The proxy delays every reply, loses every reply, or lets nothing through. */
  | { kind: 'delay'; target: Line; replyMs: number }
  | { kind: 'lose replies' | 'refuse'; target: Line }
  /** Of a Cluster, or of a primary with Sentinels. */
  | { kind: NodeFault; target: 'nodes' }
)

export type ProcessName = `${'api' | 'processor' | 'worker'}-${number}`

/**
 * A connection through a proxy: of the APIs, processors or workers to their Redis, or to where batches are handed over.
 */
export type Line = 'apis' | 'processors' | 'handover' | 'workers'

const PAUSE_MS = { min: 200, max: 1600 } as const
/** The end of a run, without new faults. */
const CALM_END_MS = 1000
/** A kind is drawn as often as it is listed: faults that cost little time more than once. */
const DRAWN = [
  'kill worker',
  'kill worker',
  'kill processor',
  'kill processor',
  'kill processor',
  'kill api',
  'kill redis',
  'freeze processor',
  'freeze processor',
  'freeze worker',
  'freeze api',
  'freeze redis',
  'restart',
  'disconnect',
  'disconnect',
  'notifications',
  'memory full',
  'delay',
  'delay',
  'lose replies',
  'lose replies',
  'refuse handover',
  'refuse handover',
  'refuse',
] as const

const named = (role: 'api' | 'processor' | 'worker', count: number): ProcessName[] =>
  Array.from({ length: count }, (_, i): ProcessName => `${role}-${i + 1}`)

export const PROCESSES = {
  api: named('api', SIZES.apis),
  processor: named('processor', SIZES.processors),
  worker: named('worker', SIZES.workers),
} as const

const LINES = {
  bullmq: ['apis', 'processors', 'handover', 'workers'],
  http: ['apis', 'processors', 'handover'],
  function: ['apis', 'processors'],
} as const

/** Faults of processes, which happen beside those of nodes. */
const OF_PROCESSES: readonly Drawn[] = ['kill worker', 'kill processor', 'kill api', 'freeze processor', 'restart']
/** Nodes that have changed their roles need some time until they agree on it. */
const BETWEEN_NODE_FAULTS_MS = 4000

type Drawn = (typeof DRAWN)[number]

export function scheduleFrom(random: Random, lengthMs: number, handover: Handover, place: PlaceName = 'one'): Fault[] {
  const faults: Fault[] = []
  const busyUntilMs = new Map<string, number>()
  let atMs = 500
  while (atMs < lengthMs - CALM_END_MS) {
    const fault = place === 'one' ? draw(random, atMs, handover) : drawWithNodes(random, atMs, handover, place)
    const target = fault.kind === 'disconnect' ? '' : fault.target
    if ((busyUntilMs.get(target) ?? 0) <= atMs) {
      faults.push(fault)
      busyUntilMs.set(target, atMs + fault.forMs + (target === 'nodes' ? BETWEEN_NODE_FAULTS_MS : 1500))
    }
    atMs += random.between(PAUSE_MS.min, PAUSE_MS.max)
  }
  return faults
}

function drawWithNodes(random: Random, atMs: number, handover: Handover, place: Exclude<PlaceName, 'one'>): Fault {
  if (random.chance(0.5)) return draw(random, atMs, handover, random.pick(OF_PROCESSES))
  return { kind: random.pick<NodeFault>(NODE_FAULTS[place]), target: 'nodes', atMs, forMs: random.between(1000, 3000) }
}

function draw(random: Random, atMs: number, handover: Handover, drawn: Drawn = random.pick(DRAWN)): Fault {
  const lines: readonly Line[] = LINES[handover]
  const within = (min: number, max: number) => ({ atMs, forMs: random.between(min, max) })
  const one = (role: keyof typeof PROCESSES) =>
    random.pick(PROCESSES[role === 'worker' && handover === 'function' ? 'processor' : role])
  switch (drawn) {
    case 'kill worker':
      return { kind: 'kill', target: one('worker'), ...within(0, 2000) }
    case 'kill processor':
      return { kind: 'kill', target: one('processor'), ...within(0, 3000) }
    case 'kill api':
      return { kind: 'kill', target: one('api'), ...within(0, 2000) }
    case 'kill redis':
      return { kind: 'kill', target: 'redis', ...within(0, 2000) }
    case 'freeze processor':
      return { kind: 'freeze', target: one('processor'), ...within(RULES.leaseMs, 2 * RULES.leaseMs) }
    case 'freeze worker':
      return { kind: 'freeze', target: one('worker'), ...within(LOCK_MS, 3 * LOCK_MS) }
    case 'freeze api':
      return { kind: 'freeze', target: one('api'), ...within(500, 4000) }
    case 'freeze redis':
      return { kind: 'freeze', target: 'redis', ...within(500, random.chance(0.2) ? 7000 : 3000) }
    case 'restart':
      return { kind: 'restart', target: one(random.pick(['api', 'processor', 'worker'])), ...within(0, 500) }
    case 'disconnect':
      return { kind: 'disconnect', target: random.pick(['pubsub', 'pubsub', 'all']), atMs, forMs: 0 }
    case 'notifications':
      return { kind: 'notifications', target: random.pick(['off', 'off', 'other flags']), ...within(1000, 6000) }
    case 'memory full':
      return { kind: 'memory full', target: 'redis', ...within(1000, 4000) }
    case 'delay':
      return { kind: 'delay', target: random.pick(lines), replyMs: random.between(20, 900), ...within(1000, 4000) }
    case 'lose replies':
      return { kind: 'lose replies', target: random.pick(lines), ...within(50, 1500) }
    case 'refuse handover':
      return { kind: 'refuse', target: handover === 'function' ? 'processors' : 'handover', ...within(500, 5000) }
    case 'refuse':
      return { kind: 'refuse', target: random.pick(lines), ...within(200, 3000) }
  }
}
