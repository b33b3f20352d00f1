/** A span's context as text, in the format of the W3C: https://www.w3.org/TR/trace-context/#traceparent-header. */
import type { TelemetrySpanContext } from './api.js'

const FORMAT = /^00-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})$/
const SAMPLED = 1

/** `undefined` for the context of a span that does nothing, as there is without an SDK. */
export function traceparentOf({ traceId, spanId, traceFlags }: TelemetrySpanContext): string | undefined {
  const text = `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`
  return FORMAT.test(text) ? text : undefined
}

/** `undefined` for what is not in this format. */
export function spanContextFrom(traceparent: string): TelemetrySpanContext | undefined {
  const [, traceId, spanId, flags] = FORMAT.exec(traceparent) ?? []
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true }
}

export const isSampled = ({ traceFlags }: TelemetrySpanContext): boolean => (traceFlags & SAMPLED) === SAMPLED
