/** What every role is started with, and the line it logs then. */
import type { Config } from '../../config.js'
import type { Logger } from '../../logger.js'
import type { Metrics } from '../../metrics/metrics.js'
import type { Processor } from '../../processor/processor.js'
import type { Store, StoreIdentity } from '../../store/store.js'
import type { TelemetryApi } from '../../telemetry/api.js'
import type { Lifecycle, Scope } from '../lifecycle.js'
import type { Readiness } from './readiness.js'

export interface RoleContext {
  config: Config
  log: Logger
  /** A role adds a release for everything it acquires; stopping the lifecycle stops the role. */
  lifecycle: Lifecycle
  metrics: Metrics
  /** What `/readyz` says on the port for probes. */
  readiness: Readiness
  /** If an OpenTelemetry SDK is registered. */
  telemetry?: TelemetryApi | undefined
}

/** What an attempt to start is given: if it fails, what it has added is released. */
export type Starting = Omit<RoleContext, 'lifecycle'> & { lifecycle: Scope }

export interface ApiContext extends RoleContext {
  /** Instead of the Redis that the settings name. */
  store?: Store
  /** It runs in this process. */
  processor?: Processor
  /** The worker runs in this process, and only logs the batches. */
  withLoggingWorker?: boolean
  /** Makes and prints the next token, if the settings have none. */
  remakeToken?: () => string
}

/** Every process logs at its start which Redis it uses, so that two that "see different data" can be told apart. */
export function logStart(log: Logger, role: string, { address, db, prefix, runId, version }: StoreIdentity): void {
  const where = address === 'memory' ? 'memory' : `${address}, database ${db}, prefix ${prefix}, run_id ${runId}`
  log.info({ role, redis: address, db, prefix, runId, version }, `${role} started on ${where}`)
}
