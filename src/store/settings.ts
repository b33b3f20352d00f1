/**
 * Rules that are stored by scope: of all conversations (`*`), of an account, of a conversation. The store keeps each
 * scope's rules as JSON, which it does not read.
 */
export interface StoredRules {
  /** Goes up by one with every change. */
  version: number
  /** By scope. */
  rules: ReadonlyMap<string, string>
}

/** A change of stored rules. */
export interface SettingsChange {
  /** Whose rules: `*`, an account or a conversation. */
  scope: string
  /** Absent: the scope has no rules any more. */
  json?: string | undefined
  /** Of all rules, after this change. */
  version: number
}

/** Gets changes of stored rules. */
export interface SettingsListener {
  /** A scope has other rules now. */
  changed(change: SettingsChange): void
  /** Changes may have been missed: before now, or while the connection was away. Read all again. */
  missed(): void
}

/** Where rules are stored by scope. */
export interface SettingsStore {
  /** All, of one moment. */
  all(): Promise<StoredRules>
  /**
   * Stores a scope's rules, or removes them, if they still are `was` (`undefined`: none). Resolves to whether they were.
   * @throws {RangeError} if there are `MOST_SCOPES` already
   */
  put(scope: string, json: string | undefined, was: string | undefined): Promise<boolean>
  /** Calls `listener` for each change, `missed` first, until the returned function is called. */
  follow(listener: SettingsListener): Promise<() => Promise<void>>
  /**
   * A message is about to go by what was followed: makes sure, now and then, that nothing is missed. Followers that
   * nobody depends on send nothing.
   */
  check(): void
}

/**
 * A scope that no conversation and no account can have (settings/scope.ts). Its value is the drain flag: the layout that
 * drains, as `layoutSinceMs` in JSON. The flag of an old layout is over for the next one, and a process that still runs
 * on the old one goes on refusing.
 */
export const DRAIN_SCOPE = 'drain/*'

/** Every process that goes by them keeps all in memory. */
export const MOST_SCOPES = 10_000

export const tooManyScopes = () =>
  new RangeError(`${MOST_SCOPES} scopes have stored settings, and no more fit: unset some, or use a hook (LULL_RULES)`)
