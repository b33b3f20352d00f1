/**
 * The library's options as TypeScript, with what an editor shows beside each: the text of src/rule-types.ts and
 * src/providers/provider-types.ts. Made from the declarations of the settings, as docs/settings.md is: a type that is
 * inferred from a zod shape has no documentation. The compiler compares both files with the shapes.
 */
import { z } from 'zod'
import { MESSAGE_TYPES } from '../batch.js'
import { rulesSchema } from '../rules.js'
import { overrideSettings } from '../settings/overrides.js'
import { groupsOf, type Known } from './known.js'
import { presetOf, valuesOf } from './reference.js'
import { type AnySettings, type Declared, declaredIn } from './setting.js'

const LINE = 120

/** The text of src/rule-types.ts. */
export function ruleTypes(known: Known): string {
  const toOptions = optionNames(known)
  return `${head('src/rules.ts and src/conversation-rules.ts')}
import type { MessageType } from './batch.js'

/** The rules of batching: when a batch is due, how long a claim lasts, what holds a conversation. */
export interface Rules {
${fieldsOf(rulesSchema, toOptions)}}

/** What a conversation goes by: its own rules over the settings of the process. */
export interface ConversationSettings {
${fieldsOf(overrideSettings, toOptions)}}
`
}

/** The text of src/providers/provider-types.ts. */
export function providerTypes(known: Known): string {
  const { list, names } = known.providers
  const toOptions = optionNames(known)
  const options = list.map(({ name, title, option = name, settings }) => {
    const secrets = settings ? fieldsOf(settings, toOptions, 2) : ''
    return `${doc([`Webhooks of ${title === 'anything else' ? 'any other channel, in the generic shape' : title}.`], 1)}  ${option}?: {
${secrets}${doc(['In place of a secret: its webhooks are accepted without a signature.'], 2)}    unsigned?: true
  }
`
  })
  return `${head('src/providers/')}

/** A provider whose webhooks Lull reads. */
export type KnownProvider =
${names.map(name => `  | '${name}'`).join('\n')}

/** Whose messages these are. Other names are those of channels of your own, which append by \`Batcher\` or the API. */
export type ProviderName = KnownProvider | (string & {})

/**
 * The secret of each provider, as \`webhook({ providers })\` takes them. A provider that is not named is refused; a secret
 * that is given but empty or \`undefined\` throws a \`TypeError\`.
 */
export type ProvidersOptions = {
${options.join('')}${doc(['The names of providers whose webhooks are accepted without a signature, or `all` of them. The same as `unsigned: true` in each.'], 1)}  allowUnsigned?: 'all' | readonly ProviderName[]
}
`
}

const head = (where: string) => `// Made by \`npm run docs\` from the declarations in ${where}. Change them there.`

/** For texts of settings, which name variables: \`LULL_PAUSED=drop\` is \`paused: 'drop'\`. */
function optionNames(known: Known): (text: string) => string {
  const options = new Map(
    groupsOf(known).flatMap(({ settings, optionOf }) =>
      declaredIn(settings).flatMap(([name, { variable }]) => {
        const option = optionOf?.(name)
        return option === undefined ? [] : [[variable, option] as const]
      }),
    ),
  )
  return text =>
    text.replace(/`([A-Z][A-Z_]+)(?:=(\w+))?`/g, (whole, variable: string, value: string | undefined) => {
      const option = options.get(variable)
      if (option === undefined) return whole
      return value === undefined ? `\`${option}\`` : `\`${option}: '${value}'\``
    })
}

function fieldsOf(settings: AnySettings, toOptions: (text: string) => string, depth = 1): string {
  const indent = '  '.repeat(depth)
  return declaredIn(settings)
    .map(([name, declared]) => {
      const { type, isOptional } = typeOf(settings.shape[name])
      const field = isOptional ? `${name}?: ${type} | undefined` : `${name}: ${type}`
      const meaning = toOptions(type === 'boolean' ? declared.meaning.replace('`off`', '`false`') : declared.meaning)
      return `${doc([meaning, ...boundsOf(name, declared, type)], depth)}${indent}${field}\n`
    })
    .join('')
}

/** What a value may be, as far as its type does not say it, and the default. */
function boundsOf(name: string, declared: Declared, type: string): string[] {
  const values = valuesOf(declared)
  const bounds = name.endsWith('Ms')
    ? `Milliseconds: ${values}.`
    : `${values.charAt(0).toUpperCase()}${values.slice(1)}.`
  return [
    ...(type === 'number' ? [bounds] : []),
    ...(declared.preset === undefined ? [] : [`@defaultValue ${presetAs(type, declared)}`]),
  ]
}

function presetAs(type: string, declared: Declared): string {
  if (type === 'number') return presetOf(declared).replaceAll('`', '')
  if (type === 'boolean') return String(declared.preset === 'on')
  return type.startsWith('readonly') ? '[]' : `'${declared.preset}'`
}

function typeOf(schema: z.core.$ZodType | undefined): { type: string; isOptional: boolean } {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodReadonly) return typeOf(schema.def.innerType)
  if (schema instanceof z.ZodOptional) return { ...typeOf(schema.def.innerType), isOptional: true }
  return { type: nameOf(schema), isOptional: false }
}

function nameOf(schema: z.core.$ZodType | undefined): string {
  if (schema instanceof z.ZodNumber) return 'number'
  if (schema instanceof z.ZodBoolean) return 'boolean'
  // A pipe parses a text, and keeps it.
  if (schema instanceof z.ZodString || schema instanceof z.ZodPipe) return 'string'
  if (schema instanceof z.ZodArray) return `readonly ${nameOf(schema.def.element)}[]`
  if (schema instanceof z.ZodEnum)
    return schema.options.length === MESSAGE_TYPES.length
      ? 'MessageType'
      : schema.options.map(option => `'${option}'`).join(' | ')
  throw new TypeError('a setting has a schema that option-types.ts cannot write as a type')
}

/** A docstring of these paragraphs, in lines of at most 120 characters. */
function doc(paragraphs: readonly string[], depth: number): string {
  const indent = '  '.repeat(depth)
  const [only = '', ...more] = paragraphs
  const single = `${indent}/** ${only} */`
  if (more.length === 0 && single.length <= LINE) return `${single}\n`
  const lines = paragraphs.flatMap((paragraph, i) => {
    const wrapped = wrap(paragraph, LINE - indent.length - 3)
    return i === 0 || paragraph.startsWith('@') ? wrapped : ['', ...wrapped]
  })
  return `${indent}/**\n${lines.map(line => `${indent} *${line === '' ? '' : ` ${line}`}\n`).join('')}${indent} */\n`
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}
