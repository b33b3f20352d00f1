/**
 * Turns a Redis address as people write it into the client's options. The settings and the library parse it here.
 *
 *     redis://[user:password@]host[:port][/database]     one server, or a node of a Cluster; rediss:// for TLS
 *     redis://[user:password@]a:7000,b:7001              several nodes of a Cluster
 *     redis+sentinel://[user:password@]a,b[/database]?name=…[&sentinelUsername=…&sentinelPassword=…]
 *                                                        the primary that these Sentinels name; rediss+sentinel://
 *     /run/redis.sock, unix:///run/redis.sock?db=1       a socket
 *
 * Only address, database and credentials are read. Other options in the URL are ignored: `?maxRetriesPerRequest=…`, for
 * example, would break the store's guarantees.
 */
import type { RedisOptions } from 'ioredis'

/** Options of ioredis, by the types of version 6 or 5: their classes of connectors are not compatible to TypeScript. */
export type ServerOptions = RedisOptions | Omit<RedisOptions, 'Connector'>

/** Some nodes of a Cluster, through which the others are found, and the options for all of them. */
export interface ClusterSeeds {
  /** One at least; several, so that one of them may be down. */
  nodes: {
    /** A name or an address. */
    host: string
    /** Of its Redis. */
    port: number
  }[]
  /** User, password, TLS and the like. */
  options?: ServerOptions
}

/** One server by ioredis options, or some nodes of a Cluster. */
export type RedisAddress = ServerOptions | ClusterSeeds

const DEFAULT_PORT = 6379
const DEFAULT_SENTINEL_PORT = 26_379
const FORMS =
  'redis://[user:password@]host[:port][/database], rediss://…, redis+sentinel://host[:port]?name=… or the path of a socket'
