/** Runs the Lua scripts of one store, with the rules and the names that they take. */
import type { Redis } from 'ioredis'
import type { RulesInUse } from '../../conversation-rules.js'
import { checkIntervalMs, type Rules } from '../../rules.js'
import type { Keys } from './keys.js'
import { luaSources } from './lua.generated.js'

type ScriptName = keyof typeof luaSources
export type Argument = string | number

export class ScriptRunner {
  readonly checkMs: number
  /** As `lua/shared/rules.lua` takes them. */
  readonly storeRules: Argument[]

  /** @param inUse kept up to date by the store */
  constructor(
    private readonly redis: Redis,
    private readonly keys: Keys,
    readonly rules: Rules,
    readonly inUse: RulesInUse,
    readonly db: number,
  ) {
    this.checkMs = checkIntervalMs(rules)
    const { quietGapMs, maxWaitMs, maxMessages, maxBytes, earlyStartMs, answering, typingGapMs, holdMaxMs } = rules
    this.storeRules = [quietGapMs, maxWaitMs, maxMessages, maxBytes, earlyStartMs, answering, typingGapMs, holdMaxMs]
    for (const [name, source] of Object.entries(luaSources)) {
      redis.defineCommand(commandName(name), { numberOfKeys: 1, lua: source })
    }
  }

  get supersedes(): 0 | 1 {
    return this.inUse.supersede ? 1 : 0
  }

  get longestWaitMs(): number {
    return this.inUse.longestWaitMs
  }

  /** @typeParam Reply as the script's header says */
  run<Reply>(name: ScriptName, args: Argument[]): Promise<Reply> {
    const command: (...all: Argument[]) => Promise<Reply> = Reflect.get(this.redis, commandName(name))
    return command.call(this.redis, this.keys.prefix, ...args)
  }
}

const commandName = (name: string) => `lull-${name}`
