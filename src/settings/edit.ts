/**
 * Reads and changes stored settings, for the command line, the API, the page and the library. What is stored has been
 * checked: each rule by its own bounds, and all rules of a scope together with those of the more general scopes. The
 * more special ones (an account's conversations; for `*` every other scope) keep what they set. If one of them
 * contradicts the change, it is not used any more, and a warning names it.
 *
 * Two editors of one scope do not overwrite each other's rules: a change is made again on what the other one stored.
 */
import type { Store } from '../store/store.js'
import { type Layered, namesIn, oneLineOf, type ProcessSettings } from './layers.js'
import {
  type ConversationSettings,
  OVERRIDES,
  type OverrideName,
  type Overrides,
  overrideName,
  overridesFrom,
} from './overrides.js'
import { checkScope, scopesOf } from './scope.js'
import { Snapshot, type StoredScope } from './snapshot.js'

/** One rule that holds for a scope. */
export interface Held {
  /** The rule's name. */
  name: OverrideName
  /** The rule's value. */
  value: ConversationSettings[OverrideName]
  /** The scope that it comes from; absent: the settings of this process. */
  scope?: string
}

/** The rules of a scope, and all that hold for it. */
export interface ScopeView extends StoredScope {
  /** What holds for it in the end, without a hook and the rules of a call; all rules, in the documented order. */
  holds: Held[]
}

/** What an edit of stored rules has made. */
export interface Edited {
  /** `*`, an account or a conversation. */
  scope: string
  /** All rules of the scope now. */
  rules: Overrides
  /** One line for each scope that is not used any more. */
  warnings: string[]
}

/** Changes of a scope by others between our reading and our writing that one edit endures. */
const MOST_TRIES = 20
const MOST_WARNINGS = 5

export interface SettingsEditorParts {
  /** Opens the store, if that is not done. */
  open(): Promise<Pick<Store, 'settings'>>
  /** The conversation of a person, for another id of theirs. */
  canonical(conversationId: string): Promise<string>
  process: ProcessSettings
}

/** Reads and changes the rules that are stored by scope: `*` for all, an account, a conversation. */
export class SettingsEditor {
  /** @internal */
  constructor(private readonly parts: SettingsEditorParts) {}

  /** All scopes that have rules: `*` first, each account before its conversations. */
  async all(): Promise<StoredScope[]> {
    const { rules } = await this.read()
    const snapshot = new Snapshot(rules, this.parts.process)
    return snapshot.scopes.map(scope => snapshot.of(scope))
  }

  /**
   * What a scope sets, and what holds for it in the end.
   * @throws {RangeError} one line, if it can be no scope
   */
  async of(given: string): Promise<ScopeView> {
    const scope = await this.checked(given)
    const { rules } = await this.read()
    const snapshot = new Snapshot(rules, this.parts.process)
    return { ...snapshot.of(scope), holds: holdsIn(snapshot.layers(scope)) }
  }

  /**
   * Sets these rules, and keeps the others that the scope has.
   * @param rules by name; a value may be the text that its environment variable would have
   * @throws {RangeError} one line: a name, a value, a contradiction, a scope
   */
  async set(scope: string, rules: unknown): Promise<Edited> {
    const overrides = overridesFrom(rules)
    return this.edit(scope, (one, stored) => ({ ...readable(one, stored), ...overrides }))
  }

  /** Sets these rules instead of those that the scope has. None: the scope is removed. @throws as `set` */
  async replace(scope: string, rules: unknown): Promise<Edited> {
    const overrides = overridesFrom(rules)
    return this.edit(scope, () => overrides)
  }

  /**
   * Takes rules out of a scope; without names all of them.
   * @throws {RangeError} one line: a name that is no rule's or is not set, or a scope without rules
   */
  async unset(given: string, names: readonly string[] = []): Promise<Edited> {
    const known = names.map(overrideName)
    return this.edit(given, (scope, stored) => {
      if (stored === undefined) throw new RangeError(`${scope} has no stored settings: there is nothing to unset`)
      if (known.length === 0) return {}
      const rules = readable(scope, stored)
      const missing = known.find(name => rules[name] === undefined)
      if (missing !== undefined)
        throw new RangeError(`${missing} is not set for ${scope}: it has ${namesIn(rules).join(', ')}`)
      return Object.fromEntries(Object.entries(rules).filter(([name]) => !known.some(each => each === name)))
    })
  }

  /**
   * Removes the scopes of conversations that are forgotten, if they have any.
   * @internal
   */
  async forget(conversationIds: readonly string[]): Promise<void> {
    const { rules } = await this.read()
    for (const scope of conversationIds) if (rules.has(scope)) await this.write(scope, () => ({}))
  }

  private async edit(given: string, change: (scope: string, json?: string) => Overrides): Promise<Edited> {
    return this.write(await this.checked(given), change)
  }

  private async write(scope: string, change: (scope: string, json?: string) => Overrides): Promise<Edited> {
    const { settings } = await this.parts.open()
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      const { rules } = await settings.all()
      const was = rules.get(scope)
      const overrides = change(scope, was)
      const json = jsonOf(overrides)
      const next = new Map(rules)
      if (json === undefined) next.delete(scope)
      else next.set(scope, json)
      const warnings = this.effectOf(
        scope,
        new Snapshot(rules, this.parts.process),
        new Snapshot(next, this.parts.process),
      )
      if (was === json || (await settings.put(scope, json, was)))
        return { scope, rules: json === undefined ? {} : overridesFrom(JSON.parse(json)), warnings }
    }
    throw new RangeError(`the settings of ${scope} are being changed by another program all the time: try again`)
  }

  /** @throws {RangeError} if the scope itself would not be used */
  private effectOf(scope: string, before: Snapshot, after: Snapshot): string[] {
    const why = after.of(scope).ignored
    if (why !== undefined) throw new RangeError(`settings of ${scope}: ${why}`)
    const lost = after.scopes.flatMap(one => {
      if (!isMoreSpecial(one, scope) || before.of(one).ignored !== undefined) return []
      const { ignored } = after.of(one)
      return ignored === undefined ? [] : [`the settings of ${one} are not used any more: ${ignored}`]
    })
    const left = lost.length - MOST_WARNINGS
    return left > 0 ? [...lost.slice(0, MOST_WARNINGS), `and those of ${left} more scopes`] : lost
  }

  private async read() {
    return (await this.parts.open()).settings.all()
  }

  private async checked(scope: string): Promise<string> {
    checkScope(scope)
    return this.parts.canonical(scope)
  }
}

/** @throws {RangeError} if another version, or another program, wrote what this one cannot read */
function readable(scope: string, json = '{}'): Overrides {
  try {
    return overridesFrom(JSON.parse(json))
  } catch (error) {
    throw new RangeError(
      `the settings of ${scope} cannot be read (${oneLineOf(error)}): unset them, or replace all of them`,
    )
  }
}

/** In the documented order; `undefined` for none. */
function jsonOf(rules: Overrides): string | undefined {
  const names = namesIn(rules)
  return names.length === 0 ? undefined : JSON.stringify(Object.fromEntries(names.map(name => [name, rules[name]])))
}

const holdsIn = ({ settings, scopes }: Layered): Held[] =>
  OVERRIDES.map(name => {
    const scope = scopes[name]
    return { name, value: settings[name], ...(scope === undefined ? {} : { scope }) }
  })

/** Whether `one` is a more special scope than `scope`. */
const isMoreSpecial = (one: string, scope: string) => one !== scope && scopesOf(one).includes(scope)
