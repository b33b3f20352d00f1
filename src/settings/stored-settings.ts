/**
 * The stored settings, as this process knows them. It reads them once, and then follows their changes: a change of the
 * next version is taken over as it is published; after a missed one, or a reconnection, all are read again.
 *
 * The drain flag (`lull drain`) is one of them, so it reaches every process that appends, and one that starts.
 */
import type { Logger } from '../logger.js'
import { DRAIN_SCOPE, type SettingsChange } from '../store/settings.js'
import { type Store, StoreUnavailable } from '../store/store.js'
import type { Scoped } from './layers.js'
import { overridesFrom } from './overrides.js'
import { scopesOf } from './scope.js'

const RETRY_MS = 1000

export class StoredSettings {
  private readonly scopes = new Map<string, Scoped>()
  private isDraining = false
  private version = -1
  private reading: Promise<void> | undefined
  private isStale = false
  private retryTimer: NodeJS.Timeout | undefined
  private stopFollowing: (() => Promise<void>) | undefined
  private stopped = false
  /** Called when any scope has changed. */
  onChange: () => void = () => {}

  constructor(
    private readonly store: Pick<Store, 'settings' | 'rulesInUse' | 'layoutSinceMs'>,
    private readonly log: Logger,
  ) {}

  /** Resolves when they have been read. @throws {StoreUnavailable} */
  async start(): Promise<void> {
    await this.read()
    if (this.stopped) return
    // What changes before the subscription is in place is read when it is.
    this.store.settings
      .follow({ changed: change => this.changed(change), missed: () => this.readAgain() })
      .then(stop => {
        this.stopFollowing = stop
        if (this.stopped) void stop()
      })
      .catch(error =>
        this.log.warn({ err: error }, 'changes of stored settings cannot be followed: restart to take them over'),
      )
  }

  async stop(): Promise<void> {
    this.stopped = true
    clearTimeout(this.retryTimer)
    await this.stopFollowing?.()
  }

  /** Those that a conversation goes by, the most special last. */
  of(conversationId: string): Scoped[] {
    this.store.settings.check()
    if (this.scopes.size === 0) return []
    return scopesOf(conversationId).flatMap(scope => this.scopes.get(scope) ?? [])
  }

  /** @throws {StoreUnavailable} while the store drains: a message would keep it from ending */
  refuseWhileDraining(): void {
    if (!this.isDraining) return
    // Else a missed end would be noticed only by what goes by the rules.
    this.store.settings.check()
    throw new StoreUnavailable('draining', 'the store drains and accepts no messages: lull drain --end ends that')
  }

  /** By scope. */
  get all(): readonly Scoped[] {
    return [...this.scopes.values()]
  }

  private changed({ scope, json, version }: SettingsChange): void {
    if (version <= this.version && !this.reading) return
    if (version !== this.version + 1 || this.reading) {
      this.readAgain()
      return
    }
    this.version = version
    this.take(scope, json)
    this.onChange()
  }

  private async read(): Promise<void> {
    const { version, rules } = await this.store.settings.all()
    if (version === this.version) return
    this.version = version
    this.scopes.clear()
    for (const [scope, json] of rules) this.take(scope, json)
    if (!rules.has(DRAIN_SCOPE)) this.take(DRAIN_SCOPE, undefined)
    this.onChange()
  }

  /** Once more after the reading that goes on, which may have begun too early. */
  private readAgain(): void {
    this.isStale = true
    this.reading ??= this.readWhileStale().finally(() => {
      this.reading = undefined
    })
  }

  private async readWhileStale(): Promise<void> {
    while (this.isStale && !this.stopped) {
      this.isStale = false
      try {
        await this.read()
      } catch (error) {
        this.log.debug({ err: error }, 'the stored settings could not be read; trying again')
        if (!this.stopped) this.retryTimer = setTimeout(() => this.readAgain(), RETRY_MS)
        return
      }
    }
  }

  private take(scope: string, json: string | undefined): void {
    if (scope === DRAIN_SCOPE) {
      this.takeDrain(json)
      return
    }
    this.scopes.delete(scope)
    if (json === undefined) return
    try {
      const overrides = overridesFrom(JSON.parse(json))
      this.store.rulesInUse.add(overrides)
      this.scopes.set(scope, { scope, overrides })
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      this.log.warn({ scope }, `the stored settings of ${scope} are ignored: ${why}`)
    }
  }

  /** A flag of an earlier layout is over; one of a later layout means that ours is. */
  private takeDrain(json: string | undefined): void {
    const isDraining = json !== undefined && Number(json) >= (this.store.layoutSinceMs ?? 0)
    if (isDraining === this.isDraining) return
    this.isDraining = isDraining
    if (isDraining) this.log.warn({}, 'the store drains: every message is refused (503) until lull drain --end')
    else this.log.warn({}, 'the store drains no more: messages are accepted again')
  }
}
