/** One server of a Cluster or of a Sentinel's replica set, with the faults that it can have. */
import { Redis } from 'ioredis'
import { scansCounted } from './redis.js'
import { freePort, type RedisBinary, startLocalRedis } from './redis-servers.js'
import { ReplicationProxy } from './replication-proxy.js'

export type NodeState = 'up' | 'killed' | 'frozen'

export interface TestNode {
  host: string
  /** The port that clients and replicas are told. */
  port: number
  /** `redis://127.0.0.1:<port>` */
  url: string
  pid: number
  state: NodeState
  /** One command, on a connection of its own that passes by the proxy. */
  ask(command: string, ...args: (string | number)[]): Promise<unknown>
  /** SIGKILL. */
  kill(): Promise<void>
  /** On the same port and folder. Without `appendonly` in its `args` a server comes back empty. */
  restart(): Promise<void>
  /** SIGSTOP: it keeps its connections and answers nothing, until `thaw`. */
  freeze(): Promise<void>
  thaw(): Promise<void>
  /** From now on `replica` is so far behind this node; 0: no longer. Needs `links: true`. */
  lagReplica(replica: TestNode, lagMs: number): void
  /** `replica` keeps its connection to this node, and nothing passes. Needs `links: true`. */
  cutReplica(replica: TestNode): void
  reconnectReplica(replica: TestNode): void
  stop(): Promise<void>
}

const HOST = '127.0.0.1'
const COMMAND_TIMEOUT_MS = 10_000
/** Else a replica's first synchronization waits for 5 s, and CLUSTER SLOTS leaves it out until the first ping, 10 s. */
const FAST_SYNC = ['--repl-diskless-sync-delay', '0', '--repl-ping-replica-period', '1']

/**
 * @param config the first contents of its configuration file, which CONFIG REWRITE needs; undefined: none
 * @param announced the option that names the announced port where there is a proxy, as `--replica-announce-port`;
 * undefined: no proxy
 */
export async function startNode(
  binary: RedisBinary,
  args: string[],
  announced: string | undefined,
  config?: string,
): Promise<TestNode> {
  let own = 0
  const proxy = announced === undefined ? undefined : new ReplicationProxy(await freePort(), () => own)
  const announce = proxy && announced ? [announced, String(proxy.port)] : []
  const server = await startLocalRedis(binary, [...FAST_SYNC, ...announce, ...args], config)
  own = server.port
  await proxy?.open()
  /** A replica names its announced port, where it has one, and a node of a Cluster its own. */
  const link = (replica: TestNode) => {
    const names = ports.get(replica)
    if (!proxy || names === undefined) throw new Error('a replica is lagged or cut only with `links: true`')
    return { proxy, names }
  }
  let state: NodeState = 'up'
  const node: TestNode = {
    host: HOST,
    port: proxy?.port ?? own,
    url: `redis://${HOST}:${proxy?.port ?? own}`,
    get pid() {
      return server.pid
    },
    get state() {
      return state
    },
    ask: (command, ...rest) => askPort(own, command, ...rest),
    async kill() {
      state = 'killed'
      await proxy?.close()
      await server.kill()
    },
    async restart() {
      await server.restart()
      await proxy?.open()
      state = 'up'
    },
    async freeze() {
      await server.pause()
      state = 'frozen'
    },
    async thaw() {
      await server.resume()
      state = 'up'
    },
    lagReplica(replica, lagMs) {
      const { proxy, names } = link(replica)
      for (const name of names) proxy.lag(name, lagMs)
    },
    cutReplica(replica) {
      const { proxy, names } = link(replica)
      for (const name of names) proxy.cutOff(name)
    },
    reconnectReplica(replica) {
      const { proxy, names } = link(replica)
      for (const name of names) proxy.reconnect(name)
    },
    async stop() {
      const scans = state === 'up' ? await scansCounted(`redis://${HOST}:${own}`) : 0
      state = 'killed'
      await proxy?.close()
      // A primary that is asked to end waits for its replicas, which end as well.
      await server.kill()
      await server.stop()
      if (scans > 0) throw new Error(`events, not polling: the node ${own} has counted ${scans} SCAN or KEYS`)
    },
  }
  ports.set(node, [own, node.port])
  return node
}

/** The ports that a node may name in its handshake as a replica. */
const ports = new WeakMap<TestNode, number[]>()

/** One command to a server, on a connection of its own. */
export async function askPort(port: number, command: string, ...args: (string | number)[]): Promise<unknown> {
  const redis = new Redis({
    ...{ host: HOST, port, lazyConnect: true, enableReadyCheck: false },
    ...{ maxRetriesPerRequest: 0, retryStrategy: () => null, commandTimeout: COMMAND_TIMEOUT_MS },
  })
  redis.on('error', () => {}) // The calls reject with it.
  try {
    await redis.connect()
    return await redis.call(command, ...args)
  } finally {
    redis.disconnect()
  }
}
