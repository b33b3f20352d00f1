/** Whether a processor is subscribed to `next-due`. */
import type { Check } from '../check.js'
import { degraded, type Finding, ok, wrong } from '../finding.js'
import { type Process, processesAmong, type Surroundings } from '../surroundings.js'

export const listeners: Check = { name: 'listeners', look }

async function look(surroundings: Surroundings): Promise<Finding> {
  const { server, store, identity } = surroundings
  const check = 'listeners'
  if (identity.partitions !== undefined) return lookAtPartitions(surroundings)
  const channel = store.home.keys.nextDue
  const reply: unknown = await server.client.pubsub('NUMSUB', channel).catch(() => undefined)
  if (!Array.isArray(reply))
    return degraded(
      check,
      `PUBSUB is refused here, so the subscribers of ${channel} cannot be counted`,
      'allow it to this user (+pubsub|numsub)',
    )
  const count = Number(reply[1] ?? 0)
  const isProcessor = ({ role, dbs }: Process) => role === 'processor' && dbs.has(identity.db)
  if (count > 0 && server.clients && !processesAmong(server.clients).some(isProcessor))
    return degraded(
      check,
      `${count} listening to ${channel}, of other databases: Pub/Sub is shared by all databases, and no processor uses this one`,
      `start a processor on database ${identity.db} (lull processor)`,
    )
  return count > 0
    ? ok(check, `${count} listening to ${channel}`)
    : wrong(
        check,
        `no processor is subscribed to ${channel}`,
        'start a processor with the same Redis and LULL_PREFIX; one that runs may lack the right to subscribe (ACL: &rapid-fire.* and &__keyevent@*)',
      )
}

/** Each partition has a channel of its own. Of partitions that are away the check `cluster` says so. */
async function lookAtPartitions({ store }: Surroundings): Promise<Finding> {
  const check = 'listeners'
  const partitions = store.all.filter(({ partitionsAway }) => partitionsAway === 0)
  const command = store.nodes.isCluster ? 'SHARDNUMSUB' : 'NUMSUB'
  const counts = await Promise.all(
    partitions.map(async ({ redis, keys }) => {
      const reply: unknown = await redis.call('PUBSUB', command, keys.nextDue)
      return Array.isArray(reply) ? Number(reply[1] ?? 0) : 0
    }),
  )
  const silent = partitions.filter((_, i) => counts[i] === 0).map(({ keys }) => keys.prefix)
  if (silent.length === 0)
    return ok(check, `${Math.min(...counts)} or more listening to next-due of each of ${partitions.length} partitions`)
  return wrong(
    check,
    `no processor is subscribed to next-due of ${silent.length} of ${partitions.length} partitions (${silent.slice(0, NAMED).join(', ')})`,
    'start a processor with the same Redis, LULL_PREFIX and LULL_PARTITIONS; one that runs may lack the right to subscribe (ACL: &{rapid-fire/*)',
  )
}

const NAMED = 5
