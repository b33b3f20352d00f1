/** A Cluster as a whole: its state, its slots, slots on their way, and how the partitions lie on it. */

import { factsOf } from '../../store/redis/server.js'
import { slotOf } from '../../store/redis/slots.js'
import type { Check } from '../check.js'
import { counted, degraded, type Finding, ok, wrong } from '../finding.js'
import type { Surroundings } from '../surroundings.js'

const SLOTS = 16_384
/** A primary that has more than so many times its share of the partitions is worth a rebalance. */
const FAIR_SHARES = 2

export const cluster: Check = { name: 'cluster', look }

async function look(surroundings: Surroundings): Promise<Finding[]> {
  const { store, server } = surroundings
  if (!store.nodes.isCluster) return []
  const facts = factsOf(String(await server.client.cluster('INFO')))
  const slots = Number(facts.get('cluster_slots_ok') ?? 0)
  const away = store.partitionsAway
  const silent = store.nodes.all.filter(({ isReady }) => !isReady).map(({ address }) => address)
  const where = silent.length > 0 ? `, ${silent.join(' and ')} is away` : ''
  const says = `Cluster: state ${facts.get('cluster_state')}, ${slots} of ${SLOTS} slots served, ${counted(store.nodes.all.length, 'primary', 'primaries')}`
  const state =
    away > 0 || slots < SLOTS
      ? wrong(
          'cluster',
          `${says}; ${away} of ${store.partitions} partitions cannot be reached${where}`,
          'bring the node back, or promote its replica (CLUSTER FAILOVER TAKEOVER on it, if no majority is left)',
        )
      : ok('cluster', says)
  return [state, ...(await openSlots(surroundings)), shares(surroundings)]
}

/** `CLUSTER NODES` shows a node's own open slots, as `[93-<-id]` and `[93->-id]`. */
async function openSlots({ servers, store }: Surroundings): Promise<Finding[]> {
  const lists = await Promise.all(servers.map(async ({ client }) => String(await client.cluster('NODES'))))
  const open = new Set(lists.flatMap(list => [...list.matchAll(/\[(\d+)-[<>]-/g)].map(([, slot]) => Number(slot))))
  if (open.size === 0) return []
  const partitions = store.all.filter(({ keys }) => open.has(slotOf(keys.prefix))).map(({ keys }) => keys.prefix)
  const whose = partitions.length === 0 ? 'no partition is in them' : `partitions in them: ${partitions.join(', ')}`
  return [
    (partitions.length === 0 ? degraded : wrong)(
      'cluster-moves',
      `${counted(open.size, 'slot is', 'slots are')} being moved (${[...open].slice(0, 5).join(', ')}); ${whose}. A partition is refused until its slot has moved whole`,
      'wait for the move to end; one that was broken off: redis-cli --cluster fix <address>',
    ),
  ]
}

function shares({ store }: Surroundings): Finding {
  const counts = new Map(store.nodes.all.map(({ address }) => [address, 0]))
  for (const { server } of store.all) if (server !== undefined) counts.set(server, (counts.get(server) ?? 0) + 1)
  const fair = store.partitions / Math.max(counts.size, 1)
  const listed = [...counts].map(([address, count]) => `${address} ${count}`).join(', ')
  const most = Math.max(...counts.values())
  return most > FAIR_SHARES * Math.max(fair, 1)
    ? wrong('cluster-shares', `partitions by primary: ${listed}`, 'move slots: redis-cli --cluster rebalance <address>')
    : ok('cluster-shares', `partitions by primary: ${listed}`)
}
