/**
 * The options of `Batcher` and `Processor` by name. Both may get the same object: so each accepts, without an effect,
 * the options that only the other one has.
 */
import { checkOptions, type NamesOf, RULE_NAMES } from '../config/known-options.js'
import { aFunction, anObject, atOnce, flag, logger, oneOf, text, withMethods } from '../config/option-checks.js'
import type { RuleOptions } from '../rules.js'

const NAMES = {
  store: withMethods(['open', 'append', 'claim'], 'give a MemoryStore, a RedisStore or a Store of your own'),
  redis: true,
  prefix: text,
  partitions: true,
  waitReplicas: true,
  log: logger,
  observer: anObject,
  telemetry: anObject,
  name: text,
  batching: flag,
  onOwnMessage: oneOf(['ignore', 'drop', 'pause']),
  rulesFor: aFunction,
  handover: withMethods(
    ['start', 'handOver', 'stop'],
    'give bullmq(), http({ url }) or a Handover of your own; give a function that takes a batch as handle',
  ),
  handle: true,
  concurrency: atOnce,
  configureRedis: flag,
} satisfies NamesOf<Record<string, unknown>>

/** The compiler finds an option of the caller's that is missing here. */
type Named<Options> = keyof Options extends keyof typeof NAMES | keyof RuleOptions ? Options : never

/** @throws {TypeError} as `checkOptions`. @throws {RangeError} for a value out of its bounds */
export function refuseUnknownOptions<Options extends object>(taker: string, options: Named<Options>): void {
  checkOptions(taker, options, NAMES, RULE_NAMES)
}
