/**
 * Fields of webhooks, read leniently: a value that is not of the expected kind counts as absent.
 */
import { z } from 'zod'

/** Longer than any provider's ids; a longer one counts as absent, as it would become part of a Redis key. */
export const LONGEST_ID = 512

/** Seconds are below the first (1e11 s is the year 5138), milliseconds below the second, and so on. */
const SECONDS_BELOW = 1e11
const MILLISECONDS_BELOW = 1e14
const MICROSECONDS_BELOW = 1e17
const LATEST_MS = 8.64e15

/** Absent if it is missing, null or of another kind. */
export const lenient = <S extends z.ZodType>(schema: S) => schema.optional().catch(undefined)

/** A field that a function reads: one step instead of a chain of them, for fields that every message has. */
const readBy = <Value>(read: (value: unknown) => Value | undefined) => z.unknown().transform(read).optional()

/**
 * An id. A number counts only if it is exact: beyond 2^53 two ids become one, and the second message a duplicate.
 */
export const id = readBy(value => {
  const given = Number.isSafeInteger(value) ? String(value) : value
  const trimmed = typeof given === 'string' ? given.trim() : ''
  return trimmed === '' || trimmed.length > LONGEST_ID ? undefined : trimmed
})

export const text = readBy(value => (typeof value === 'string' ? value : undefined))

/** Text that may be empty for "there is none". */
export const filledText = readBy(value => (typeof value === 'string' && value !== '' ? value : undefined))

/** Forms have no booleans, and databases have 0 and 1. */
export const flag = lenient(z.union([z.boolean(), z.stringbool(), z.literal([0, 1]).transform(one => one === 1)]))

export const number = readBy(value => (typeof value === 'number' && Number.isFinite(value) ? value : undefined))

const COORDINATE = /^-?\d{1,3}(?:\.\d+)?$/

/** A latitude or longitude, as a number or in digits. */
export const degrees = readBy(value => {
  const given = typeof value === 'string' && COORDINATE.test(value.trim()) ? Number(value) : value
  return typeof given === 'number' && Math.abs(given) <= 180 ? given : undefined
})

/** Empty if it is absent. That is not an error here: making one costs more than reading the rest of a webhook. */
export const list = z
  .array(z.unknown())
  .default(() => [])
  .catch(() => [])

/**
 * Milliseconds from seconds, milliseconds, microseconds or nanoseconds: a number, digits, a date as programs write it
 * (ISO 8601, or with a space as databases and Python do; UTC if it names no zone), or a protobuf `Long` as JSON
 * (`{ low, high }`). Absent if unusable.
 */
export const time = readBy(value => {
  const given = isRecord(value) ? fromLong(value) : value
  const ms = typeof given === 'number' ? timeFromNumber(given) : typeof given === 'string' ? timeFromText(given) : 0
  return ms !== undefined && ms > 0 && ms <= LATEST_MS ? Math.round(ms) : undefined
})

function fromLong({ low, high }: Record<string, unknown>): number | undefined {
  const [small, large] = [low, high].map(half => (typeof half === 'string' && half !== '' ? Number(half) : half))
  return typeof small === 'number' && typeof large === 'number' ? large * 2 ** 32 + (small >>> 0) : undefined
}

function timeFromNumber(value: number): number | undefined {
  if (!Number.isFinite(value)) return undefined
  if (value < SECONDS_BELOW) return value * 1000
  if (value < MILLISECONDS_BELOW) return value
  return value < MICROSECONDS_BELOW ? value / 1000 : value / 1e6
}

const DIGITS = /^\d{1,19}(?:\.\d{1,9})?$/
const DATE = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?) ?(?:(Z|UTC)|([+-]\d{2})(?::?(\d{2}))?)?$/i

function timeFromText(value: string): number | undefined {
  const text = value.trim()
  if (DIGITS.test(text)) return timeFromNumber(Number(text))
  const [, day, clock, , hours, minutes = '00'] = DATE.exec(text) ?? []
  // Without a zone, Date.parse would take the server's own.
  const ms = day === undefined ? Number.NaN : Date.parse(`${day}T${clock}${hours ? `${hours}:${minutes}` : 'Z'}`)
  return Number.isNaN(ms) ? undefined : ms
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Own properties only: `constructor`, which every object inherits, is not a kind of message. */
export function lookUp<T>(table: Record<string, T>, name: string | undefined): T | undefined {
  return name !== undefined && Object.hasOwn(table, name) ? table[name] : undefined
}

/**
 * The same fields without those that are undefined: they would be kept as such in memory, but not in JSON. A new
 * object: every later access to an object from which fields were deleted is slow.
 */
export function known<T extends object>(fields: T): T {
  const kept: Partial<T> = {}
  for (const name in fields) if (fields[name] !== undefined) kept[name] = fields[name]
  return kept as T
}
