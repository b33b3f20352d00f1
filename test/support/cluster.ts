/** A Redis Cluster that belongs to a test, and the faults that a Cluster can have. Needs a local binary. */
import { slotOf } from '../../src/store/redis/slots.js'
import type { ClusterNode } from './cluster-node.js'
import { agreed, joinNodes, ownersOf, selfOf } from './cluster-state.js'
import { track } from './open.js'
import { findRedisBinary, freePort, isNewEnough, type RedisBinary } from './redis-servers.js'
import { beginMove, type MoveOptions, moveWhole, type SlotMove } from './slot-move.js'
import { startNode } from './test-node.js'
import { until } from './wait.js'

export type { ClusterNode }

export interface ClusterOptions {
  primaries?: number
  /** Of each primary. */
  replicas?: number
  nodeTimeoutMs?: number
  /** Default: the one that the other tests use. */
  binary?: RedisBinary
  /** As on redis-server's command line, for each node. */
  args?: string[]
  /** Puts a proxy in front of each node, which `cutReplica` and `lagReplica` need. */
  links?: boolean
}

export interface TestCluster {
  nodes: ClusterNode[]
  /** All nodes, as `{ host, port }`. */
  seeds: { host: string; port: number }[]
  /** The address of one primary. */
  url: string
  /** The nodes that own slots. A killed or frozen one is none. */
  primaries(): Promise<ClusterNode[]>
  /** The owner of a slot (a number) or of a key's slot; waits until one is up. */
  ownerOf(slotOrKey: number | string): Promise<ClusterNode>
  /** A replica of a primary, which itself may be down; waits until one is up. */
  replicaOf(primary: ClusterNode): Promise<ClusterNode>
  /** Ends it at once, as a power cut of its process. A replica takes over after the node timeout. */
  kill(node: ClusterNode): Promise<void>
  /** Empty, if no `args` say that it writes to disk: wait for its replica to take over first. */
  restart(node: ClusterNode): Promise<void>
  freeze(node: ClusterNode): Promise<void>
  thaw(node: ClusterNode): Promise<void>
  /** CLUSTER FAILOVER: planned, without loss. Resolves to the new primary when all nodes know of it. */
  failover(primary: ClusterNode): Promise<ClusterNode>
  /** Resolves to the new owner of a slot when it is another than `old`. */
  takenOver(slotOrKey: number | string, old: ClusterNode): Promise<ClusterNode>
  /** Moves a slot key by key. */
  moveSlot(slot: number, to: ClusterNode, options?: MoveOptions): Promise<void>
  /** Moves a slot whole, as Valkey 9 can (`canMoveWhole` of slot-move.ts). Resolves when the target owns it. */
  moveWhole(slot: number, to: ClusterNode): Promise<void>
  /** Begins a move, which stays as it is until `finish`: a move that was broken off. */
  beginMove(slot: number, to: ClusterNode): Promise<SlotMove>
  /** The primary of `replica` sends it nothing from now on, and keeps the connection. Needs `links`. */
  cutReplica(replica: ClusterNode): void
  reconnectReplica(replica: ClusterNode): void
  /** `replica` is so far behind from now on, after a failover too; 0: no longer. Needs `links`. */
  lagReplica(replica: ClusterNode, lagMs: number): void
  /** Resolves when all nodes that are up agree on the slots, each slot has an owner, and the replicas are connected. */
  settled(): Promise<void>
  stop(): Promise<void>
}

/** What a test's title says if there is no Cluster to be had; undefined: there is. */
export async function noCluster(): Promise<string | undefined> {
  const binary = await findRedisBinary()
  return binary && isNewEnough(binary) ? undefined : 'skipped: no redis-server or valkey-server on PATH'
}

