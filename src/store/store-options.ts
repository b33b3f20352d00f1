/** How the library's classes get their store: the user gives one, or a Redis and the rules to make one. */
import { RULE_NAMES } from '../config/known-options.js'
import { type Logger, silent } from '../logger.js'
import type { Observer } from '../observer.js'
import { type RuleOptions, rulesFrom } from '../rules.js'
import type { TelemetryApi } from '../telemetry/api.js'
import { type DeploymentOptions, deploymentFrom } from './deployment.js'
import { PartitionedStore } from './partitioned/store.js'
import { DEFAULT_PREFIX } from './redis/keys.js'
import type { RedisSource } from './redis/source.js'
import { checkSource } from './redis/source-options.js'
import type { Store } from './store.js'

/** Options with either store. */
export interface CommonOptions {
  /**
   * A pino instance, or an object with `debug`, `info`, `warn` and `error`.
   * @defaultValue silent
   */
  log?: Logger
  /** Called with what happens, for metrics. */
  observer?: Observer
  /** Traces with OpenTelemetry: the module `@opentelemetry/api`, `import * as otel from '@opentelemetry/api'`. */
  telemetry?: TelemetryApi | undefined
  /**
   * Names the connections to Redis, in `CLIENT LIST` for example.
   * @defaultValue lull.<role>.<host>.<pid>
   */
  name?: string
}

/** A Redis, and the rules of the store that is made on it. */
export interface StoreOnRedisOptions extends CommonOptions, RuleOptions, DeploymentOptions {
  /**
   * A URL, ioredis options, a client of ioredis 5 or 6, `{ nodes, options }` of a Cluster, or a function that makes a
   * client. What cannot be used throws a `TypeError` or a `RangeError` with the remedy.
   */
  redis: RedisSource
  /** Not beside `redis`. */
  store?: undefined
  /**
   * First part of every key and channel. Batchers and processors of one system have the same.
   * @defaultValue 'rapid-fire'
   */
  prefix?: string
}

/** What describes a store. It has no effect beside a store, so it is refused there. */
export type Description = Exclude<keyof StoreOnRedisOptions, keyof CommonOptions | 'store'>

/** A store that its owner has made, with its rules, and closes. */
export type GivenStoreOptions = CommonOptions & {
  /** A store to use instead of `redis`, `prefix` and the rules. Its owner closes it. */
  store: Store
} & Undescribed

/** Not beside `store`: its owner has given it what describes it. */
export type Undescribed = { [Name in Description]?: undefined }

/** Either `redis`, or a `store`. */
export type StoreOptions = StoreOnRedisOptions | GivenStoreOptions

const DESCRIPTION = ['redis', 'prefix', 'partitions', 'waitReplicas', ...RULE_NAMES]

/** The given store, or one of these options. @throws {TypeError} for both. @throws {RangeError} for a rule out of its bounds */
export function storeOf(options: StoreOptions, role: string): Store {
  if (options.store === undefined) return storeFrom(options, role)
  const given = Object.entries(options).filter(([, value]) => value !== undefined)
  const [name] = given.find(([each]) => DESCRIPTION.includes(each)) ?? []
  if (name !== undefined) throw new TypeError(`${name} has no effect beside store: ${REMEDIES[name] ?? TO_STORE(name)}`)
  return options.store
}

const TO_STORE = (name: string) => `give it to the store, new MemoryStore({ ${name} })`
const REMEDIES: Record<string, string> = {
  redis: 'give one of them; a queue may have its own, bullmq({ redis })',
  prefix: 'give it to the store',
  partitions: 'give redis instead of store',
  waitReplicas: 'give it to the store',
}

/** Makes the store that these options describe. @throws {RangeError} for a rule out of its bounds */
export function storeFrom(
  {
    redis,
    prefix = DEFAULT_PREFIX,
    log = silent,
    name,
    observer,
    partitions,
    waitReplicas,
    telemetry: _telemetry,
    ...options
  }: StoreOnRedisOptions,
  role: string,
): Store {
  if (redis === undefined)
    throw new TypeError(
      'redis or store is missing: give a Redis URL, ioredis options or a client, or new MemoryStore()',
    )
  checkSource(redis)
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
