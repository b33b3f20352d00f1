/**
 * A primary with replicas and three Sentinels that belong to a test. The Sentinels are `redis-server --sentinel`, which
 * is what `redis-sentinel` is. Needs a local binary.
 */
import { track } from './open.js'
import { findRedisBinary, type RedisBinary, type RedisServer, startLocalRedis } from './redis-servers.js'
import { NAME, primaryOf, problemOf } from './sentinel-state.js'
import { askPort, startNode, type TestNode } from './test-node.js'
import { until } from './wait.js'

export interface SentinelOptions {
  replicas?: number
  sentinels?: number
  downAfterMs?: number
  /** An unplanned failover follows the one before after twice this time at the earliest. Sentinel's default is 180 s. */
  failoverTimeoutMs?: number
  /** Default: the one that the other tests use. */
  binary?: RedisBinary
  /** As on redis-server's command line, for the primary and the replicas. */
  args?: string[]
  /** Puts a proxy in front of each server, which `cutReplica` and `lagReplica` need. */
  links?: boolean
}

export interface TestSentinels {
  /** `redis+sentinel://127.0.0.1:…,127.0.0.1:…,127.0.0.1:…/0?name=mymaster` */
  url: string
  name: string
  /** The Sentinels themselves, with `kill`, `restart`, `pause` and `resume`. */
  sentinels: RedisServer[]
  /** The primary and its replicas, of whichever role now. */
  nodes: TestNode[]
  /** The one that all Sentinels name and that says so of itself; waits until there is one that is up. */
  primary(): Promise<TestNode>
  replicas(): Promise<TestNode[]>
  kill(node: TestNode): Promise<void>
  /** In its last role, until the Sentinels give it another. Empty, if no `args` say that it writes to disk. */
  restart(node: TestNode): Promise<void>
  freeze(node: TestNode): Promise<void>
  thaw(node: TestNode): Promise<void>
  /** Resolves to the new primary when it is another than `old`. */
  takenOver(old: TestNode): Promise<TestNode>
  /** SENTINEL FAILOVER: planned, and loses what was written meanwhile. Resolves to the new primary, settled. */
  failover(): Promise<TestNode>
  /** The same behind CLIENT PAUSE … WRITE on the old primary, as docs/operations.md has it: without loss. */
  pausedFailover(): Promise<TestNode>
  /** Nothing passes between `replica` and its primary from now on; they keep the connection. Needs `links`. */
  cutReplica(replica: TestNode): void
  reconnectReplica(replica: TestNode): void
  /** `replica` is so far behind from now on; 0: no longer. Needs `links`. */
  lagReplica(replica: TestNode, lagMs: number): void
  /** Resolves when all that is up agrees on the primary, and its replicas are connected. */
  settled(): Promise<void>
  stop(): Promise<void>
}

const PAUSE_MS = 15_000
const SETTLED_TIMEOUT_MS = 60_000

/** Two replicas, three Sentinels with a quorum of two. Takes some 2 s. */
export async function startSentinels({
  replicas = 2,
  sentinels: count = 3,
  downAfterMs = 1500,
  failoverTimeoutMs = 5000,
  binary,
  args = [],
  links = false,
}: SentinelOptions = {}): Promise<TestSentinels> {
  const found = binary ?? (await findRedisBinary())
  if (!found) throw new Error('Sentinels need redis-server or valkey-server on PATH')
  const nodes: TestNode[] = []
  const sentinels: RedisServer[] = []
  const stop = async () => {
    forget()
    // The Sentinels first, which would make a new primary.
    await Promise.all(sentinels.map(sentinel => sentinel.stop()))
    const ends = await Promise.allSettled(nodes.map(node => node.stop()))
    for (const end of ends) if (end.status === 'rejected') throw end.reason
  }
  const forget = track('a primary with Sentinels', stop)
  const startServer = async () => {
    nodes.push(await startNode(found, args, links ? '--replica-announce-port' : undefined, ''))
  }
  await Promise.all(Array.from({ length: 1 + replicas }, startServer))
  const [first, ...others] = nodes
  if (!first) throw new Error('no server has started')
  for (const node of others) await node.ask('REPLICAOF', first.host, first.port)
  await Promise.all(nodes.map(node => node.ask('CONFIG', 'REWRITE')))
  const config = [
    `sentinel monitor ${NAME} ${first.host} ${first.port} ${Math.floor(count / 2) + 1}`,
    `sentinel down-after-milliseconds ${NAME} ${downAfterMs}`,
    `sentinel failover-timeout ${NAME} ${failoverTimeoutMs}`,
    '',
  ].join('\n')
  const startSentinel = async () => {
    const sentinel = await startLocalRedis(found, ['--sentinel'], config)
    sentinels.push(sentinel)
    // Sentinels find each other through the primary: every 2 s and, to learn of the replicas, every 10 s.
    await askPort(sentinel.port, 'SENTINEL', 'DEBUG', 'INFO-PERIOD', 1000, 'PUBLISH-PERIOD', 500)
  }
  await Promise.all(Array.from({ length: count }, startSentinel))
  const all = sentinelsOf(nodes, sentinels, stop)
  await all.settled()
  return all
}

function sentinelsOf(nodes: TestNode[], sentinels: RedisServer[], stop: () => Promise<void>): TestSentinels {
  const primaryNow = () => primaryOf(nodes, sentinels)
  const primary = () => until(primaryNow, { what: 'a primary that the Sentinels name and that is up' })
  const settled = async () => {
    let last: string | undefined
    const isSettled = async () => {
      last = await problemOf(nodes, sentinels)
      return last === undefined
    }
    await until(isSettled, { timeoutMs: SETTLED_TIMEOUT_MS, what: () => `the Sentinels to settle: ${last}` })
  }
  const takenOver = (old: TestNode) =>
    until(
      async () => {
        const node = await primaryNow()
        return node !== old && node
      },
      { what: `another primary than ${old.url}` },
    )
  const switchOver = async (old: TestNode) => {
    const [sentinel] = sentinels
    if (!sentinel) throw new Error('there is no Sentinel')
    await askPort(sentinel.port, 'SENTINEL', 'FAILOVER', NAME)
    return takenOver(old)
  }
  const others = (replica: TestNode) => nodes.filter(node => node !== replica)

  return {
    url: `redis+sentinel://${sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')}/0?name=${NAME}`,
    name: NAME,
    ...{ sentinels, nodes, primary, takenOver, settled, stop },
    async replicas() {
      const now = await primary()
      return others(now).filter(({ state }) => state === 'up')
    },
    kill: node => node.kill(),
    restart: node => node.restart(),
    freeze: node => node.freeze(),
    thaw: node => node.thaw(),
    async failover() {
      const next = await switchOver(await primary())
      await settled()
      return next
    },
    async pausedFailover() {
      const old = await primary()
      await old.ask('CLIENT', 'PAUSE', PAUSE_MS, 'WRITE')
      const next = await switchOver(old)
      // The Sentinels' own order to the old primary waits for the end of the pause, behind their PUBLISH. If the pause
      // ended before it, writes that it holds back would be carried out and lost.
      await old.ask('REPLICAOF', next.host, next.port)
      await old.ask('CLIENT', 'UNPAUSE')
      await settled()
      return next
    },
    cutReplica: replica => {
      for (const node of others(replica)) node.cutReplica(replica)
    },
    reconnectReplica: replica => {
      for (const node of others(replica)) node.reconnectReplica(replica)
    },
    lagReplica: (replica, lagMs) => {
      for (const node of others(replica)) node.lagReplica(replica, lagMs)
    },
  }
}
