/**
 * The commands trace if the program that starts them has registered an OpenTelemetry SDK:
 *
 *     NODE_OPTIONS="--import @opentelemetry/auto-instrumentations-node/register" lull up
 *
 * The SDK reads its own settings (`OTEL_…`). Lull only looks whether one is there, and else loads nothing.
 */
import type { Logger } from '../logger.js'
import { MissingPackage, missingPackage } from '../optional-package.js'
import type { TelemetryApi } from '../telemetry/api.js'

/** Where every version 1 of `@opentelemetry/api` keeps what is registered. */
const REGISTRY = Symbol.for('opentelemetry.js.api.1')
const REMEDY =
  'an OpenTelemetry SDK is registered, but tracing needs the package @opentelemetry/api beside Lull, in the SDK’s version: npm install @opentelemetry/api'

/** `undefined` without an SDK. If its API cannot be used, that is logged. */
export async function registeredTelemetry(log: Logger): Promise<TelemetryApi | undefined> {
  const provider = registeredProvider()
  if (provider === undefined) return undefined
  try {
    const api = await import('@opentelemetry/api')
    // An API that is newer than the SDK's does not see what that has registered.
    if (api.trace.getTracerProvider() !== provider) throw new MissingPackage(REMEDY)
    log.info({}, 'traces go to the registered OpenTelemetry SDK')
    return api
  } catch (error) {
    const known = missingPackage(error, REMEDY)
    if (!(known instanceof MissingPackage)) throw error
    log.warn({}, known.message)
    return undefined
  }
}

function registeredProvider(): unknown {
  const registry: unknown = Reflect.get(globalThis, REGISTRY)
  return typeof registry === 'object' && registry !== null ? Reflect.get(registry, 'trace') : undefined
}
