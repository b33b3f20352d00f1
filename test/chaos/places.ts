/**
 * Where a run keeps its batches: on one Redis, on a Cluster of three primaries with a replica each, or on a primary with
 * two replicas that three Sentinels watch. And the faults that only the latter two can have. One of them happens at a
 * time: two nodes of a shard are never away together.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { partitionPrefixes } from '../../src/store/partitioned/layout.js'
import { slotOf } from '../../src/store/redis/slots.js'
import { startCluster } from '../support/cluster.js'
import { privateRedis, type RedisServer } from '../support/redis.js'
import { startSentinels } from '../support/sentinel.js'
import { LAG_MS, PARTITIONS } from './settings.js'

export const PLACES = ['one', 'cluster', 'sentinel'] as const
export type PlaceName = (typeof PLACES)[number]

export const NODE_FAULTS = {
  one: [],
  cluster: ['kill primary', 'freeze primary', 'kill replica', 'failover', 'move slot', 'lag replica', 'cut replica'],
  sentinel: ['kill primary', 'freeze primary', 'kill replica', 'failover', 'lag replica', 'cut replica'],
} as const
export type NodeFault = (typeof NODE_FAULTS)['cluster'][number]

export interface Place {
  name: PlaceName
  /** The one Redis; absent if there are several servers. */
  redis?: RedisServer
  url: string
  env: Record<string, string>
  /** Resolves when the fault is over, and everything is as before but for the roles. */
  fault(kind: NodeFault, forMs: number, pick: <Item>(items: readonly Item[]) => Item): Promise<void>
  stop(): Promise<void>
}

const AOF = ['--appendonly', 'yes', '--appendfsync', 'always']

/** @param waitReplicas as LULL_WAIT_REPLICAS */
export async function startPlace(name: PlaceName, waitReplicas: number): Promise<Place> {
  const env = { LULL_WAIT_REPLICAS: String(waitReplicas) }
  if (name === 'cluster') return clusterPlace({ ...env, LULL_PARTITIONS: String(PARTITIONS) })
  if (name === 'sentinel') return sentinelPlace(env)
  const redis = await privateRedis({ args: AOF })
  return { name, redis, url: redis.url, env: {}, fault: async () => {}, stop: () => redis.stop() }
}

/** What both have: nodes with roles. */
interface Replicated<Node> {
  kill(node: Node): Promise<void>
  restart(node: Node): Promise<void>
  freeze(node: Node): Promise<void>
  thaw(node: Node): Promise<void>
  cutReplica(replica: Node): void
  reconnectReplica(replica: Node): void
  lagReplica(replica: Node, lagMs: number): void
  settled(): Promise<void>
}

/** Of one shard: its primary, a replica, and when another node is the primary. */
interface Shard<Node> {
  primary: Node
  replica: Node
  takenOver(): Promise<unknown>
  failover(): Promise<unknown>
}

const TRIES = 5
const AGAIN_MS = 500

/** Repeats a question to the nodes: on a machine that is busy a connection may end before its answer. */
async function patiently<Answer>(question: () => Promise<Answer>): Promise<Answer> {
  for (let tries = 1; ; tries++) {
    try {
      return await question()
    } catch (error) {
      if (tries === TRIES) throw error
      await delay(AGAIN_MS)
    }
  }
}

async function replicatedFault<Node>(
  servers: Replicated<Node>,
  { primary, replica, takenOver, failover }: Shard<Node>,
  kind: Exclude<NodeFault, 'move slot'>,
  forMs: number,
): Promise<void> {
  switch (kind) {
    case 'kill primary':
      // As when a machine dies: its replica has not got everything.
      servers.lagReplica(replica, LAG_MS)
      await delay(forMs / 4)
      await servers.kill(primary)
      await patiently(takenOver)
      servers.lagReplica(replica, 0)
      await servers.restart(primary)
      break
    case 'freeze primary':
      await servers.freeze(primary)
      await patiently(takenOver)
      await delay(forMs / 4)
      await servers.thaw(primary)
      break
    case 'kill replica':
      await servers.kill(replica)
      await delay(forMs)
      await servers.restart(replica)
      break
    case 'failover':
      await failover()
      break
    case 'lag replica':
      servers.lagReplica(replica, LAG_MS)
      await delay(forMs)
      servers.lagReplica(replica, 0)
      break
    case 'cut replica':
      servers.cutReplica(replica)
      await delay(forMs)
      servers.reconnectReplica(replica)
  }
  await patiently(() => servers.settled())
}

async function clusterPlace(env: Record<string, string>): Promise<Place> {
  const cluster = await startCluster({ links: true })
  const slots = partitionPrefixes('rapid-fire', PARTITIONS).map(slotOf)
  return {
    name: 'cluster',
    url: cluster.url,
    env,
    async fault(kind, forMs, pick) {
      const slot = pick(slots)
      const primary = await patiently(() => cluster.ownerOf(slot))
      if (kind === 'move slot') {
        const other = pick((await patiently(() => cluster.primaries())).filter(node => node !== primary))
        await cluster.moveSlot(slot, other, { delayMs: 5 })
        await delay(forMs)
        await cluster.moveSlot(slot, primary, { delayMs: 5 })
        return patiently(() => cluster.settled())
      }
      const replica = await patiently(() => cluster.replicaOf(primary))
      const takenOver = () => cluster.takenOver(slot, primary)
      const failover = () => cluster.failover(primary)
      return replicatedFault(cluster, { primary, replica, takenOver, failover }, kind, forMs)
    },
    stop: () => cluster.stop(),
  }
}

async function sentinelPlace(env: Record<string, string>): Promise<Place> {
  const service = await startSentinels({ links: true })
  return {
    name: 'sentinel',
    url: service.url,
    env,
    async fault(kind, forMs, pick) {
      if (kind === 'move slot') return
      const primary = await patiently(() => service.primary())
      const replica = pick(await patiently(() => service.replicas()))
      const takenOver = () => service.takenOver(primary)
      const failover = () => service.pausedFailover()
      return replicatedFault(service, { primary, replica, takenOver, failover }, kind, forMs)
    },
    stop: () => service.stop(),
  }
}
