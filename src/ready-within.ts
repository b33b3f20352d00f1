/**
 * Waits until a store can be used, for so long and no longer. A program that was frozen, as a serverless function is
 * between two invocations, finds its connections lost when it goes on. Those that were closed reconnect by themselves. A
 * connection on which nothing comes back is ended first.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { StoreUnavailable } from './store/store.js'
import { within } from './within.js'

/** How `ready()` waits. */
export interface ReadyOptions {
  /**
   * How long to wait for Redis, in milliseconds. 0: it must be ready now.
   * @defaultValue 0
   */
  timeoutMs?: number
}

export interface Waiting {
  /** Rejects with a `StoreUnavailable` if the store cannot be used now. */
  look(): Promise<void>
  /** Ends the connections, which then reconnect. */
  reconnect(): void
  timeoutMs: number
}

/** Reasons that end only when somebody acts, or later than anybody waits. */
const LASTING: ReadonlySet<StoreUnavailable['reason']> = new Set(['memory', 'misconf', 'auth', 'draining'])
const LOOK_AGAIN_MS = 20
/** The share of the time after which a connection without an answer is ended. */
const SILENT_SHARE = 0.5

/** @throws the error of the last look; at once if it is none that passes */
export async function readyWithin({ look, reconnect, timeoutMs }: Waiting): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs
  for (let boundMs = timeoutMs * SILENT_SHARE; ; boundMs = deadlineMs - performance.now()) {
    try {
      return await within(look(), boundMs, () => {
        throw new StoreUnavailable('timeout', 'Redis does not answer in time')
      })
    } catch (error) {
      if (!(error instanceof StoreUnavailable) || LASTING.has(error.reason)) throw error
      if (performance.now() + LOOK_AGAIN_MS > deadlineMs) throw error
      if (error.reason === 'timeout') reconnect()
    }
    await delay(LOOK_AGAIN_MS)
  }
}
