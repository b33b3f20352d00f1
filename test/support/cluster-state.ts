/** What the nodes of a test's Cluster say of it, and how new nodes become one. */
import { z } from 'zod'
import { SLOTS } from '../../src/store/redis/slots.js'
import type { ClusterNode } from './cluster-node.js'
import { until } from './wait.js'

/** What a node says of itself. */
interface Self {
  node: ClusterNode
  /** Of a replica. */
  primaryId: string | undefined
  epoch: number
  /** First and last slot of each range, both included. */
  ranges: [number, number][]
}

const SETTLED_TIMEOUT_MS = 60_000

/** Undefined if the node is not up. */
export async function selfOf(node: ClusterNode): Promise<Self | undefined> {
  if (node.state !== 'up') return undefined
  const lines = String(await node.ask('CLUSTER', 'NODES')).split('\n')
  const fields = lines.find(line => /^\S+ \S+ \S*myself/.test(line))?.split(' ') ?? []
  const [, , flags = '', primaryId = '-', , , epoch, , ...slots] = fields
  const isReplica = flags.includes('slave')
  return {
    node,
    primaryId: isReplica ? primaryId : undefined,
    epoch: Number(epoch),
    // `[93-<-…]` is a slot that is being moved.
    ranges: isReplica ? [] : slots.filter(text => !text.startsWith('[')).map(rangeOf),
  }
}

function rangeOf(text: string): [number, number] {
  const [from, to = from] = text.split('-').map(Number)
  return [from ?? 0, to ?? 0]
}

/** The owner of each slot, of the nodes that are up. Where two claim a slot, the later epoch decides. */
export async function ownersOf(nodes: ClusterNode[]): Promise<Map<number, ClusterNode>> {
  const selves = (await Promise.all(nodes.map(selfOf))).filter(self => self !== undefined)
  const owners = new Map<number, ClusterNode>()
  for (const { node, ranges } of selves.toSorted((a, b) => a.epoch - b.epoch))
    for (const [from, to] of ranges) for (let slot = from; slot <= to; slot++) owners.set(slot, node)
  return owners
}

/** Makes a Cluster of new nodes: the first ones own the slots, the others become their replicas in turn. */
export async function joinNodes(nodes: ClusterNode[], primaries: number): Promise<void> {
  await Promise.all(
    nodes.map(async (node, i) => {
      await node.ask('CLUSTER', 'SET-CONFIG-EPOCH', i + 1)
      if (i >= primaries) return
      const [from, end] = [i, i + 1].map(part => Math.round((part * SLOTS) / primaries))
      await node.ask('CLUSTER', 'ADDSLOTSRANGE', from ?? 0, (end ?? 0) - 1)
    }),
  )
  // Each node meets each earlier one: gossip alone takes some rounds.
  for (const [i, node] of nodes.entries())
    for (const other of nodes.slice(0, i)) await node.ask('CLUSTER', 'MEET', other.host, other.port, other.busPort)
  await Promise.all(
    nodes.slice(primaries).map(async (node, i) => {
      const primary = nodes[i % primaries]
      if (!primary) return
      const knows = async () => String(await node.ask('CLUSTER', 'NODES')).includes(primary.id)
      await until(knows, { what: `${node.url} to know its primary` })
      await node.ask('CLUSTER', 'REPLICATE', primary.id)
    }),
  )
  await agreed(nodes)
}

const range = z.tuple([z.number(), z.number()], z.tuple([z.string(), z.number(), z.string()], z.unknown()))

/** Resolves when all nodes that are up have the same view of the slots, all have owners, and replicas are connected. */
export async function agreed(nodes: ClusterNode[]): Promise<void> {
  const problem = async () => {
    const up = nodes.filter(node => node.state === 'up')
    const views = new Set<string>()
    for (const node of up) {
      const info = String(await node.ask('CLUSTER', 'INFO'))
      if (!info.includes('cluster_state:ok') || !info.includes(`cluster_slots_ok:${SLOTS}`))
        return `${node.url} says ${info.split('\r\n').slice(0, 3).join(', ')}`
      views.add(viewOf(z.array(range).parse(await node.ask('CLUSTER', 'SLOTS'))))
      const replication = String(await node.ask('INFO', 'replication'))
      if (replication.includes('master_link_status:down')) return `${node.url} has no connection to its primary`
    }
    if (views.size > 1) return 'the nodes disagree on the slots'
    // A replica that is up and that the others do not know of yet is missing in all views.
    const inView = up.filter(node => [...views].every(view => view.includes(node.id)))
    return inView.length < up.length && 'a replica is not known to all nodes'
  }
  let last: string | false = false
  const isSettled = async () => {
    last = await problem()
    return last === false
  }
  await until(isSettled, { timeoutMs: SETTLED_TIMEOUT_MS, what: () => `the Cluster to settle: ${last}` })
}

/** CLUSTER SLOTS as one text; the order of replicas differs between nodes. */
function viewOf(ranges: z.infer<typeof range>[]): string {
  const lines = ranges.map(([from, to, primary, ...replicas]) => {
    const ids = replicas.map(([, , id]) => id).sort()
    return `${String(from).padStart(5)}-${to} ${primary?.[2]} ${ids.join(' ')}`
  })
  return lines.sort().join('\n')
}
