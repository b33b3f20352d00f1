/**
 * How a setting is declared: its environment variable, its meaning, its bounds and its default, once, beside the code
 * that uses it. Reading it (`read.ts`), the error for a bad value and docs/settings.md all come from the declaration.
 *
 *   z.object({ port: setting('PORT', 'The port of the API.', whole(0, 65_535, 3000)) })
 *
 * The object's keys are the names in the program (and of the library's options); its type is inferred.
 */
import { z } from 'zod'

/** The facts about a setting that its schema does not hold. */
export interface Declared {
  variable: string
  /** A sentence or two for docs/settings.md. */
  meaning: string
  /** What an error says after the value: `must be …`. Without it, what the schema's own check throws. */
  bounds?: string
  /** The default, as it would be written in the environment. */
  preset?: string
  /** What the schema gets for the variable's text; without it, the text itself. */
  fromText?: (text: string) => unknown
  /** Its value is never shown. */
  isSecret?: boolean
  /** Its value may contain credentials, which an error masks. */
  isAddress?: boolean
}

/** A schema together with what the documentation and an error say about its values. */
export interface Kind<Schema extends z.ZodType>
  extends Pick<Declared, 'bounds' | 'preset' | 'fromText' | 'isSecret' | 'isAddress'> {
  schema: Schema
}

/** Settings that are read together into one object of type `Values`. */
export type SettingsOf<Values> = z.ZodType<Values> & AnySettings

/** Any group of settings. */
export interface AnySettings {
  readonly shape: Readonly<Record<string, z.core.$ZodType>>
}

/** Reads a group of settings from the environment. @throws {ConfigError} */
export type Read = <Values>(settings: SettingsOf<Values>) => Values

const registry = z.registry<Declared>()

/** Declares a setting. A setting that two groups share is declared once, and both name the same schema. */
export function setting<Schema extends z.ZodType>(
  variable: string,
  meaning: string,
  { schema, ...kind }: Kind<Schema>,
): Schema {
  registry.add(schema, { variable, meaning, ...kind })
  return schema
}

/** The settings of a group: the name in the program, and the declaration. */
export function declaredIn({ shape }: AnySettings): [name: string, declared: Declared][] {
  return Object.entries(shape).map(([name, schema]) => {
    const declared = registry.get(schema)
    if (!declared) throw new TypeError(`${name} is not declared with setting()`)
    return [name, declared]
  })
}

/** A whole number from `min` to `max`. */
export const whole = (min: number, max: number, preset: number) => ({
  schema: z.number().int().min(min).max(max).default(preset),
  bounds: `must be a whole number from ${min} to ${max}`,
  preset: String(preset),
  fromText: (text: string) => (/^-?\d+$/.test(text) ? Number(text) : Number.NaN),
})

/** One of some words. */
export const oneOf = <const Values extends readonly [string, ...string[]]>(
  values: Values,
  preset: NoInfer<Values[number]>,
) => ({
  schema: z.enum(values).default(preset),
  bounds: `must be one of ${values.join(', ')}`,
  preset,
})

/** Any of some words, by comma; none by default. */
export const someOf = <const Values extends readonly [string, ...string[]]>(values: Values) => ({
  schema: z.array(z.enum(values)).readonly().default([]),
  bounds: `must be by comma any of ${values.join(', ')}`,
  preset: '',
  fromText: (text: string) => (text === '' ? [] : text.split(',').map(word => word.trim())),
})

const ON_OFF = new Map([
  ['on', true],
  ['off', false],
])

export const onOff = (preset: 'on' | 'off') => ({
  schema: z.boolean().default(preset === 'on'),
  bounds: 'must be one of on, off',
  preset,
  fromText: (text: string) => ON_OFF.get(text) ?? text,
})

/** A text that matches `pattern`; `undefined` if it is not set. */
export const text = (pattern: RegExp, bounds: string) => ({ schema: z.string().regex(pattern).optional(), bounds })

/** A text that matches `pattern`, or the default. */
export const textOr = (preset: string, pattern: RegExp, bounds: string) => ({
  schema: z.string().regex(pattern).default(preset),
  bounds,
  preset,
})

/** Any text. */
export const anyText = () => ({ schema: z.string().optional() })

/** A secret that goes into a header, and so has to fit into one. */
export const secret = () => ({
  ...text(/^[\x21-\x7e]+$/, 'must be printable ASCII characters without spaces'),
  isSecret: true,
})

/** A secret of any characters. */
export const anySecret = () => ({ ...anyText(), isSecret: true })

/** What `parse` makes of the text. The error for a bad value is what it throws. */
export const parsedBy = <Value>(parse: (text: string) => Value) => ({ schema: parsing(parse).optional() })

/** What `parse` makes of the text, or the default. */
export const parsedOr = (preset: string, parse: (text: string) => string) => ({
  schema: parsing(parse).default(preset),
  preset,
})

/** An address that an error shows without its credentials. */
export const addressBy = <Value>(parse: (text: string) => Value) => ({ ...parsedBy(parse), isAddress: true })

const parsing = <Value>(parse: (text: string) => Value) =>
  z.string().transform((text, context) => {
    try {
      return parse(text)
    } catch (error) {
      context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : String(error) })
      return z.NEVER
    }
  })

/** `fetch` refuses an address that contains credentials. @throws {RangeError} */
export function webAddress(address: string): string {
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
    throw new RangeError('must be an http:// or https:// URL')
  if (url.username || url.password) throw new RangeError('must hold no user and no password')
  return address
}
