/** How the library's classes get their store: the user gives one, or a Redis and the rules to make one. */
import { type Logger, silent } from '../logger.js'
import type { Observer } from '../observer.js'
import { type RuleOptions, rulesFrom } from '../rules.js'
import { type DeploymentOptions, deploymentFrom } from './deployment.js'
import { PartitionedStore } from './partitioned/store.js'
import type { RedisSource } from './redis/connection.js'
import { DEFAULT_PREFIX } from './redis/keys.js'
import type { Store } from './store.js'

export interface StoreOptions extends RuleOptions, DeploymentOptions {
  /** A URL, ioredis options, or a function that makes a client. */
  redis?: RedisSource
  /** First part of every key and channel. */
  prefix?: string
  /** How many partitions its conversations are divided into, for the life of the data: 64 on a Cluster, else none. */
  partitions?: number
  /** Replicas that must have a message before it is accepted, and a batch before it is handed over; 0. */
  waitReplicas?: number
  /** A store to use instead of `redis`, `prefix` and the rules. Its owner closes it. */
  store?: Store
  log?: Logger
  /** Called with what happens, for metrics. */
  observer?: Observer
  /** Names the connections to Redis. By default `lull.<role>.<host>.<pid>`. */
  name?: string
}

/** Makes the store that these options describe. @throws {RangeError} for a rule out of its bounds */
export function storeFrom(
  { redis, prefix = DEFAULT_PREFIX, log = silent, name, observer, partitions, waitReplicas, ...options }: StoreOptions,
  role: string,
): Store {
  if (redis === undefined)
    throw new TypeError(
      'redis or store is missing: give a Redis URL, ioredis options, a function, or new MemoryStore()',
    )
  deploymentFrom({ partitions, waitReplicas })
  return new PartitionedStore({
    redis,
    prefix,
    rules: rulesFrom(options),
    partitions,
    waitReplicas,
    role,
    name,
    log,
    ...(observer === undefined ? {} : { observer }),
  })
}
