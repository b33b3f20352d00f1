/** Checks of the Redis itself: what it is, what it keeps, what it announces, and how much room it has. */
import type { Redis } from 'ioredis'
import { MESSAGES_SHARE } from '../store/redis/memory-guard.js'
import { degraded, type Finding, ok, wrong } from './finding.js'
import type { Surroundings } from './surroundings.js'

const MIB = 1024 * 1024
/** Of `maxmemory`: from here on it is worth a look. */
const NEARLY_FULL = 0.75

export function reached({ identity: { address, db, prefix, runId } }: Surroundings): Finding {
  return ok('redis', `Redis at ${address}, database ${db}, prefix ${prefix}, run_id ${runId}`)
}

export function version({ identity }: Surroundings): Finding {
  return ok('version', `version ${identity.version}`)
}

export function eviction({ server }: Surroundings): Finding {
  const policy = server.facts.get('maxmemory_policy')
  return evictionOf('eviction', 'eviction', policy)
}

const EVICTION_REMEDY =
  'CONFIG SET maxmemory-policy noeviction, and in redis.conf; managed: its parameter group or console (ElastiCache, MemoryDB, Memorystore, Azure), on Upstash turn Eviction off'

function evictionOf(check: string, what: string, policy: string | undefined): Finding {
  if (policy === undefined)
    return degraded(check, `${what}: this Redis does not tell its maxmemory-policy`, 'see that it is noeviction')
  if (policy === 'noeviction') return ok(check, `${what} policy noeviction`)
  if (policy.startsWith('volatile-'))
    return degraded(
      check,
      `${what} policy ${policy}: messages stay, but what is known of open batches and seen ids may go when memory is full`,
      EVICTION_REMEDY,
    )
  return wrong(check, `${what} policy ${policy}: when memory is full, messages are lost`, EVICTION_REMEDY)
}

export async function persistence({ server: { client, facts } }: Surroundings): Promise<Finding> {
  const check = 'persistence'
  const failed = [
    ['aof_last_write_status', 'the append-only file'],
    ['aof_last_bgrewrite_status', 'rewriting the append-only file'],
    ['rdb_last_bgsave_status', 'the snapshot'],
  ].find(([fact]) => facts.get(fact ?? '') === 'err')
  if (failed)
    return wrong(
      check,
      `writing to disk fails: ${failed[1]}`,
      'see Redis’s log: a full disk, or a directory it may not write',
    )
  if (facts.get('aof_enabled') === '1') return ok(check, 'append-only file: what was written outlives a restart')
  const save = await setting(client, 'save')
  if (save === '')
    return degraded(
      check,
      'nothing is written to disk: a restart of Redis loses what waits',
      'CONFIG SET appendonly yes, and in redis.conf (see this project’s); managed: turn persistence on',
    )
  return degraded(
    check,
    save === undefined
      ? 'no append-only file (and this service does not show its snapshots): a crash may lose what was written last'
      : `snapshots only (save ${save}): a crash loses what was written after the last one`,
    'CONFIG SET appendonly yes, and in redis.conf; managed: turn AOF persistence on, or rely on its replicas',
  )
}

export async function notifications({ store }: Surroundings): Promise<Finding> {
  const check = 'notifications'
  const { result, flags, error } = await store.ensureNotifications(false)
  if (result === 'there') return ok(check, `notify-keyspace-events "${flags}"`)
  const managed = 'managed: notify-keyspace-events Ex in its parameter group or console'
  return result === 'refused'
    ? degraded(
        check,
        `CONFIG is refused here (${answerIn(error)}), so nobody sees whether expiry is announced; the timer and next-due do without`,
        `allow it to this user (+config|get, and +config|set for a processor to turn it on), or set notify-keyspace-events Ex in redis.conf; ${managed}; the canary below shows whether it is on`,
      )
    : degraded(
        check,
        `notify-keyspace-events "${flags}" lacks Ex: expired shadow keys wake nobody; the timer and next-due do without`,
        `CONFIG SET notify-keyspace-events ${flags}Ex, or let a processor do it (LULL_CONFIGURE_REDIS=on); ${managed}`,
      )
}

/** Redis's own words, without the advice around them, which is about passwords. */
const answerIn = (error: string | undefined) => /"(.*)"/.exec(error ?? '')?.[1] ?? error

export function memory({ server: { facts } }: Surroundings): Finding {
  const check = 'memory'
  const used = Number(facts.get('used_memory') ?? 0)
  const limit = Number(facts.get('maxmemory') ?? 0)
  if (limit === 0) return ok(check, `memory ${mib(used)}, no maxmemory`)
  const share = used / limit
  const says = `memory ${mib(used)} of ${mib(limit)} (${Math.round(share * 100)} %)`
  const remedy =
    'raise maxmemory, or see what fills it: redis-cli --bigkeys; finished jobs go by LULL_JOB_RETENTION_MS; managed: a larger node'
  if (share >= MESSAGES_SHARE)
    return wrong(check, `${says}: from ${MESSAGES_SHARE * 100} % on messages are refused (503)`, remedy)
  return share >= NEARLY_FULL ? degraded(check, says, remedy) : ok(check, says)
}

/** Where the queue has a Redis or a database of its own. */
export function queueRedis({ config, queueServer }: Surroundings): Finding[] {
  const { redis, name } = config.handover.queue ?? {}
  if (!redis) return []
  const check = 'queue-redis'
  const where = redis.path ?? `${redis.host}:${redis.port}`
  if (!queueServer)
    return [
      wrong(
        check,
        `the Redis of queue ${name} at ${where} can not be reached: batches wait`,
        'start it there, or correct LULL_QUEUE_REDIS_URL',
      ),
    ]
  return [evictionOf(check, `the queue’s Redis at ${where}: eviction`, queueServer.facts.get('maxmemory_policy'))]
}

/** `undefined` where CONFIG is refused. */
async function setting(client: Redis, name: string): Promise<string | undefined> {
  const reply: unknown = await client.config('GET', name).catch(() => undefined)
  return Array.isArray(reply) && typeof reply[1] === 'string' ? reply[1] : undefined
}

const mib = (bytes: number) => `${(bytes / MIB).toFixed(bytes < 10 * MIB ? 1 : 0)} MiB`
