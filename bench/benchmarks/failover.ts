/**
 * What it costs when one of three primaries of a Cluster is killed under a steady load: how long messages of its slots
 * are refused, how late their batches come, and what Lull's processes and Redis do to recover.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import type { ClusterNode } from '../../test/support/cluster.js'
import { Child, type Insisted, replies, type Seen } from '../children.js'
import { at, figuresOf, median, type Result, Rows, shown } from '../figures.js'
import { LULL } from '../peers/all.js'
import { type BenchCluster, startBenchCluster } from '../servers.js'
import { type Plan, settingsFor } from './benchmark.js'
import { GAP_MS } from './measure.js'

const PER_SECOND = 300
const PROCESSORS = 2
const WARM_SECONDS = 3
/** How long the load runs before the primary is killed, and as long after it. */
const HALF_MS = 10_000
const LEASE_MS = 5000
/** An answer that came so long after its message and the gap is late: without a failover few are. */
const LATE_MS = 500
const WAIT_MS = 15_000
const LOOK_MS = 20
/**
 * What processes send to find the primaries, to connect and to subscribe, and not for messages. `role` and `info` are
 * the benchmark's own.
 */
const RECOVERING =
  /^(hello|auth|select|readonly|ping|eval|script|client|cluster|config|command|(?:un)?(?:s|p)?(?:un)?subscribe)(\||$)/

export async function failoverBenchmark(plan: Plan): Promise<Result[]> {
  const counts = plan.quick ? [64] : [16, 64, 256]
  const nameOf = (partitions: number) => `${partitions} partitions`
  const rows = new Rows()
  for (let round = 0; round < plan.rounds; round++)
    for (const partitions of counts) {
      plan.say(`failover, round ${round + 1}: ${nameOf(partitions)}`)
      rows.add(nameOf(partitions), await oneRound(partitions))
    }
  const worst = (key: string) => Math.max(...rows.rows.flatMap(({ name }) => figuresOf(rows.rows, name, key)))
  const overhead = Math.max(...rows.rows.map(({ name }) => median(figuresOf(rows.rows, name, 'ownMs'))))
  return [
    {
      id: 'failover',
      title: 'Failover: one of three primaries is killed',
      about:
        `A Cluster of three primaries with a replica each and a node timeout of 2 s (15 s by default), ${PER_SECOND} messages a second ` +
        `from one producer, one a conversation, gap ${GAP_MS / 1000} s, ${PROCESSORS} processors with a function, lease ${LEASE_MS / 1000} s, no waiting for replicas. What is ` +
        'refused is sent again every 100 ms. Late: an answer more than ' +
        `${LATE_MS} ms after its message and the gap. Recovery: what the ${HALF_MS / 1000} s after the kill have more than the ${HALF_MS / 1000} s before it.`,
      columns: [
        { key: 'electedMs', title: 'a replica is primary after, ms' },
        { key: 'ownMs', title: 'first append there, ms later' },
        { key: 'allMs', title: 'last refused message stored, ms after the kill' },
        { key: 'refused', title: 'messages refused at first' },
        { key: 'late', title: 'late batches' },
        { key: 'lateP50', title: 'late by, p50, ms' },
        { key: 'lateMax', title: 'max, ms' },
        { key: 'lost', title: 'acknowledged and lost' },
        { key: 'twice', title: 'handed over twice' },
        { key: 'commands', title: 'recovery: Redis commands' },
        { key: 'redisMs', title: 'their time, ms', digits: 1 },
        { key: 'processMs', title: 'CPU of Lull’s three processes, ms' },
      ],
      rows: rows.rows,
      against: nameOf(64),
      aims: [
        {
          text: 'appends work within 1 s of the new primary',
          found: `${shown(overhead)} ms at worst, by medians`,
          met: overhead <= 1000,
        },
        {
          text: 'none is handed over later than its lease after the last message is stored',
          found: `${shown(worst('lateMax') - worst('allMs'))} ms at worst`,
          met: worst('lateMax') - worst('allMs') <= LEASE_MS,
        },
      ],
      draw: { key: 'allMs', unit: 'ms until all is stored' },
    },
  ]
}

let streams = 0

