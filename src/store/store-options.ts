/**
 * How the library's classes are told where their store is: one that exists, or a Redis and the rules.
 */
import { type Logger, silent } from '../logger.js'
import type { Observer } from '../observer.js'
import { type RuleOptions, rulesFrom } from '../rules.js'
import type { RedisSource } from './redis/connection.js'
import { RedisStore } from './redis/store.js'
import type { Store } from './store.js'

export interface StoreOptions extends RuleOptions {
  /** A URL, ioredis options, or a function that makes a client. */
  redis?: RedisSource
  /** First part of every key and channel. */
  prefix?: string
  /** Instead of `redis`, `prefix` and the rules: a store, which is then its maker's to close. */
  store?: Store
  log?: Logger
  /** Told of what happens, to measure it. */
  observer?: Observer
  /** What these connections call themselves to Redis; by default by role, host and process. */
  name?: string
}

/** The store that options without one ask for. @throws {RangeError} for a rule out of its bounds */
export function storeFrom(
  { redis, prefix, log = silent, name, observer, ...options }: StoreOptions,
  role: string,
): Store {
  if (redis === undefined)
    throw new TypeError(
      'redis or store is missing: give a Redis URL, ioredis options, a function, or new MemoryStore()',
    )
  return new RedisStore({
    redis,
    log,
    role,
    rules: rulesFrom(options),
    ...(prefix === undefined ? {} : { prefix }),
    ...(name === undefined ? {} : { name }),
    ...(observer === undefined ? {} : { observer }),
  })
}
