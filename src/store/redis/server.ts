/**
 * Checks the Redis server. It must be 7.0 or later (script flags, `PEXPIREAT … GT`), or Valkey: one server or a node of
 * a Cluster, but no Sentinel, which holds no data. One server should publish the expiry of keys.
 */
import type { Redis } from 'ioredis'
import type { Notifications, StoreIdentity } from '../store.js'
import { connect } from './connection.js'
import { redisError } from './errors.js'

const OLDEST_MAJOR = 7

export interface ServerFacts extends Pick<StoreIdentity, 'runId' | 'version' | 'db'> {
  /** It is a node of a Cluster. */
  isCluster: boolean
}

/**
 * Resolves to facts about the server.
 * @throws one line naming the server, what is wrong with it and the remedy
 */
export async function inspectServer(client: Redis, address: string): Promise<ServerFacts> {
  const facts = factsOf(await client.info('server'))
  const mode = modeOf(facts)
  if (mode === 'sentinel')
    throw new Error(
      `Redis at ${address} is a Sentinel, which holds no data: give redis+sentinel://host:port/0?name=…, with the ` +
        'name that the Sentinels have for the primary',
    )
  const isValkey = facts.get('server_name') === 'valkey'
  const version = (isValkey ? facts.get('valkey_version') : facts.get('redis_version')) ?? '0'
  if (!isValkey && Number.parseInt(version, 10) < OLDEST_MAJOR)
    throw new Error(`Redis at ${address} is version ${version}: Lull needs Redis ${OLDEST_MAJOR}.0 or later, or Valkey`)
  const { db = 0 } = client.options
  const isCluster = mode === 'cluster'
  // Rejects if the database does not exist. The client alone would go on in database 0. A Cluster refuses SELECT.
  if (!isCluster) await client.select(db)
  return {
    runId: facts.get('run_id') ?? 'unknown',
    version: isValkey ? `valkey ${version}` : version,
    db,
    isCluster,
  }
}

/** `standalone`, `cluster` or `sentinel`. Valkey has a name of its own for it. */
export const modeOf = (facts: Map<string, string>): string =>
  facts.get('redis_mode') ?? facts.get('server_mode') ?? 'standalone'

/** The lines of an `INFO` reply: value by name. */
export function factsOf(info: string): Map<string, string> {
  const lines = info.split('\r\n').filter(line => line.includes(':'))
  return new Map(lines.map(line => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]))
}

const SETTING = 'notify-keyspace-events'
const COMES_BACK = ['connecting', 'connect', 'reconnecting']

/** Adds the missing flags of `Ex`, if `mayChange`. Removes none. */
export async function ensureExpiryEvents(client: Redis, address: string, mayChange: boolean): Promise<Notifications> {
  let flags = ''
  try {
    // Called when a subscription is in place, which after an outage may be earlier than the connection for commands.
    if (COMES_BACK.includes(client.status)) await connect(client)
    flags = await flagsOf(client)
    const missing = missingFlags(flags)
    if (missing === '') return { result: 'there', flags }
    if (!mayChange) return { result: 'off', flags }
    await client.config('SET', SETTING, flags + missing)
    return { result: 'added', flags: await flagsOf(client) }
  } catch (error) {
    return { result: 'refused', flags, error: redisError(error, address).message }
  }
}

const missingFlags = (flags: string) => (flags.includes('E') ? '' : 'E') + (/[xA]/.test(flags) ? '' : 'x')

async function flagsOf(client: Redis): Promise<string> {
  const reply: unknown = await client.config('GET', SETTING)
  return Array.isArray(reply) && typeof reply[1] === 'string' ? reply[1] : ''
}
