/** Reads declared settings from the environment. A value that cannot be used becomes an error of one line. */
import { maskedAddress } from '../store/redis/address.js'
import { type Declared, declaredIn, type Read } from './setting.js'

export type Environment = Record<string, string | undefined>

/** A setting that cannot be used. The message is one line: the variable, its value (never a secret's), its bounds. */
export class ConfigError extends Error {
  override name = 'ConfigError'
}

const LONGEST_SHOWN = 80

/**
 * A reader of groups of settings from `env`. An empty value counts as none, except a secret's, which is an error.
 * The reader throws {ConfigError} for the first value that cannot be used.
 */
export function readerOf(env: Environment): Read {
  return settings => {
    const declared = declaredIn(settings)
    for (const [, each] of declared) refuseEmptySecret(each, env)
    const given = declared.flatMap(([name, each]) => {
      const text = textOf(each, env)
      const value = text !== undefined && each.fromText ? each.fromText(text) : text
      return value === undefined ? [] : [[name, value]]
    })
    const parsed = settings.safeParse(Object.fromEntries(given))
    if (parsed.success) return parsed.data
    const issue = parsed.error.issues[0]
    const bad = declared.find(([name]) => name === issue?.path[0])?.[1]
    if (!bad) throw parsed.error
    const { variable, bounds } = bad
    throw new ConfigError(`${variable}=${shown(bad, env[variable] ?? '')}: ${bounds ?? issue?.message}`)
  }
}

/**
 * An operator who writes `WHATSAPP_APP_SECRET=` wants signatures to be checked. Read as not set, none would be.
 * @throws {ConfigError} for a secret that is set to nothing, or to spaces
 */
function refuseEmptySecret({ variable, isSecret }: Declared, env: Environment): void {
  if (isSecret && env[variable]?.trim() === '')
    throw new ConfigError(`${variable}= is set but empty: set it to the secret, or remove the variable`)
}

/** The variable's text as it is used: without spaces around it, unless it is a secret. */
function textOf({ variable, isSecret }: Declared, env: Environment): string | undefined {
  const text = isSecret ? env[variable] : env[variable]?.trim()
  return text === '' ? undefined : text
}

/** Whether the environment sets it. */
export const isGiven = (declared: Declared, env: Environment): boolean => textOf(declared, env) !== undefined

/** The value as an error may show it. */
function shown({ isSecret, isAddress }: Declared, value: string): string {
  if (isSecret) return '***'
  const visible = (isAddress ? maskedAddress(value) : value).trim()
  const oneLine = /[^\x20-\x7e]/.test(visible) ? JSON.stringify(visible) : visible
  return oneLine.length > LONGEST_SHOWN ? `${oneLine.slice(0, LONGEST_SHOWN)}…` : oneLine
}
