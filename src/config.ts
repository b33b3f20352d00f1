/**
 * The settings: the only reader of the environment, once, at the start of a command. Values are parsed here and trusted
 * everywhere else; one that can't be used is a `ConfigError` of one line. The variables, their defaults and bounds are
 * in config/variables.ts.
 */
import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import type { RedisOptions } from 'ioredis'
import { nearest } from './config/nearest.js'
import { maskedAddress, redisOptions } from './config/redis-address.js'
import { ADDRESSES, SECRETS, type Values, variables } from './config/variables.js'
import type { ProvidersOptions } from './providers/provider.js'
import { checkTogether, type Rules } from './rules.js'

export type Environment = Record<string, string | undefined>

export interface Config {
  redis: RedisOptions
  /** Whether `REDIS_URL` names it; else it is where a Redis usually is. */
  redisIsSet: boolean
  prefix: string
  configureRedis: boolean
  rules: Rules
  batching: boolean
  groups: Values['LULL_GROUPS']
  onOwnMessage: Values['LULL_ON_OWN_MESSAGE']
  raw: boolean
  handover: { kind: 'bullmq' } | { kind: 'http'; url: string; secret?: string; timeoutMs: number }
  queue: {
    name: string
    prefix: string
    /** Where it is not on the same Redis. */
    redis?: RedisOptions
    answerAttempts: number
    jobRetentionMs: number
  }
  worker: { handler?: string; concurrency: number }
  shutdownMs: number
  api: { host: string; port: number; token?: string; publicUrl?: string; showTexts: boolean }
  /** Absent: off. */
  opsPort?: number
  providers: ProvidersOptions
  logLevel: Values['LOG_LEVEL']
  /** One line each, to be logged: settings that have no effect. */
  warnings: string[]
}

/** A setting that can't be used. The message is one line: the variable, its value (never a secret's), its bounds. */
export class ConfigError extends Error {
  override name = 'ConfigError'
}

const DEFAULT_REDIS = 'redis://127.0.0.1:6379/0'
const LONGEST_SHOWN = 80

/**
 * The environment a command runs in: the process's, and under it what `.env` in `directory` adds.
 * @throws {ConfigError} where there is a `.env` that can't be read
 */
export function loadEnvironment(directory: string = process.cwd()): Environment {
  try {
    return { ...parseEnv(readFileSync(`${directory}/.env`, 'utf8')), ...process.env }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT') return { ...process.env }
    throw new ConfigError(
      `${directory}/.env can not be read (${String(code ?? error)}): make it readable, or remove it`,
    )
  }
}

/**
 * @param env an empty value counts as none
 * @throws {ConfigError} for the first value that can't be used
 */
export function readConfig(env: Environment): Config {
  const values = parse(env)
  const { LULL_API_TOKEN: token, LULL_PUBLIC_URL: publicUrl } = values
  return {
    redis: redisOf(values),
    redisIsSet: values.REDIS_URL !== undefined,
    prefix: values.LULL_PREFIX,
    configureRedis: values.LULL_CONFIGURE_REDIS,
    rules: rulesOf(values),
    batching: values.LULL_BATCHING,
    groups: values.LULL_GROUPS,
    onOwnMessage: values.LULL_ON_OWN_MESSAGE,
    raw: values.LULL_RAW,
    handover: handoverOf(values),
    queue: {
      name: values.LULL_QUEUE ?? 'messages',
      prefix: values.LULL_QUEUE_PREFIX ?? 'bull',
      answerAttempts: values.LULL_ANSWER_ATTEMPTS,
      jobRetentionMs: values.LULL_JOB_RETENTION_MS,
      ...(values.LULL_QUEUE_REDIS_URL ? { redis: values.LULL_QUEUE_REDIS_URL } : {}),
    },
    worker: {
      concurrency: values.LULL_WORKER_CONCURRENCY,
      ...(values.LULL_WORKER_HANDLER === undefined ? {} : { handler: values.LULL_WORKER_HANDLER }),
    },
    shutdownMs: values.LULL_SHUTDOWN_MS,
    api: {
      host: values.HOST ?? '127.0.0.1',
      port: values.PORT,
      showTexts: values.LULL_SHOW_TEXTS,
      ...(token === undefined ? {} : { token }),
      ...(publicUrl === undefined ? {} : { publicUrl }),
    },
    ...(values.LULL_OPS_PORT === undefined ? {} : { opsPort: values.LULL_OPS_PORT }),
    providers: providersOf(values),
    logLevel: values.LOG_LEVEL,
    warnings: unknownNames(env),
  }
}

function parse(env: Environment): Values {
  const given = Object.keys(variables.shape).flatMap(name => {
    const value = SECRETS.has(name) ? env[name] : env[name]?.trim()
    return value === undefined || value === '' ? [] : [[name, value]]
  })
  const parsed = variables.safeParse(Object.fromEntries(given))
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const name = String(issue?.path[0])
  const bounds = Object.entries(variables.shape).find(([key]) => key === name)?.[1].description
  throw new ConfigError(`${name}=${shown(name, env[name] ?? '')}: ${bounds ?? issue?.message ?? 'can not be used'}`)
}

