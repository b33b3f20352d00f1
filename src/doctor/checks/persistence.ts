import type { Check } from '../check.js'
import { configured } from '../configured.js'
import { ofEach } from '../each-server.js'
import { degraded, type Finding, ok, wrong } from '../finding.js'
import type { Server } from '../surroundings.js'

const WRITES = [
  ['aof_last_write_status', 'the append-only file'],
  ['aof_last_bgrewrite_status', 'rewriting the append-only file'],
  ['rdb_last_bgsave_status', 'the snapshot'],
] as const

/** What survives a restart of Redis. */
export const persistence: Check = {
  name: 'persistence',
  look: async ({ servers }) => ofEach(servers, persistenceOf),
}

async function persistenceOf({ client, facts }: Server): Promise<Finding> {
  const failed = WRITES.find(([fact]) => facts.get(fact) === 'err')
  if (failed)
    return wrong(
      'persistence',
      `writing to disk fails: ${failed[1]}`,
      'see Redis’s log: the disk is full, or Redis may not write to its directory',
    )
  if (facts.get('aof_enabled') === '1') return ok('persistence', 'append-only file: written messages survive a restart')
  const save = await configured(client, 'save')
  if (save === '')
    return degraded(
      'persistence',
      'nothing is written to disk: a restart of Redis loses the messages that wait',
      'CONFIG SET appendonly yes, and in redis.conf (see this project’s); managed: turn persistence on',
    )
  return degraded(
    'persistence',
    save === undefined
      ? 'no append-only file (and this service does not show its snapshots): a crash may lose the last writes'
      : `snapshots only (save ${save}): a crash loses all writes after the last one`,
    'CONFIG SET appendonly yes, and in redis.conf; managed: turn AOF persistence on, or rely on its replicas',
  )
}
