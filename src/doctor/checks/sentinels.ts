/** The Sentinels that REDIS_URL names: whether they answer and agree, and what a failover needs. */
import { Redis } from 'ioredis'
import { hostAndPort } from '../../store/redis/address.js'
import { connect } from '../../store/redis/connection.js'
import type { Check } from '../check.js'
import { counted, degraded, type Finding, ok, wrong } from '../finding.js'
import type { Server, Surroundings } from '../surroundings.js'

const LONGEST_DOWN_AFTER_MS = 5000

export const sentinels: Check = { name: 'sentinels', look }

interface Seen {
  where: string
  /** Absent if it does not answer. */
  primary?: Map<string, string>
}

async function look({ config: { redis }, server }: Surroundings): Promise<Finding[]> {
  if ('nodes' in redis || !redis.sentinels) return []
  const { name = 'mymaster', sentinelUsername, sentinelPassword } = redis
  const seen = await Promise.all(
    redis.sentinels.map(({ host = '127.0.0.1', port = 26379 }) =>
      ask({ host, port, name, username: sentinelUsername, password: sentinelPassword }),
    ),
  )
  const silent = seen.filter(({ primary }) => !primary).map(({ where }) => where)
  const answers = seen.flatMap(({ primary }) => (primary ? [primary] : []))
  const primaries = [...new Set(answers.map(facts => `${facts.get('ip')}:${facts.get('port')}`))]
  const [first] = answers
  const check = 'sentinels'
  if (!first) return [wrong(check, `no Sentinel answers (${silent.join(', ')})`, 'start them, or correct REDIS_URL')]
  const quorum = Number(first.get('quorum'))
  const says = `${answers.length} of ${seen.length} Sentinels answer, and name ${primaries.join(' and ')} as ${name}; quorum ${quorum}`
  const agreement =
    primaries.length > 1
      ? wrong(check, says, 'they do not agree: SENTINEL RESET, one after the other, once the primary is certain')
      : silent.length > 0
        ? degraded(check, `${says}; silent: ${silent.join(', ')}`, 'start them: a failover needs a majority')
        : ok(check, says)
  return [agreement, replicasOf(first, server), downAfter(first)]
}

/** Sentinels also count a replica that is gone, until SENTINEL RESET. */
function replicasOf(primary: Map<string, string>, { facts }: Server): Finding {
  const check = 'sentinel-replicas'
  const known = Number(primary.get('num-slaves') ?? 0)
  const connected = Number(facts.get('connected_slaves') ?? known)
  if (connected === 0)
    return wrong(
      check,
      'the primary has no replica: nothing can take its place',
      known > 0 ? 'start the replicas that the Sentinels know' : 'add a replica: REPLICAOF <primary>',
    )
  return connected < known
    ? degraded(
        check,
        `${connected} of ${counted(known, 'replica')} connected to the primary`,
        'start the others; if one is gone for good: SENTINEL RESET on each Sentinel, one after the other',
      )
    : ok(
        check,
        `${counted(connected, 'replica')}; switch without loss by CLIENT PAUSE … WRITE first (docs/operations.md)`,
      )
}

function downAfter(primary: Map<string, string>): Finding {
  const ms = Number(primary.get('down-after-milliseconds'))
  return ms > LONGEST_DOWN_AFTER_MS
    ? degraded(
        'sentinel-down-after',
        `down-after-milliseconds is ${ms}: so long, and some more, nothing is released after the primary has died`,
        `SENTINEL SET … down-after-milliseconds ${LONGEST_DOWN_AFTER_MS} on each Sentinel`,
      )
    : ok('sentinel-down-after', `down-after-milliseconds ${ms}`)
}

interface Asked {
  host: string
  port: number
  name: string
  username: string | undefined
  password: string | undefined
}

async function ask({ host, port, name, username, password }: Asked): Promise<Seen> {
  const where = hostAndPort({ host, port })
  const client = new Redis({
    host,
    port,
    lazyConnect: true,
    commandTimeout: 2000,
    retryStrategy: () => null,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
  })
  client.on('error', () => {})
  try {
    await connect(client)
    const reply: unknown = await client.call('SENTINEL', 'MASTER', name)
    return { where, primary: pairs(reply) }
  } catch {
    return { where }
  } finally {
    client.disconnect()
  }
}

/** RESP2 answers a list, RESP3 a map, which ioredis makes an object. */
function pairs(reply: unknown): Map<string, string> {
  if (!Array.isArray(reply)) return new Map(Object.entries(Object(reply)).map(([name, value]) => [name, String(value)]))
  const found = new Map<string, string>()
  for (let i = 0; i + 1 < reply.length; i += 2) found.set(String(reply[i]), String(reply[i + 1]))
  return found
}
