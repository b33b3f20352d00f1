/** All stored settings at one moment: which of them can be used, and what holds for a scope. */
import { DRAIN_SCOPE } from '../store/settings.js'
import { type Ignored, type Layered, layered, oneLineOf, type ProcessSettings, type Scoped } from './layers.js'
import { type Overrides, overridesFrom } from './overrides.js'
import { ALL, scopesOf } from './scope.js'

/** A scope as it is stored. */
export interface StoredScope {
  /** `*`, an account or a conversation. */
  scope: string
  /** What it sets. Empty if they cannot be read. */
  rules: Overrides
  /** Why they are not used: they cannot be read, or contradict the rules below them. One line. */
  ignored?: string
}

export class Snapshot {
  /** @param rules JSON by scope */
  constructor(
    private readonly rules: ReadonlyMap<string, string>,
    private readonly process: ProcessSettings,
  ) {}

  /** `*` first, each account before its conversations. */
  get scopes(): string[] {
    return [...this.rules.keys()].filter(scope => scope !== DRAIN_SCOPE).sort(byScope)
  }

  of(scope: string): StoredScope {
    const read = this.read(scope)
    if (read === undefined) return { scope, rules: {} }
    if ('why' in read) return { scope, rules: {}, ignored: read.why }
    const ignored = this.layers(scope).ignored.find(one => one.scope === scope)
    return { scope, rules: read.overrides, ...(ignored ? { ignored: ignored.why } : {}) }
  }

  /** What holds for a conversation, or for all that an account has. */
  layers(scope: string): Layered {
    const scoped = scopesOf(scope).flatMap(one => {
      const read = this.read(one)
      return read && 'overrides' in read ? [read] : []
    })
    return layered(this.process, scoped)
  }

  private read(scope: string): Scoped | Ignored | undefined {
    const json = this.rules.get(scope)
    if (json === undefined) return undefined
    try {
      return { scope, overrides: overridesFrom(JSON.parse(json)) }
    } catch (error) {
      return { scope, why: oneLineOf(error) }
    }
  }
}

const byScope = (a: string, b: string) => (a === ALL || (b !== ALL && a < b) ? -1 : 1)
