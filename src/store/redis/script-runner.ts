/** Runs the Lua scripts of one store, with the rules and the names that they take. */
import type { Redis } from 'ioredis'
import type { RulesInUse } from '../../conversation-rules.js'
import { checkIntervalMs, type Rules } from '../../rules.js'
import type { Keys } from './keys.js'
import { luaSources, type ScriptName } from './lua.generated.js'

export type Argument = string | number

/** How a store publishes, and how long its history is. The scripts have it as constants (lua/shared/layout.lua). */
export interface ScriptLayout {
  /** Goes into the commands' names on a client, which stores of several kinds may share. */
  kind: 'whole' | 'partition' | 'sharded'
  publish: 'PUBLISH' | 'SPUBLISH'
  subscribers: 'NUMSUB' | 'SHARDNUMSUB'
  historyLength: number
  /** Publishes each new step on a channel with the name of the history: nobody blocks a connection to read it. */
  publishesHistory: boolean
}

/** One Redis, and what a Cluster has once. */
export const WHOLE: ScriptLayout = {
  kind: 'whole',
  publish: 'PUBLISH',
  subscribers: 'NUMSUB',
  historyLength: 10_000,
  publishesHistory: false,
}

const PARTITION_HISTORY = { historyLength: 1000, publishesHistory: true }

/** A partition of one Redis. */
export const PARTITION: ScriptLayout = { ...WHOLE, ...PARTITION_HISTORY, kind: 'partition' }

/** A partition of a Cluster. */
export const SHARDED: ScriptLayout = {
  ...PARTITION_HISTORY,
  kind: 'sharded',
  publish: 'SPUBLISH',
  subscribers: 'SHARDNUMSUB',
}

export interface ScriptRunnerParts {
  keys: Keys
  rules: Rules
  /** Kept up to date by the store. */
  inUse: RulesInUse
  layout: ScriptLayout
  /** The client and its database: asked at each call. */
  server: { readonly client: Redis; readonly db: number }
}

export class ScriptRunner {
  readonly checkMs: number
  /** As `lua/shared/rules.lua` takes them. */
  readonly storeRules: Argument[]

  constructor(private readonly parts: ScriptRunnerParts) {
    this.checkMs = checkIntervalMs(parts.rules)
    const { quietGapMs, maxWaitMs, maxMessages, maxBytes, earlyStartMs, answering, typingGapMs, holdMaxMs } =
      parts.rules
    this.storeRules = [quietGapMs, maxWaitMs, maxMessages, maxBytes, earlyStartMs, answering, typingGapMs, holdMaxMs]
  }

  get rules(): Rules {
    return this.parts.rules
  }

  get inUse(): RulesInUse {
    return this.parts.inUse
  }

  get db(): number {
    return this.parts.server.db
  }

  get supersedes(): 0 | 1 {
    return this.inUse.supersede ? 1 : 0
  }

  get longestWaitMs(): number {
    return this.inUse.longestWaitMs
  }

  /** @typeParam Reply as the script's header says */
  run<Reply>(name: ScriptName, args: Argument[]): Promise<Reply> {
    const { keys, layout, server } = this.parts
    const { client } = server
    const commandName = `lull-${layout.kind}-${name}`
    const command: (...all: Argument[]) => Promise<Reply> =
      Reflect.get(client, commandName) ?? define(client, commandName, luaSources[name], layout)
    return command.call(client, keys.prefix, ...args)
  }
}

/**
 * `KEYS[1]` is the prefix, a name that never exists. It says in which slot the script runs. If it existed, a script
 * could start on the old node of a slot that is being moved, and fail half-way.
 */
function define(client: Redis, commandName: string, source: string, layout: ScriptLayout) {
  client.defineCommand(commandName, { numberOfKeys: 1, lua: withLayout(source, layout) })
  return Reflect.get(client, commandName)
}

/** The constants of lua/shared/layout.lua, which are `{historyLength}` and the like in the text. */
function withLayout(source: string, layout: ScriptLayout): string {
  return source.replace(/\{(publish|subscribers|historyLength|publishesHistory)\}/g, (_, name: keyof ScriptLayout) =>
    String(layout[name]),
  )
}