async function oneRound(partitions: number): Promise<Record<string, number>> {
  const server = await startBenchCluster({ replicas: 1 })
  const settings = settingsFor(server.url, { gapMs: GAP_MS, partitions, leaseMs: LEASE_MS })
  const producer = await Child.start('producer', LULL, settings)
  const consumers = await Promise.all(Array.from({ length: PROCESSORS }, () => Child.start('consumer', LULL, settings)))
  const order = (seconds: number) => ({
    kind: 'insist' as const,
    prefix: `f${++streams}-`,
    perSecond: PER_SECOND,
    count: Math.round(PER_SECOND * seconds),
  })
  await producer.ask(order(WARM_SECONDS), replies.insisted)
  await delay(2 * GAP_MS)
  await Promise.all(consumers.map(consumer => consumer.ask({ kind: 'take' }, replies.seen)))

  const victim = await server.cluster.ownerOf(0)
  const heir = await server.cluster.replicaOf(victim)
  const survivors = new Survivors(server, victim)
  const all = [producer, ...consumers]
  const before = await survivors.recovery(all)
  const sending = producer.ask(order((2 * HALF_MS) / 1000), replies.insisted)
  await delay(HALF_MS)
  const atKill = await survivors.recovery(all)
  const killedAtMs = Date.now()
  await server.cluster.kill(victim)
  const electedAtMs = await survivors.primarySince(heir)
  await delay(killedAtMs + HALF_MS - Date.now())
  const after = await survivors.recovery(all)
  const sent = await sending
  const seen = await seenBy(consumers, sent.length)
  survivors.close()
  await Promise.all(all.map(child => child.stop()))
  await server.stop()
  const more = (key: keyof Recovery) => after[key] - atKill[key] - (atKill[key] - before[key])
  return {
    electedMs: electedAtMs - killedAtMs,
    ...outageOf(sent, killedAtMs, electedAtMs),
    ...latenessOf(sent, seen),
    commands: more('commands'),
    redisMs: more('us') / 1000,
    processMs: more('processUs') / 1000,
  }
}

interface Recovery {
  commands: number
  us: number
  processUs: number
}

/** The nodes that are not killed, on connections of their own. */
class Survivors {
  private readonly connections: Map<ClusterNode, Redis>

  constructor({ cluster, primaries }: BenchCluster, victim: ClusterNode) {
    const others = cluster.nodes.filter(node => node !== victim)
    this.connections = new Map(others.map(node => [node, new Redis(node.url)]))
    // Nobody asks them any more, and one of them would try to reach the killed node again and again.
    for (const primary of primaries) primary.disconnect()
  }

  /** What was spent so far on other things than messages, and by Lull's processes. */
  async recovery(children: Child[]): Promise<Recovery> {
    const stats = await Promise.all([...this.connections.values()].map(node => node.info('commandstats')))
    const found = [...stats.join('\n').matchAll(/^cmdstat_([^:]+):calls=(\d+),usec=(\d+)/gm)]
    const recovering = found.filter(([, name = '']) => RECOVERING.test(name))
    const sum = (field: 2 | 3) => recovering.reduce((total, match) => total + Number(match[field]), 0)
    const cpu = await Promise.all(children.map(child => child.ask({ kind: 'cpu' }, replies.figure)))
    return { commands: sum(2), us: sum(3), processUs: cpu.reduce((total, us) => total + us, 0) }
  }

  /** Resolves to the time at which a replica says that it is a primary. */
  async primarySince(replica: ClusterNode): Promise<number> {
    const deadline = Date.now() + HALF_MS
    while (Date.now() < deadline) {
      const [role] = (await this.connections.get(replica)?.role()) ?? []
      if (role === 'master') return Date.now()
      await delay(LOOK_MS)
    }
    throw new Error(`no replica took over within ${HALF_MS / 1000} s`)
  }

  close(): void {
    for (const connection of this.connections.values()) connection.disconnect()
  }
}

/** Waits until so many batches came. */
async function seenBy(consumers: Child[], count: number): Promise<Seen[]> {
  const seen: Seen[] = []
  const deadline = Date.now() + GAP_MS + WAIT_MS
  while (new Set(seen.map(({ conversation }) => conversation)).size < count && Date.now() < deadline) {
    await delay(GAP_MS / 4)
    const taken = await Promise.all(consumers.map(consumer => consumer.ask({ kind: 'take' }, replies.seen)))
    seen.push(...taken.flat())
  }
  return seen
}

function outageOf(sent: Insisted[], killedAtMs: number, electedAtMs: number) {
  const refused = sent.filter(({ refusals, storedAtMs }) => refusals > 0 && storedAtMs >= killedAtMs)
  const stored = refused.map(({ storedAtMs }) => storedAtMs)
  return {
    ownMs: Math.min(...stored) - electedAtMs,
    allMs: Math.max(...stored) - killedAtMs,
    refused: refused.length,
  }
}

function latenessOf(sent: Insisted[], seen: Seen[]) {
  const firstAtMs = new Map<string, number>()
  for (const { conversation, atMs } of seen)
    firstAtMs.set(conversation, Math.min(atMs, firstAtMs.get(conversation) ?? atMs))
  const lateMs = sent.flatMap(({ conversation, sentAtMs }) => {
    const atMs = firstAtMs.get(conversation)
    return atMs === undefined ? [] : [atMs - sentAtMs - GAP_MS]
  })
  const late = lateMs.filter(ms => ms > LATE_MS)
  return {
    late: late.length,
    lateP50: at(late, 0.5),
    lateMax: at(late, 1),
    lost: sent.length - lateMs.length,
    twice: seen.length - firstAtMs.size,
  }
}
