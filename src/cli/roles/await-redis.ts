/**
 * A role whose Redis is away when it starts waits for it, as one that runs does: nobody needs to start it again. What
 * waiting does not end, such as a wrong password, ends the start.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { StoreUnavailable } from '../../store/store.js'
import { explain, withPrivateRedis } from '../explain.js'
import type { Scope } from '../lifecycle.js'
import { oneLine } from '../show/escape.js'
import type { RoleContext } from './role.js'

const TRY_AGAIN_MS = 500
/** Reasons that only a change of the settings ends. */
const NEEDS_OTHER_SETTINGS: ReadonlySet<StoreUnavailable['reason']> = new Set(['auth', 'other'])

type Waiting = Pick<RoleContext, 'config' | 'log' | 'lifecycle' | 'readiness'>

/**
 * Resolves to what `start` resolves to. While Redis is away it starts again and again, and what a failed start has added
 * to its scope is released before the next one. Logs one line when it begins to wait, and one at the end.
 * @throws the error of `start`, if it is none that passes
 */
export async function onceRedisIsThere<Started>(
  { config, log, lifecycle, readiness }: Waiting,
  start: (scope: Scope) => Promise<Started>,
): Promise<Started> {
  let sinceMs: number | undefined
  for (;;) {
    try {
      const started = await lifecycle.attempt(start)
      if (sinceMs !== undefined) {
        const waitedMs = Math.round(performance.now() - sinceMs)
        log.info({ waitedMs }, `Redis is there after ${(waitedMs / 1000).toFixed(1)} s`)
      }
      return started
    } catch (given) {
      const error = withPrivateRedis(given, config)
      if (!(error instanceof StoreUnavailable) || NEEDS_OTHER_SETTINGS.has(error.reason)) throw error
      readiness.waitsFor(error)
      if (sinceMs === undefined) {
        sinceMs = performance.now()
        log.error({ reason: error.reason }, `waiting for Redis: ${oneLine(explain(error))}`)
      }
    }
    await delay(TRY_AGAIN_MS, undefined, { signal: lifecycle.stops })
  }
}
