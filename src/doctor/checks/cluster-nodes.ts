/** The nodes of a Cluster: replicas, timeouts, versions, clocks, and whether sharded Pub/Sub works on each. */
import { setTimeout as delay } from 'node:timers/promises'
import { REPLACEABLE_OPTIONS } from '../../store/redis/connection.js'
import { slotOf } from '../../store/redis/slots.js'
import type { Check } from '../check.js'
import { configured } from '../configured.js'
import { counted, degraded, type Finding, ok, wrong } from '../finding.js'
import type { Server, Surroundings } from '../surroundings.js'

/** What docs/redis.md asks for. */
const LONGEST_NODE_TIMEOUT_MS = 5000
const CLOCKS_APART_MS = 500
const CANARY_WAITED_MS = 2000
const LOOK_AGAIN_MS = 5

export const clusterNodes: Check = {
  name: 'cluster-nodes',
  look: async surroundings => {
    if (!surroundings.store.nodes.isCluster) return []
    return [
      ...replicas(surroundings),
      ...(await timeouts(surroundings)),
      versions(surroundings),
      await clocks(surroundings),
      ...(await canaries(surroundings)),
    ]
  },
}

/** Each primary needs a replica whose link stands; with `waitReplicas` one more, or messages are refused while one is away. */
function replicas({ servers, config: { waitReplicas } }: Surroundings): Finding[] {
  const check = 'cluster-replicas'
  const online = servers.map(server => ({ address: server.address, count: onlineReplicas(server) }))
  const fewest = Math.min(...online.map(({ count }) => count))
  const bare = online.filter(({ count }) => count < Math.max(waitReplicas, 1)).map(({ address }) => address)
  const wait =
    waitReplicas > 0
      ? []
      : [
          degraded(
            'cluster-wait',
            'LULL_WAIT_REPLICAS is 0: a primary that dies takes the writes of its replication lag with it',
            'set LULL_WAIT_REPLICAS=1 for all processes, with two replicas a primary',
          ),
        ]
  if (bare.length > 0)
    return [
      wrong(
        check,
        `too few replicas are connected to ${bare.join(', ')}`,
        'add a replica: redis-cli --cluster add-node … --cluster-slave',
      ),
      ...wait,
    ]
  if (waitReplicas > 0 && fewest < waitReplicas + 1)
    return [
      degraded(
        check,
        `${counted(fewest, 'replica')} a primary, and LULL_WAIT_REPLICAS=${waitReplicas}: messages are refused while one is away`,
        `give each primary ${waitReplicas + 1} replicas`,
      ),
      ...wait,
    ]
  return [ok(check, `each primary has ${counted(fewest, 'connected replica')} or more`), ...wait]
}

const onlineReplicas = ({ facts }: Server) =>
  [...facts].filter(([name, value]) => /^slave\d+$/.test(name) && value.includes('state=online')).length

async function timeouts({ servers }: Surroundings): Promise<Finding[]> {
  const { commandTimeout } = REPLACEABLE_OPTIONS
  const findings: Finding[] = []
  for (const { client, address } of servers) {
    const timeout = Number(await configured(client, 'cluster-node-timeout'))
    if (timeout > LONGEST_NODE_TIMEOUT_MS || timeout < 2 * commandTimeout)
      findings.push(
        degraded(
          'cluster-timeout',
          `${address}: cluster-node-timeout is ${timeout} ms`,
          `set it to ${LONGEST_NODE_TIMEOUT_MS}: a failover takes that long and some more, and below ${2 * commandTimeout} a primary that hangs may still answer what it took`,
        ),
      )
    if ((await configured(client, 'cluster-require-full-coverage')) === 'yes')
      findings.push(
        degraded(
          'cluster-coverage',
          `${address}: cluster-require-full-coverage is yes: one primary without a replica stops all partitions`,
          'CONFIG SET cluster-require-full-coverage no, and in its configuration file',
        ),
      )
  }
  return findings
}

function versions({ servers }: Surroundings): Finding {
  const found = [
    ...new Set(servers.map(({ facts }) => facts.get('valkey_version') ?? facts.get('redis_version') ?? '?')),
  ]
  return found.length === 1
    ? ok('cluster-versions', `all nodes have version ${found[0]}; ${movesWhole(servers[0])}`)
    : degraded('cluster-versions', `the nodes have versions ${found.join(', ')}`, 'upgrade them all')
}

/** From Redis 8.4 and Valkey 9 on (their release notes). */
function movesWhole(server: Server | undefined): string {
  const [valkey, redis] = [server?.facts.get('valkey_version'), server?.facts.get('redis_version') ?? '0']
  const whole = valkey === undefined ? Number.parseFloat(redis) >= 8.4 : Number.parseInt(valkey, 10) >= 9
  return whole ? 'a slot can be moved whole here' : 'a slot is moved key by key here, and its partition waits meanwhile'
}

async function clocks({ servers }: Surroundings): Promise<Finding> {
  const offsets = await Promise.all(
    servers.map(async ({ client }) => {
      const sentMs = Date.now()
      const [seconds = 0, microseconds = 0] = (await client.time()).map(Number)
      return seconds * 1000 + microseconds / 1000 - (sentMs + Date.now()) / 2
    }),
  )
  const apart = Math.round(Math.max(...offsets) - Math.min(...offsets))
  return apart > CLOCKS_APART_MS
    ? degraded(
        'cluster-clocks',
        `the clocks of the nodes are ${apart} ms apart`,
        'run NTP on all of them: after a failover batches are as early or late as that',
      )
    : ok('cluster-clocks', `the clocks of the nodes are ${apart} ms apart`)
}

/** A message on a channel of one partition of each node. */
async function canaries({ store, servers }: Surroundings): Promise<Finding[]> {
  return Promise.all(
    servers.map(async ({ address, client }) => {
      const check = 'cluster-canary'
      const partition = store.all.find(({ server }) => server === address)
      if (!partition) return ok(check, `${address}: no partition is there`)
      const channel = `${partition.keys.prefix}.canary`
      const ms = await heardAfter(store, slotOf(channel), channel, () => client.spublish(channel, ''))
      return ms === undefined
        ? degraded(
            check,
            `${address}: a sharded message did not arrive within ${CANARY_WAITED_MS} ms`,
            'allow SSUBSCRIBE and SPUBLISH to this user (ACL: &{rapid-fire/*)',
          )
        : ok(check, `${address}: a sharded message arrives after ${ms} ms`)
    }),
  )
}

async function heardAfter(
  { nodes }: Surroundings['store'],
  slot: number,
  channel: string,
  publish: () => Promise<unknown>,
): Promise<number | undefined> {
  let heardMs: number | undefined
  const { stop } = await nodes.subscriptions.subscribe(slot, {
    channels: [channel],
    onSubscribed: () => {},
    onMessage: () => {
      heardMs ??= performance.now()
    },
  })
  const sentMs = performance.now()
  await publish().catch(() => {})
  while (heardMs === undefined && performance.now() < sentMs + CANARY_WAITED_MS) await delay(LOOK_AGAIN_MS)
  await stop()
  return heardMs === undefined ? undefined : Math.max(Math.round(heardMs - sentMs), 0)
}