const ENCODE = 'percent-encode special characters of the password, or give it as REDIS_PASSWORD'
/** The scheme, the credentials, the servers by comma, and the rest. */
const PARTS = /^([a-z+]+:\/\/)(?:([^/?#]*)@)?([^/?#]*)(.*)$/is

/** @throws {RangeError} that says what is wrong without repeating the address, which may contain a password */
export function redisAddress(address: string): RedisAddress {
  if (address.startsWith('unix:')) return socketOptions(address.replace(/^unix:(\/\/)?/, ''))
  if (!address.includes('://') && address.includes('/')) return socketOptions(address)
  if (/^[a-z+]*cluster:/i.test(address))
    throw new RangeError('a Cluster has no scheme of its own: give redis:// and one of its nodes, or several by comma')
  if (/^rediss?\+sentinel:\/\//i.test(address)) return sentinelOptions(address)
  if (/^rediss?:\/\//i.test(address)) return serverOptions(address)
  throw new RangeError(`must be ${FORMS}`)
}

export const areSeeds = (address: RedisAddress): address is ClusterSeeds =>
  'nodes' in address && address.nodes !== undefined

/** A Cluster has only database 0. */
export const databaseOf = (address: RedisAddress): number => (areSeeds(address) ? 0 : (address.db ?? 0))

export const withPassword = (address: RedisAddress, password: string): RedisAddress =>
  areSeeds(address) ? { ...address, options: { ...address.options, password } } : { ...address, password }

/**
 * The address as logs and errors name it, without credentials.
 * @param primary the server that a client of Sentinel is connected to, as in `127.0.0.1:6380`
 */
export function shownAddress(address: RedisAddress, primary?: string): string {
  if (areSeeds(address))
    return `${address.options?.tls ? 'rediss' : 'redis'}://${address.nodes.map(hostAndPort).join(',')}`
  const { host = '127.0.0.1', port = DEFAULT_PORT, path, tls, sentinels, name } = address
  if (sentinels) {
    const servers = sentinels.map(({ host: at = '127.0.0.1', port: on = DEFAULT_SENTINEL_PORT }) =>
      hostAndPort({ host: at, port: on }),
    )
    return `${tls ? 'rediss' : 'redis'}+sentinel://${name} (${primary ?? `Sentinels ${servers.join(', ')}`})`
  }
  return path || `${tls ? 'rediss' : 'redis'}://${hostAndPort({ host, port })}`
}

export const hostAndPort = ({ host, port }: { host: string; port: number }): string =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`

/** A query parameter whose value must not be shown. */
const SECRET_PARAMETER = /[?&](?:sentinel)?(?:password|username)=/i

/**
 * The address as errors repeat it: with masked credentials, even if it is malformed. What follows the first secret
 * parameter is left out, since an unencoded password may contain `&`.
 */
export function maskedAddress(address: string): string {
  const scheme = /^[a-z][a-z0-9+.-]*:\/\//i.exec(address)?.[0] ?? ''
  const secret = SECRET_PARAMETER.exec(address)
  const shown = secret ? address.slice(0, secret.index + secret[0].length) : address
  // Whether it ends the credentials or is part of a password cannot be told.
  if (secret && address.slice(shown.length).includes('@')) return `${scheme}***`
  const at = shown.lastIndexOf('@')
  const rest = at < 0 ? shown.slice(scheme.length) : `***@${shown.slice(at + 1)}`
  return `${scheme}${rest}${secret ? '***' : ''}`
}

/** @returns options for one server, seeds for several */
function serverOptions(address: string): RedisAddress {
  const { url, servers } = parsed(address, DEFAULT_PORT)
  const options: RedisOptions = { ...tlsOf(url), ...familyOf(url), ...userOf(url) }
  const db = databaseIn(url)
  const [first, ...others] = servers
  if (others.length === 0) return { ...first, db, ...options }
  if (db !== 0) throw new RangeError(`names several nodes of a Cluster and database ${db}: a Cluster has only 0`)
  return { nodes: servers, options }
}

function sentinelOptions(address: string): RedisOptions {
  const { url, servers } = parsed(address, DEFAULT_SENTINEL_PORT)
  const name = url.searchParams.get('name')
  if (!name) throw new RangeError('names no service: add ?name= and the name that the Sentinels watch it by')
  const sentinelUsername = url.searchParams.get('sentinelUsername')
  const sentinelPassword = url.searchParams.get('sentinelPassword')
  return {
    sentinels: [...servers],
    name,
    db: databaseIn(url),
    ...(url.protocol.startsWith('rediss') ? { tls: {}, enableTLSForSentinelMode: true, sentinelTLS: {} } : {}),
    ...familyOf(url),
    ...userOf(url),
    ...(sentinelUsername ? { sentinelUsername } : {}),
    ...(sentinelPassword ? { sentinelPassword } : {}),
  }
}

function socketOptions(address: string): RedisOptions {
  const query = address.indexOf('?')
  const path = query < 0 ? address : address.slice(0, query)
  if (path === '') throw new RangeError(`must be ${FORMS}`)
  const settings = new URLSearchParams(query < 0 ? '' : address.slice(query))
  return {
    path,
    db: database(settings.get('db')),
    ...credentials(settings.get('username') ?? '', settings.get('password') ?? ''),
  }
}

const tlsOf = (url: URL): RedisOptions => (url.protocol === 'rediss:' ? { tls: {} } : {})

const databaseIn = (url: URL): number => database(url.pathname.slice(1) || url.searchParams.get('db'))

function familyOf(url: URL): RedisOptions {
  const family = url.searchParams.get('family')
  return family === '4' || family === '6' ? { family: Number(family) } : {}
}

const userOf = (url: URL): RedisOptions => credentials(decoded(url.username), decoded(url.password))

const credentials = (username: string, password: string): RedisOptions => ({
  ...(username === '' ? {} : { username }),
  ...(password === '' ? {} : { password }),
})

type Server = ClusterSeeds['nodes'][number]

/** The URL with the first of its servers, and all its servers. */
function parsed(address: string, defaultPort: number): { url: URL; servers: [Server, ...Server[]] } {
  const [, scheme = '', user, hosts = '', rest = ''] = PARTS.exec(address) ?? []
  if (user !== undefined && /@[^@]*,/.test(user))
    throw new RangeError(
      `holds @ before the last of its servers: give the credentials once, before the first; ${ENCODE}`,
    )
  if (/,\s*[a-z+]+:\/\//i.test(`${hosts}${rest}`.split('?', 1)[0] ?? ''))
    throw new RangeError(
      `repeats the scheme before its other servers: give it once, ${scheme}host:port,host:port, and the credentials too`,
    )
  const before = scheme + (user === undefined ? '' : `${user}@`)
  const [first = '', ...others] = hosts.split(',').map(host => host.trim())
  if (others.includes('')) throw new RangeError('has a comma without a server behind it: leave it out')
  const url = parsedUrl(before + first + rest)
  const serverIn = ({ hostname, port }: URL): Server => {
    if (hostname === '') throw new RangeError(`must be ${FORMS}; ${ENCODE}`)
    return { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? defaultPort : Number(port) }
  }
  return { url, servers: [serverIn(url), ...others.map(host => serverIn(parsedUrl(scheme + host)))] }
}

function parsedUrl(address: string): URL {
  try {
    return new URL(address)
  } catch {
    throw new RangeError(`must be ${FORMS}; ${ENCODE}`)
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new RangeError(`holds a % that encodes nothing; ${ENCODE}`)
  }
}

function database(text: string | null): number {
  const db = text === null || text === '' ? 0 : Number(text)
  if (!Number.isInteger(db) || db < 0) throw new RangeError('names a database that is not a whole number from 0')
  return db
}
