/**
 * Start and stop in order: what is acquired pushes its release, and a stop unwinds them in reverse, within a bound.
 *
 * A stop may come while the start still runs: from then on whatever is acquired is released at once, and the start ends
 * with `StoppedEarly`.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '../logger.js'

/** Of the time that is left, what a release leaves to those that come after it. */
const LEFT_TO_OTHERS = 0.1
/** A release that takes so much longer than its time is left behind. */
const GRACE_MS = 1000

/** @param timeoutMs how long it may take */
export type Release = (timeoutMs: number) => unknown

export class StoppedEarly extends Error {
  override name = 'StoppedEarly'
  constructor() {
    super('stopped while it was starting')
  }
}

export class Lifecycle {
  private readonly releases: { name: string; release: Release }[] = []
  private stopping: Promise<void> | undefined
  private reject: (reason: Error) => void = () => {}
  /** Rejects when something that all else stands on has ended by itself. */
  readonly failed: Promise<never>

  constructor(private readonly log: Logger) {
    this.failed = new Promise((_, reject) => {
      this.reject = reject
    })
    // Not everybody waits for it.
    this.failed.catch(() => {})
  }

  /** Something that all else stands on has ended by itself. */
  fail(reason: Error): void {
    this.reject(reason)
  }

  /** Resolves to nothing; with a stop under way it releases at once. @throws {StoppedEarly} then */
  async add(name: string, release: Release): Promise<void> {
    if (this.stopping) {
      await this.unwind(name, release, 0)
      throw new StoppedEarly()
    }
    this.releases.push({ name, release })
  }

  /** May be called twice; never rejects. */
  stop(timeoutMs: number): Promise<void> {
    this.stopping ??= this.unwindAll(performance.now() + timeoutMs)
    return this.stopping
  }

  private async unwindAll(deadline: number): Promise<void> {
    for (let next = this.releases.pop(); next; next = this.releases.pop()) {
      const leftMs = Math.max(deadline - performance.now(), 0)
      await this.unwind(next.name, next.release, this.releases.length === 0 ? leftMs : leftMs * (1 - LEFT_TO_OTHERS))
    }
  }

  private async unwind(name: string, release: Release, timeoutMs: number): Promise<void> {
    const late = new AbortController()
    try {
      const tooLong = delay(timeoutMs + GRACE_MS, undefined, { signal: late.signal }).then(() => {
        throw new Error(`not within ${Math.round(timeoutMs)} ms`)
      })
      tooLong.catch(() => {})
      await Promise.race([release(timeoutMs), tooLong])
    } catch (error) {
      // The others must be released all the same.
      this.log.warn({ err: error }, `${name} did not stop cleanly`)
    } finally {
      late.abort()
    }
  }
}
