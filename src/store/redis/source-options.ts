/**
 * Checks the names in what a user gives as `redis`. ioredis ignores a name that it does not know, and so would connect
 * to 127.0.0.1 if that was the host's.
 */
import type { RedisOptions } from 'ioredis'
import { refuseUnknown } from '../../config/known-options.js'
import { areSeeds, type ClusterSeeds } from './address.js'
import { isPlain, type RedisSource } from './source.js'

/** Of versions 5 and 6; the compiler finds one that is missing. */
const IOREDIS: Record<keyof RedisOptions, true> = {
  Connector: true,
  autoPipeliningIgnoredCommands: true,
  autoResendUnfulfilledCommands: true,
  autoResubscribe: true,
  blockingTimeout: true,
  blockingTimeoutGrace: true,
  clientInfoTag: true,
  commandQueue: true,
  commandTimeout: true,
  connectTimeout: true,
  connectionName: true,
  db: true,
  disableClientInfo: true,
  disconnectTimeout: true,
  enableAutoPipelining: true,
  enableOfflineQueue: true,
  enableReadyCheck: true,
  enableTLSForSentinelMode: true,
  failoverDetector: true,
  family: true,
  himportFieldsets: true,
  host: true,
  keepAlive: true,
  keyPrefix: true,
  lazyConnect: true,
  maxLoadingRetryTime: true,
  maxRetriesPerRequest: true,
  monitor: true,
  name: true,
  natMap: true,
  noDelay: true,
  offlineQueue: true,
  password: true,
  path: true,
  port: true,
  preferredSlaves: true,
  protocol: true,
  readOnly: true,
  reconnectOnError: true,
  replyMapping: true,
  retryStrategy: true,
  role: true,
  scripts: true,
  sentinelCommandTimeout: true,
  sentinelMaxConnections: true,
  sentinelPassword: true,
  sentinelReconnectStrategy: true,
  sentinelRetryStrategy: true,
  sentinelTLS: true,
  sentinelUsername: true,
  sentinels: true,
  showFriendlyErrorStack: true,
  socketTimeout: true,
  stringNumbers: true,
  tls: true,
  updateSentinels: true,
  username: true,
}
const OPTIONS = Object.keys(IOREDIS)
const SEEDS = Object.keys({ nodes: true, options: true } satisfies Record<keyof ClusterSeeds, true>)

/**
 * For where a user gives it; what Lull itself makes of it is not checked again.
 * @throws {TypeError} for an unknown name, with the one that is probably meant
 */
export function checkSource(source: RedisSource | undefined): void {
  if (source === undefined || !isPlain(source)) return
  if (!areSeeds(source)) {
    refuseUnknown('redis', source, OPTIONS)
    return
  }
  const { nodes, options } = source
  refuseUnknown('redis', source, SEEDS)
  if (options !== undefined) refuseUnknown('redis.options', options, OPTIONS)
  for (const node of Array.isArray(nodes) ? nodes : []) refuseUnknown('a node of redis', node, OPTIONS)
}
