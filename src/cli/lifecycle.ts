/**
 * Start and stop in order: each resource that a role acquires adds its release, and a stop runs the releases in
 * reverse, within a bound.
 *
 * A stop may come while the start still runs. From then on each new resource is released at once, and the start rejects
 * with `StoppedEarly`.
 */
import type { Logger } from '../logger.js'
import { within } from '../within.js'

/** The share of the remaining time that a release leaves to those after it. */
const LEFT_TO_OTHERS = 0.1
/** A release that takes this much longer than its time is not waited for any more. */
const GRACE_MS = 1000

/** @param timeoutMs how long it may take */
export type Release = (timeoutMs: number) => unknown

export class StoppedEarly extends Error {
  override name = 'StoppedEarly'
  constructor() {
    super('stopped while it was starting')
  }
}

/** What a start needs of a lifecycle. */
export type Scope = Pick<Lifecycle, 'add'>

interface Added {
  name: string
  release: Release
}

export class Lifecycle {
  private readonly releases: Added[] = []
  private readonly stopped = new AbortController()
  private stopping: Promise<void> | undefined
  private reject: (reason: Error) => void = () => {}
  /** Rejects when a resource that the role cannot do without has failed. */
  readonly failed: Promise<never>

  constructor(private readonly log: Logger) {
    this.failed = new Promise((_, reject) => {
      this.reject = reject
    })
    // A command that does not wait for it must not end by an unhandled rejection.
    this.failed.catch(() => {})
  }

  /** A resource that the role cannot do without (its private Redis) has failed. */
  fail(reason: Error): void {
    this.reject(reason)
  }

  /** Adds a release. @throws {StoppedEarly} if a stop is under way; the resource has been released then */
  async add(name: string, release: Release): Promise<void> {
    await this.added({ name, release })
  }

  /** Aborts when a stop begins. */
  get stops(): AbortSignal {
    return this.stopped.signal
  }

  /** If `start` rejects, what it has added to its scope is released first. Others may add to the lifecycle meanwhile. */
  async attempt<Started>(start: (scope: Scope) => Promise<Started>): Promise<Started> {
    const own: Added[] = []
    try {
      return await start({ add: async (name, release) => void own.push(await this.added({ name, release })) })
    } catch (error) {
      for (const each of own.reverse()) {
        const at = this.releases.indexOf(each)
        // Absent: a stop has released it.
        if (at < 0) continue
        this.releases.splice(at, 1)
        await this.unwind(each.name, each.release, 0)
      }
      throw error
    }
  }

  /** May be called twice; never rejects. */
  stop(timeoutMs: number): Promise<void> {
    this.stopping ??= this.unwindAll(performance.now() + timeoutMs)
    this.stopped.abort()
    return this.stopping
  }

  private async added(one: Added): Promise<Added> {
    if (this.stopping) {
      await this.unwind(one.name, one.release, 0)
      throw new StoppedEarly()
    }
    this.releases.push(one)
    return one
  }

  private async unwindAll(deadline: number): Promise<void> {
    for (let next = this.releases.pop(); next; next = this.releases.pop()) {
      const leftMs = Math.max(deadline - performance.now(), 0)
      await this.unwind(next.name, next.release, this.releases.length === 0 ? leftMs : leftMs * (1 - LEFT_TO_OTHERS))
    }
  }

  private async unwind(name: string, release: Release, timeoutMs: number): Promise<void> {
    try {
      await within(Promise.resolve(release(timeoutMs)), timeoutMs + GRACE_MS, () => {
        throw new Error(`not within ${Math.round(timeoutMs)} ms`)
      })
    } catch (error) {
      // The others must still be released.
      this.log.warn({ err: error }, `${name} did not stop cleanly`)
    }
  }
}
