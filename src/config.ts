/**
 * The settings of a command: the only reader of the environment, once, at the start. Values are parsed here and trusted
 * everywhere else. A value that cannot be used is a `ConfigError` of one line.
 *
 * Each setting is declared once, beside what uses it: rules in rules.ts, a provider's in its file, a handover's in its
 * file, the others in config/groups.ts. docs/settings.md lists all of them.
 */
import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import type { z } from 'zod'
import {
  apiSettings,
  DEFAULT_REDIS,
  messageSettings,
  processSettings,
  redisSettings,
  workerSettings,
} from './config/groups.js'
import { groupsOf, handoverChoice, KNOWN, type Known, unsignedSettings } from './config/known.js'
import { meantBy } from './config/meant.js'
import { ConfigError, type Environment, isGiven, readerOf } from './config/read.js'
import { declaredIn, type Read } from './config/setting.js'
import type { ConfiguredHandover } from './handover/kind.js'
import { bodySettings } from './http/body-bounds.js'
import type { ProvidersOptions } from './providers/registry.js'
import { checkTogether, type Rules, rulesSchema, variableOf } from './rules.js'
import { type RedisAddress, redisAddress, withPassword } from './store/redis/address.js'

export { ConfigError, type Environment } from './config/read.js'
export { variableOf } from './rules.js'

type Messages = z.output<typeof messageSettings>
type Process = z.output<typeof processSettings>

export interface Config extends Messages, Process {
  redis: RedisAddress
  /** Whether `REDIS_URL` names it; else it is the default address. */
  redisIsSet: boolean
  prefix: string
  configureRedis: boolean
  /** Absent: the store takes it from its Redis. */
  partitions: number | undefined
  waitReplicas: number
  rules: Rules
  handover: ConfiguredHandover
  /** Whether `LULL_HANDOVER` names it; else it is the default one. */
  handoverIsSet: boolean
  worker: z.output<typeof workerSettings>
  api: z.output<typeof apiSettings>
  bodies: z.output<typeof bodySettings>
  providers: ProvidersOptions
  /** XDG_RUNTIME_DIR. */
  runtimeFolder: string | undefined
  /** One line each, to be logged: settings that have no effect. */
  warnings: string[]
}

/**
 * The environment a command runs in: the process's, and under it what `.env` in `directory` adds.
 * @throws {ConfigError} if there is a `.env` that cannot be read
 */
export function loadEnvironment(directory: string = process.cwd()): Environment {
  try {
    return { ...parseEnv(readFileSync(`${directory}/.env`, 'utf8')), ...process.env }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT') return { ...process.env }
    throw new ConfigError(`${directory}/.env cannot be read (${String(code ?? error)}): make it readable, or remove it`)
  }
}

/**
 * @param env an empty value counts as none
 * @param known the providers and handovers there are
 * @throws {ConfigError} for the first value that cannot be used
 */
export function readConfig(env: Environment, known: Known = KNOWN): Config {
  const read = readerOf(env)
  const { url, password, prefix, configure, partitions, waitReplicas } = read(redisSettings)
  const redis = url ?? redisAddress(DEFAULT_REDIS)
  return {
    redis: password === undefined ? redis : withPassword(redis, password),
    redisIsSet: url !== undefined,
    prefix,
    configureRedis: configure,
    partitions,
    waitReplicas,
    rules: rulesFrom(read),
    ...read(messageSettings),
    handover: handoverFrom(read, known),
    handoverIsSet: (env['LULL_HANDOVER'] ?? '') !== '',
    worker: read(workerSettings),
    api: read(apiSettings),
    bodies: bodiesFrom(read),
    providers: providersFrom(read, env, known),
    ...read(processSettings),
    runtimeFolder: env['XDG_RUNTIME_DIR'],
    warnings: unknownNames(env, known),
  }
}

function rulesFrom(read: Read): Rules {
  const rules = read(rulesSchema)
  try {
    checkTogether(rules)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new ConfigError(error.message.replace(/\b([a-zA-Z]+)=/g, (_, name: string) => `${variableOf(name)}=`))
  }
  return rules
}

function bodiesFrom(read: Read): z.output<typeof bodySettings> {
  const bodies = read(bodySettings)
  if (bodies.maxBodyBytesInFlight < bodies.maxBodyBytes)
    throw new ConfigError(
      `LULL_MAX_BODY_BYTES_IN_FLIGHT=${bodies.maxBodyBytesInFlight} is less than LULL_MAX_BODY_BYTES=${bodies.maxBodyBytes}: make it at least that`,
    )
  return bodies
}

/** The chosen handover. The settings of the others are read as well, so that a bad value is always reported. */
function handoverFrom(read: Read, known: Known): ConfiguredHandover {
  const { kind } = read(handoverChoice(known))
  const chosen = known.handovers.map(each => each.configure(read)).find(each => each.kind === kind)
  if (chosen === undefined) throw new ConfigError(`LULL_HANDOVER=${kind}: there is no such handover`)
  if (chosen.lacks !== undefined) throw new ConfigError(`LULL_HANDOVER=${kind}: ${chosen.lacks}`)
  return chosen
}

function providersFrom(read: Read, env: Environment, known: Known): ProvidersOptions {
  const options: ProvidersOptions = read(unsignedSettings(known))
  for (const provider of known.providers.list) {
    provider.configure?.(options, { read, isGiven: declared => isGiven(declared, env) })
    const lack = provider.signature?.lacks(options)
    if (lack)
      throw new ConfigError(
        `${lack.secret.variable}=***: ${lack.other.variable} is missing, and ${lack.because}: ${lack.remedy}`,
      )
  }
  return options
}

/** Lull's own tests set `LULL_TEST_…`. */
function unknownNames(env: Environment, known: Known): string[] {
  const names = groupsOf(known).flatMap(({ settings }) => declaredIn(settings).map(([, { variable }]) => variable))
  const unknown = Object.keys(env).filter(name => /^LULL_(?!TEST_)/.test(name) && !names.includes(name))
  return unknown.map(name => {
    const meant = meantBy(name, names)
    return `${name} is no setting of Lull's and has no effect${meant ? `: did you mean ${meant}?` : ''}`
  })
}