/** Three primaries with a replica each, where the options do not say otherwise. Takes some 3 s. */
export async function startCluster({
  primaries = 3,
  replicas = 1,
  nodeTimeoutMs = 2000,
  binary,
  args = [],
  links = false,
}: ClusterOptions = {}): Promise<TestCluster> {
  const found = binary ?? (await findRedisBinary())
  if (!found) throw new Error('a Cluster needs redis-server or valkey-server on PATH')
  const nodes: ClusterNode[] = []
  const stop = async () => {
    forget()
    const ends = await Promise.allSettled(nodes.map(node => node.stop()))
    for (const end of ends) if (end.status === 'rejected') throw end.reason
  }
  const forget = track('a Redis Cluster', stop)
  const own = [
    ...['--cluster-enabled', 'yes', '--cluster-node-timeout', String(nodeTimeoutMs)],
    ...['--cluster-require-full-coverage', 'no', '--cluster-allow-replica-migration', 'no'],
  ]
  const start = async () => {
    const busPort = await freePort()
    const bus = ['--cluster-port', String(busPort)]
    const node = await startNode(found, [...own, ...bus, ...args], links ? '--cluster-announce-port' : undefined)
    const id = String(await node.ask('CLUSTER', 'MYID'))
    nodes.push(Object.assign(node, { id, busPort }))
  }
  await Promise.all(Array.from({ length: primaries * (1 + replicas) }, start))
  await joinNodes(nodes, primaries)
  return clusterOf(nodes, stop)
}

function clusterOf(nodes: ClusterNode[], stop: () => Promise<void>): TestCluster {
  const slotIn = (slotOrKey: number | string) => (typeof slotOrKey === 'number' ? slotOrKey : slotOf(slotOrKey))
  const owner = async (slotOrKey: number | string) => (await ownersOf(nodes)).get(slotIn(slotOrKey))
  const ownerOf = (slotOrKey: number | string) =>
    until(() => owner(slotOrKey), { what: `an owner of ${slotOrKey} that is up` })
  const primaries = async () => [...new Set((await ownersOf(nodes)).values())]
  const replicaOf = (primary: ClusterNode) =>
    until(
      async () => {
        const selves = await Promise.all(nodes.map(selfOf))
        return selves.find(self => self?.primaryId === primary.id)?.node
      },
      { what: `a replica of ${primary.url} that is up` },
    )
  /** After a failover another node is the primary: all nodes are told. */
  const others = (replica: ClusterNode) => nodes.filter(node => node !== replica)
  const begin = async (slot: number, to: ClusterNode) => beginMove(slot, await ownerOf(slot), to, primaries)

  return {
    nodes,
    seeds: nodes.map(({ host, port }) => ({ host, port })),
    url: nodes[0]?.url ?? '',
    primaries,
    ownerOf,
    replicaOf,
    kill: node => node.kill(),
    restart: node => node.restart(),
    freeze: node => node.freeze(),
    thaw: node => node.thaw(),
    async failover(primary) {
      const replica = await replicaOf(primary)
      await replica.ask('CLUSTER', 'FAILOVER')
      await until(async () => (await selfOf(primary))?.primaryId === replica.id, { what: 'the roles to change' })
      await agreed(nodes)
      return replica
    },
    takenOver: (slotOrKey, old) =>
      until(
        async () => {
          const node = await owner(slotOrKey)
          return node !== old && node
        },
        { what: `another owner of ${slotOrKey} than ${old.url}` },
      ),
    async moveSlot(slot, to, options) {
      const move = await begin(slot, to)
      await move.finish(options)
    },
    async moveWhole(slot, to) {
      await moveWhole(slot, await ownerOf(slot), to)
      await until(async () => (await owner(slot)) === to, { what: `slot ${slot} to have moved to ${to.url}` })
    },
    beginMove: begin,
    cutReplica: replica => {
      for (const node of others(replica)) node.cutReplica(replica)
    },
    reconnectReplica: replica => {
      for (const node of others(replica)) node.reconnectReplica(replica)
    },
    lagReplica: (replica, lagMs) => {
      for (const node of others(replica)) node.lagReplica(replica, lagMs)
    },
    settled: () => agreed(nodes),
    stop,
  }
}
