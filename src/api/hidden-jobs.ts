/**
 * The board's JSON with LULL_SHOW_TEXTS=off: without what a worker or a handler has written about a job, which may
 * quote what people wrote. bull-board has formatters for a job's data and return value only.
 */
import type { Context } from 'koa'

const HIDDEN = '(hidden)'
const FIELDS: ReadonlySet<string> = new Set([
  'failedReason',
  'stacktrace',
  'deferredFailure',
  'ignoredChildFailureReasons',
  'returnValue',
  'template',
])
const LOGS = /\/logs$/

/** Replaces the body of a JSON response; other responses stay. */
export function hideJobTexts(ctx: Context): void {
  const { body } = ctx
  if (typeof body !== 'object' || body === null || Buffer.isBuffer(body) || 'pipe' in body) return
  ctx.body = LOGS.test(ctx.path) && Array.isArray(body) ? body.map(() => HIDDEN) : JSON.stringify(body, hidden)
  ctx.type = 'json'
}

function hidden(name: string, value: unknown): unknown {
  if (value === undefined || value === null || value === '') return value
  // A number is a share of the work.
  if (name === 'progress') return typeof value === 'number' ? value : HIDDEN
  if (!FIELDS.has(name)) return value
  return Array.isArray(value) ? value.map(() => HIDDEN) : HIDDEN
}
