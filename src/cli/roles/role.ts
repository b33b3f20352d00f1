/** What every role is started with. */
import type { Config } from '../../config.js'
import type { Logger } from '../../logger.js'
import type { Metrics } from '../../metrics/metrics.js'
import type { Store, StoreIdentity } from '../../store/store.js'
import type { Lifecycle } from '../lifecycle.js'

export interface RoleContext {
  config: Config
  log: Logger
  /** Each thing a role acquires pushes its release here; stopping it stops the role. */
  lifecycle: Lifecycle
  metrics: Metrics
}

export interface ApiContext extends RoleContext {
  /** Instead of the Redis that the settings name. */
  store?: Store
  /** What else must be well for `/readyz`. */
  readiness?: () => Promise<void>
  /** A processor runs in this process. */
  withProcessor?: boolean
  /** What works on the batches runs in this process, and does nothing but log them. */
  withLoggingWorker?: boolean
}

/** The line that every process logs at its start: two that "see different data" are told apart by it. */
export function logStart(log: Logger, role: string, { address, db, prefix, runId, version }: StoreIdentity): void {
  const where = address === 'memory' ? 'memory' : `${address}, database ${db}, prefix ${prefix}, run_id ${runId}`
  log.info({ role, redis: address, db, prefix, runId, version }, `${role} started on ${where}`)
}
