/**
 * Gauges that are read when they are asked for: whether this process can use its Redis, and, from processors, how it
 * stands with the whole system. Several processors say the same, so dashboards use `max()`.
 */
import { Gauge, type Registry } from 'prom-client'
import type { Store } from '../store/store.js'
import type { Canary } from './canary.js'

const SECOND_MS = 1000

/** Reads its gauges; never rejects: what cannot be read is absent, and `lull_redis_up` says why. */
export type Reading = () => Promise<void>

/** @param ready rejects where this process's Redis can not be used */
export function redisUp(registry: Registry, ready: () => Promise<void>): Reading {
  const up = gauge(registry, 'lull_redis_up', 'Whether Redis can be used from here')
  return async () => {
    up.set(
      await ready().then(
        () => 1,
        () => 0,
      ),
    )
  }
}

/** One script a reading. */
export function systemTotals(registry: Registry, store: Pick<Store, 'totals'>): Reading {
  const open = gauge(registry, 'lull_open_conversations', 'Conversations that collect, in the whole system')
  const held = gauge(registry, 'lull_held_conversations', 'Conversations with a batch under way, in the whole system')
  const dead = gauge(registry, 'lull_dead_batches', 'Batches whose handover failed for good, in the whole system')
  const age = gauge(registry, 'lull_oldest_due_age_seconds', 'For how long the oldest batch has been due')
  return async () => {
    try {
      const totals = await store.totals()
      open.set(totals.open)
      held.set(totals.held)
      dead.set(totals.dead)
      age.set(totals.oldestDueAgeMs / SECOND_MS)
    } catch {
      // A gauge that nobody knows is better absent than old.
      for (const one of [open, held, dead, age]) one.remove()
    }
  }
}

export function notificationLag(registry: Registry, canary: Canary): Reading {
  const help = 'From a key’s expiry to its announcement: found by Redis itself (natural), met by a command (touched)'
  const lag = new Gauge({
    name: 'lull_notification_lag_seconds',
    help,
    labelNames: ['kind'],
    registers: [registry],
  })
  return async () => {
    try {
      for (const [kind, ms] of await canary.ask()) lag.set({ kind }, ms / SECOND_MS)
    } catch {
      lag.reset()
    }
  }
}

const gauge = (registry: Registry, name: string, help: string) => new Gauge({ name, help, registers: [registry] })
