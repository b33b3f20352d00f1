/** Stored rules in one process's memory. */
import { MOST_SCOPES, type SettingsListener, type SettingsStore, type StoredRules, tooManyScopes } from '../settings.js'
import { Subscribers } from './structures.js'

export class MemorySettings implements SettingsStore {
  private readonly rules = new Map<string, string>()
  private readonly listeners = new Subscribers<(listener: SettingsListener) => void>()
  private version = 0

  async all(): Promise<StoredRules> {
    return { version: this.version, rules: new Map(this.rules) }
  }

  async put(scope: string, json: string | undefined, was: string | undefined): Promise<boolean> {
    if (this.rules.get(scope) !== was) return false
    if (was === undefined && json !== undefined && this.rules.size >= MOST_SCOPES) throw tooManyScopes()
    if (json === undefined) this.rules.delete(scope)
    else this.rules.set(scope, json)
    this.version += 1
    const change = { scope, version: this.version, ...(json === undefined ? {} : { json }) }
    this.listeners.publish(listener => listener.changed(change))
    return true
  }

  check(): void {}

  async follow(listener: SettingsListener): Promise<() => Promise<void>> {
    const stop = this.listeners.add(
      publish => publish(listener),
      each => each.missed(),
    )
    return async () => stop()
  }
}