/** A value as an error may show it. */
function shown(name: string, value: string): string {
  if (SECRETS.has(name)) return '***'
  const visible = (ADDRESSES.has(name) ? maskedAddress(value) : value).trim()
  const oneLine = /[^\x20-\x7e]/.test(visible) ? JSON.stringify(visible) : visible
  return oneLine.length > LONGEST_SHOWN ? `${oneLine.slice(0, LONGEST_SHOWN)}…` : oneLine
}

function redisOf({ REDIS_URL = redisOptions(DEFAULT_REDIS), REDIS_PASSWORD: password }: Values): RedisOptions {
  return password === undefined ? REDIS_URL : { ...REDIS_URL, password }
}

function rulesOf(values: Values): Rules {
  const rules: Rules = {
    quietGapMs: values.LULL_QUIET_GAP_MS,
    maxWaitMs: values.LULL_MAX_WAIT_MS,
    batchTtlMs: values.LULL_BATCH_TTL_MS,
    maxMessages: values.LULL_MAX_MESSAGES,
    maxBytes: values.LULL_MAX_BYTES,
    dedupeMs: values.LULL_DEDUPE_MS,
    maxAgeMs: values.LULL_MAX_AGE_MS,
    leaseMs: values.LULL_LEASE_MS,
    maxAttempts: values.LULL_MAX_ATTEMPTS,
    order: values.LULL_ORDER,
    answerTimeoutMs: values.LULL_ANSWER_TIMEOUT_MS,
  }
  try {
    checkTogether(rules)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new ConfigError(error.message.replace(/\b([a-zA-Z]+)=/g, (_, name: string) => `${variableOf(name)}=`))
  }
  return rules
}

/** `quietGapMs` → `LULL_QUIET_GAP_MS` */
export const variableOf = (option: string) => `LULL_${option.replace(/[A-Z]/g, '_$&').toUpperCase()}`

function handoverOf(values: Values): Config['handover'] {
  const { LULL_HANDOVER: kind, LULL_HANDOVER_URL: url, LULL_HANDOVER_SECRET: secret } = values
  if (kind === 'bullmq') return { kind }
  if (url === undefined)
    throw new ConfigError('LULL_HANDOVER=http: LULL_HANDOVER_URL is missing: set it to where batches are to be POSTed')
  return { kind, url, timeoutMs: values.LULL_HTTP_TIMEOUT_MS, ...(secret === undefined ? {} : { secret }) }
}

function providersOf(values: Values): ProvidersOptions {
  const { WHATSAPP_APP_SECRET: appSecret, WHATSAPP_VERIFY_TOKEN: verifyToken, LULL_ALLOW_UNSIGNED: unsigned } = values
  const { GREEN_API_WEBHOOK_TOKEN: webhookToken, WAHA_HMAC_KEY: hmacKey, EVOLUTION_API_KEY: evolutionKey } = values
  const { WAZZUP_CRM_KEY: crmKey, WWEBJS_API_KEY: wwebjsKey } = values
  return {
    meta: { ...(appSecret === undefined ? {} : { appSecret }), ...(verifyToken === undefined ? {} : { verifyToken }) },
    ...(webhookToken === undefined ? {} : { greenApi: { webhookToken } }),
    ...(hmacKey === undefined ? {} : { waha: { hmacKey } }),
    ...(evolutionKey === undefined ? {} : { evolution: { apiKey: evolutionKey } }),
    ...twilioOf(values),
    ...(crmKey === undefined ? {} : { wazzup: { crmKey } }),
    ...(wwebjsKey === undefined ? {} : { wwebjs: { apiKey: wwebjsKey } }),
    ...(unsigned === undefined ? {} : { allowUnsigned: unsigned.includes('all') ? 'all' : unsigned }),
  }
}

function twilioOf({ TWILIO_AUTH_TOKEN: authToken, LULL_PUBLIC_URL: publicUrl }: Values): ProvidersOptions {
  if (authToken === undefined) return {}
  if (publicUrl === undefined)
    throw new ConfigError(
      'TWILIO_AUTH_TOKEN=***: LULL_PUBLIC_URL is missing, and Twilio signs the address it posts to: set it to how the outside sees the API, https://your.host say',
    )
  return { twilio: { authToken, publicUrl } }
}

/** `LULL_TEST_…` is what the project's own tests are told by. */
function unknownNames(env: Environment): string[] {
  const known = Object.keys(variables.shape)
  const unknown = Object.keys(env).filter(name => /^LULL_(?!TEST_)/.test(name) && !known.includes(name))
  return unknown.map(name => {
    const meant = nearest(name, known)
    return `${name} is no setting of Lull's and has no effect${meant ? `: did you mean ${meant}?` : ''}`
  })
}
