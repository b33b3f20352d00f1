/** Processes on this database that use another prefix, if a processor of theirs is subscribed. */
import type { Presence } from '../../presence/presence.js'
import { presencesOn } from '../../presence/read.js'
import type { Check } from '../check.js'
import { type Finding, listed, ok, wrong } from '../finding.js'
import { processesAmong, type Surroundings } from '../surroundings.js'

const SUFFIX = '.next-due'
const PREFIXES_LOOKED_AT = 20

export const prefixes: Check = { name: 'prefixes', look }

async function look(surroundings: Surroundings): Promise<Finding[]> {
  const { server, store, identity, presences } = surroundings
  // On a Cluster, sharded channels are not listed here.
  if (!server.clients || store.nodes.isCluster) return []
  const channels: unknown = await server.client.pubsub('CHANNELS', `*${SUFFIX}`).catch(() => [])
  const others = (Array.isArray(channels) ? channels : [])
    .map(String)
    .filter(channel => channel !== store.home.keys.nextDue)
    .slice(0, PREFIXES_LOOKED_AT)
  const here = processesAmong(server.clients).filter(({ name, dbs }) => dbs.has(identity.db) && !presences.has(name))
  const findings: Finding[] = []
  for (const channel of others) {
    const prefix = channel.slice(0, -SUFFIX.length)
    const known = await presencesOn(server.client, prefix).catch(() => new Map<string, Presence>())
    const there = here.filter(({ name }) => known.has(name))
    if (there.length === 0) continue
    const roles = new Set(there.map(({ role }) => role))
    const says = `with LULL_PREFIX=${prefix}: ${listed(there.map(({ name }) => name))}`
    const remedy = `set one LULL_PREFIX for all (here it is ${identity.prefix})`
    findings.push(
      roles.has('api') && roles.has('processor')
        ? ok('prefixes', `another whole system ${says}`)
        : wrong('prefixes', `${says}: they do not see the batches of ${identity.prefix}`, remedy),
    )
  }
  return findings
}
