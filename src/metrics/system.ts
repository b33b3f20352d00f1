/**
 * Gauges that are read at each scrape: whether this process can use its Redis, and, in processors, the totals of the
 * whole system. All processors report the same totals, so dashboards use `max()`.
 */
import { Gauge, type Registry } from 'prom-client'
import type { Store } from '../store/store.js'
import type { Canary } from './canary.js'

const SECOND_MS = 1000

/** Sets its gauges; never rejects. A gauge that cannot be read is absent, and `lull_redis_up` shows why. */
export type Reading = () => Promise<void>

/** @param ready rejects if this process cannot use its Redis */
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

/** Costs one script a scrape and a partition. */
export function systemTotals(registry: Registry, store: Pick<Store, 'totals' | 'partitionsAway'>): Reading {
  const open = gauge(registry, 'lull_open_conversations', 'Conversations that collect, in the whole system')
  const held = gauge(registry, 'lull_held_conversations', 'Conversations with a batch under way, in the whole system')
  const dead = gauge(registry, 'lull_dead_batches', 'Batches whose handover failed for good, in the whole system')
  const age = gauge(registry, 'lull_oldest_due_age_seconds', 'For how long the oldest batch has been due')
  const away = gauge(registry, 'lull_partitions_unavailable', 'Partitions whose Redis node cannot be reached from here')
  return async () => {
    away.set(store.partitionsAway)
    try {
      const totals = await store.totals()
      open.set(totals.open)
      held.set(totals.held)
      dead.set(totals.dead)
      age.set(totals.oldestDueAgeMs / SECOND_MS)
    } catch {
      // An absent gauge is better than an outdated one.
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
      for (const [kind, ms] of await canary.lags()) lag.set({ kind }, ms / SECOND_MS)
    } catch {
      lag.reset()
    }
  }
}

const gauge = (registry: Registry, name: string, help: string) => new Gauge({ name, help, registers: [registry] })
