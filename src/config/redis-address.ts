/**
 * Turns a Redis address as people write it (`redis://`, `rediss://`, a socket path; credentials and database in it)
 * into the client's options.
 *
 * Only address, database and credentials are read. Other options in the URL are ignored: `?maxRetriesPerRequest=…`, for
 * example, would break the store's guarantees.
 */
import type { RedisOptions } from 'ioredis'

const DEFAULT_PORT = 6379
const FORMS = 'redis://[user:password@]host[:port][/database], rediss://… or the path of a socket'
const ENCODE = 'percent-encode special characters of the password, or give it as REDIS_PASSWORD'

/** @throws {RangeError} that says what is wrong without repeating the address, which may contain a password */
export function redisOptions(address: string): RedisOptions {
  if (/^[a-z+]*sentinel:/i.test(address) || /^[a-z+]*cluster:/i.test(address))
    throw new RangeError('Sentinel and Cluster are not supported yet: give the address of a single primary')
  if (address.startsWith('unix:')) return socketOptions(address.replace(/^unix:(\/\/)?/, ''))
  if (!address.includes('://') && address.includes('/')) return socketOptions(address)
  if (!/^rediss?:\/\//i.test(address)) throw new RangeError(`must be ${FORMS}`)
  return serverOptions(address)
}

/** The address as logs and errors show it: with masked credentials, even if it is malformed. */
export function maskedAddress(address: string): string {
  const at = address.lastIndexOf('@')
  const scheme = /^[a-z+]+:\/\//i.exec(address)?.[0] ?? ''
  const rest = at < 0 ? address.slice(scheme.length) : `***@${address.slice(at + 1)}`
  return scheme + rest.replace(/([?&](?:password|username)=)[^&]*/gi, '$1***')
}

function serverOptions(address: string): RedisOptions {
  const url = parsed(address)
  if (url.hostname.includes(',')) throw new RangeError('names several servers: give the address of a single primary')
  if (url.hostname === '') throw new RangeError(`must be ${FORMS}; ${ENCODE}`)
  const family = url.searchParams.get('family')
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? DEFAULT_PORT : Number(url.port),
    db: database(url.pathname.slice(1) || url.searchParams.get('db')),
    ...(url.protocol === 'rediss:' ? { tls: {} } : {}),
    ...(family === '4' || family === '6' ? { family: Number(family) } : {}),
    ...credentials(decoded(url.username), decoded(url.password)),
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

const credentials = (username: string, password: string): RedisOptions => ({
  ...(username === '' ? {} : { username }),
  ...(password === '' ? {} : { password }),
})

function parsed(address: string): URL {
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
