/**
 * The options of `Batcher` and `Processor` by name. Both may get the same object: so each accepts, without an effect,
 * the options that only the other one has.
 */
import { RULE_NAMES, refuseUnknown } from '../config/known-options.js'
import type { RuleOptions } from '../rules.js'

const NAMES = {
  store: true,
  redis: true,
  prefix: true,
  partitions: true,
  waitReplicas: true,
  log: true,
  observer: true,
  telemetry: true,
  name: true,
  batching: true,
  onOwnMessage: true,
  rulesFor: true,
  handover: true,
  handle: true,
  concurrency: true,
  configureRedis: true,
}

/** The compiler finds an option of the caller's that is missing here. */
type Named<Options> = keyof Options extends keyof typeof NAMES | keyof RuleOptions ? Options : never

/** @throws {TypeError} */
export function refuseUnknownOptions<Options extends object>(taker: string, options: Named<Options>): void {
  refuseUnknown(taker, options, [...RULE_NAMES, ...Object.keys(NAMES)])
}
