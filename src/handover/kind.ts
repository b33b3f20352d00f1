/**
 * A kind of handover that `LULL_HANDOVER` can name. A kind is one file, which declares all of it (its variables, what
 * its receiver can do, how to make it), and one entry in `registry.ts`. The commands ask a configured handover what it
 * can do; they never ask which kind it is. A declaration is loaded at every start, so it imports its client when it is
 * made.
 */
import { type AnySettings, declaredIn, type Read, type SettingsOf } from '../config/setting.js'
import type { RedisAddress } from '../store/redis/address.js'
import type { Handover } from './handover.js'

/** The BullMQ queue that workers take batches from. */
export interface QueueSettings {
  name: string
  prefix: string
  /** How many queues of this name share the partitions: see queue-shards.ts. */
  shards: number
  /** Absent: the queue is on Lull's own Redis. */
  redis?: RedisAddress | undefined
  /** How long finished jobs are kept. */
  jobRetentionMs: number
}

export interface HandoverDeclaration<Options extends object> {
  /** The word for `LULL_HANDOVER`, and the metrics' label `kind`. */
  name: string
  /** What becomes of a batch, after "a batch": `is POSTed to LULL_HANDOVER_URL`. */
  whatHappens: string
  /** Where to look when answers fail. */
  remedy: string
  settings: SettingsOf<Options>
  /** The options that all processes of one system have to share. */
  shared: readonly (keyof Options & string)[]
  /** What is missing, in one line with the remedy; `undefined`: nothing. */
  lacks?(options: Options): string | undefined
  /** Its queue, if it has one: then there are workers, the page shows the queue, and `forget` removes jobs from it. */
  queue?(options: Options): QueueSettings
  /** Loads what only this handover needs. @param redis Lull's own */
  make(options: Options, redis: RedisAddress): Promise<Handover>
}

/** A kind as the registry lists it. */
export interface HandoverKind {
  readonly name: string
  readonly whatHappens: string
  readonly settings: AnySettings
  /** @throws {ConfigError} for a value that cannot be used */
  configure(read: Read): ConfiguredHandover
}

/** A handover as the settings describe it. */
export interface ConfiguredHandover {
  readonly kind: string
  readonly whatHappens: string
  readonly remedy: string
  readonly options: object
  /** By the variables' names: what all processes of one system have to share. */
  readonly shared: Readonly<Record<string, string | number | boolean>>
  readonly lacks: string | undefined
  readonly queue: QueueSettings | undefined
  /** @param redis Lull's own */
  make(redis: RedisAddress): Promise<Handover>
}

export function handoverKind<Options extends object>(declaration: HandoverDeclaration<Options>): HandoverKind {
  const { name, whatHappens, remedy, settings } = declaration
  return {
    name,
    whatHappens,
    settings,
    configure(read) {
      const options = read(settings)
      return {
        kind: name,
        whatHappens,
        remedy,
        options,
        shared: sharedOf(declaration, options),
        lacks: declaration.lacks?.(options),
        queue: declaration.queue?.(options),
        make: redis => declaration.make(options, redis),
      }
    },
  }
}

function sharedOf<Options extends object>({ settings, shared }: HandoverDeclaration<Options>, options: Options) {
  const variables = new Map(declaredIn(settings).map(([name, { variable }]) => [name, variable]))
  const values: Record<string, string | number | boolean> = {}
  for (const name of shared) {
    const value = options[name]
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
      values[variables.get(name) ?? name] = value
  }
  return values
}
