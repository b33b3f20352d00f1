/**
 * Every environment variable, with its default and its bounds. The text that describes a variable's bounds is what the
 * error for a value outside of them says.
 */
import { z } from 'zod'
import { PROVIDER_NAMES } from '../providers/registry.js'
import { ruleShape } from '../rules.js'
import { DEFAULT_PREFIX, Keys } from '../store/redis/keys.js'
import { redisOptions } from './redis-address.js'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const HIGHEST_PORT = 65_535

/** Variables whose values nobody may see. */
export const SECRETS: ReadonlySet<string> = new Set([
  'REDIS_PASSWORD',
  'LULL_API_TOKEN',
  'LULL_HANDOVER_SECRET',
  'WHATSAPP_APP_SECRET',
  'WHATSAPP_VERIFY_TOKEN',
  'GREEN_API_WEBHOOK_TOKEN',
  'WAHA_HMAC_KEY',
  'EVOLUTION_API_KEY',
  'TWILIO_AUTH_TOKEN',
  'WAZZUP_CRM_KEY',
  'WWEBJS_API_KEY',
])

/** Variables whose values may hold credentials in their midst. */
export const ADDRESSES: ReadonlySet<string> = new Set([
  'REDIS_URL',
  'LULL_QUEUE_REDIS_URL',
  'LULL_HANDOVER_URL',
  'LULL_PUBLIC_URL',
])

/** A number as the environment has it: its digits. */
const number = (schema: z.ZodDefault<z.ZodNumber>) => {
  const { minValue, maxValue } = schema.unwrap()
  return z
    .preprocess(text => (typeof text === 'string' ? (/^-?\d+$/.test(text) ? Number(text) : Number.NaN) : text), schema)
    .describe(`must be a whole number from ${minValue} to ${maxValue}`)
}

const whole = (min: number, max: number, preset: number) => number(z.number().int().min(min).max(max).default(preset))

const oneOf = <const Values extends readonly [string, ...string[]]>(values: Values, preset: NoInfer<Values[number]>) =>
  z
    .string()
    .default(preset)
    .pipe(z.enum(values))
    .describe(`must be one of ${values.join(', ')}`)

const onOff = (preset: 'on' | 'off') =>
  z
    .string()
    .default(preset)
    .pipe(z.enum(['on', 'off']))
    .transform(value => value === 'on')
    .describe('must be one of on, off')

const text = (pattern: RegExp, bounds: string) => z.string().regex(pattern).optional().describe(bounds)

/** A value that `read` makes something of; what it throws is what the error says. */
const readBy = <Value>(read: (value: string) => Value) =>
  z.string().transform((value, context) => {
    try {
      return read(value)
    } catch (error) {
      context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : String(error) })
      return z.NEVER
    }
  })

const secret = () => text(/^[\x21-\x7e]+$/, 'must be printable ASCII characters without spaces')

const PORT_BOUNDS = `a port from 0 to ${HIGHEST_PORT} (0: any free one)`

export const variables = z.object({
  REDIS_URL: readBy(redisOptions).optional(),
  REDIS_PASSWORD: z.string().optional(),
  LULL_PREFIX: readBy(prefix => new Keys(prefix).prefix).default(DEFAULT_PREFIX),
  LULL_CONFIGURE_REDIS: onOff('on'),

  LULL_QUIET_GAP_MS: number(ruleShape.quietGapMs),
  LULL_MAX_WAIT_MS: number(ruleShape.maxWaitMs),
  LULL_BATCH_TTL_MS: number(ruleShape.batchTtlMs),
  LULL_MAX_MESSAGES: number(ruleShape.maxMessages),
  LULL_MAX_BYTES: number(ruleShape.maxBytes),
  LULL_DEDUPE_MS: number(ruleShape.dedupeMs),
  LULL_MAX_AGE_MS: number(ruleShape.maxAgeMs),
  LULL_LEASE_MS: number(ruleShape.leaseMs),
  LULL_MAX_ATTEMPTS: number(ruleShape.maxAttempts),
  LULL_ORDER: oneOf(['serial', 'concurrent'], 'serial'),
  LULL_ANSWER_TIMEOUT_MS: number(ruleShape.answerTimeoutMs),
  LULL_BATCHING: onOff('on'),
  LULL_GROUPS: oneOf(['byChat', 'bySender', 'ignore'], 'byChat'),
  LULL_ON_OWN_MESSAGE: oneOf(['ignore', 'drop'], 'ignore'),
  LULL_RAW: onOff('off'),

  LULL_HANDOVER: oneOf(['bullmq', 'http'], 'bullmq'),
  // BullMQ's own rule: a colon parts its keys.
  LULL_QUEUE: text(/^[^\s:]+$/, 'must be a queue name without colons and spaces'),
  LULL_QUEUE_PREFIX: text(/^\S+$/, 'must be a name without spaces'),
  LULL_QUEUE_REDIS_URL: readBy(redisOptions).optional(),
  LULL_ANSWER_ATTEMPTS: whole(1, 1000, 3),
  LULL_JOB_RETENTION_MS: whole(HOUR_MS, 365 * DAY_MS, DAY_MS),
  LULL_HANDOVER_URL: readBy(webAddress).optional(),
  LULL_HANDOVER_SECRET: secret(),
  LULL_HTTP_TIMEOUT_MS: whole(100, HOUR_MS, 60_000),

  LULL_WORKER_HANDLER: z.string().optional(),
  LULL_WORKER_CONCURRENCY: whole(1, 10_000, 16),
  LULL_SHUTDOWN_MS: whole(100, HOUR_MS, 25_000),

  HOST: text(/^[\w.:[\]%-]+$/, 'must be a host name or an address'),
  PORT: whole(0, HIGHEST_PORT, 3000).describe(`must be ${PORT_BOUNDS}`),
  LULL_OPS_PORT: z
    .preprocess(value => (value === 'off' ? undefined : value), whole(0, HIGHEST_PORT, 0).optional())
    .describe(`must be off or ${PORT_BOUNDS}`),
  LULL_API_TOKEN: secret(),
  LULL_PUBLIC_URL: readBy(webAddress).optional(),
  LULL_SHOW_TEXTS: onOff('on'),

  WHATSAPP_APP_SECRET: secret(),
  WHATSAPP_VERIFY_TOKEN: z.string().optional(),
  GREEN_API_WEBHOOK_TOKEN: secret(),
  WAHA_HMAC_KEY: secret(),
  EVOLUTION_API_KEY: secret(),
  TWILIO_AUTH_TOKEN: secret(),
  WAZZUP_CRM_KEY: secret(),
  WWEBJS_API_KEY: secret(),
  LULL_ALLOW_UNSIGNED: readBy(unsigned).optional(),

  LOG_LEVEL: oneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], 'info'),
})

export type Variable = keyof typeof variables.shape

export type Values = z.infer<typeof variables>

/** fetch refuses an address that holds credentials. @throws {RangeError} */
function webAddress(address: string): string {
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
    throw new RangeError('must be an http:// or https:// URL')
  if (url.username || url.password) throw new RangeError('must hold no user and no password')
  return address
}

/** @throws {RangeError} */
function unsigned(list: string): string[] {
  const names = list.split(',').map(name => name.trim())
  const unknown = names.find(name => name !== 'all' && !PROVIDER_NAMES.includes(name))
  if (unknown !== undefined) throw new RangeError(`must be all, or by comma any of ${PROVIDER_NAMES.join(', ')}`)
  return names
}
