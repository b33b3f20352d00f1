/** Every setting there is, in groups: derived from the providers and the handovers there are. */
import { z } from 'zod'
import type { HandoverKind } from '../handover/kind.js'
import { HANDOVERS } from '../handover/registry.js'
import { bodySettings } from '../http/body-bounds.js'
import { type Providers, providers } from '../providers/registry.js'
import { rulesSchema } from '../rules.js'
import { apiSettings, messageSettings, processSettings, redisSettings, workerSettings } from './groups.js'
import { type AnySettings, declaredIn, oneOf, parsedBy, setting } from './setting.js'

/** The providers and the handovers there are. */
export interface Known {
  providers: Providers
  handovers: readonly [HandoverKind, ...HandoverKind[]]
}

export const KNOWN: Known = { providers, handovers: HANDOVERS }

export interface Group {
  /** Groups of the same title are documented together. */
  title: string
  /** The provider or handover that they are of, as people call it. */
  of?: string
  settings: AnySettings
  /** The library's option for a setting, by its name; `undefined`: it has none. */
  optionOf?: (name: string) => string | undefined
}

/** In the order in which the documentation lists them. */
export function groupsOf(known: Known): Group[] {
  const sameName = (name: string) => name
  return [
    { title: 'Redis', settings: redisSettings, optionOf: name => LIBRARY_NAMES.get(name) },
    { title: 'Batching', settings: rulesSchema, optionOf: sameName },
    { title: 'Messages', settings: messageSettings, optionOf: sameName },
    { title: 'Handover', settings: handoverChoice(known) },
    ...known.handovers.map(({ name, settings }) => ({
      title: 'Handover',
      of: name,
      settings,
      optionOf: (option: string) => `${name}({ ${option} })`,
    })),
    { title: 'Worker', settings: workerSettings },
    { title: 'API', settings: apiSettings },
    { title: 'API', settings: bodySettings, optionOf: sameName },
    { title: 'Webhooks', settings: unsignedSettings(known), optionOf: name => `providers.${name}` },
    ...known.providers.list.flatMap(({ title: of, option, settings }) =>
      settings ? [{ title: 'Webhooks', of, settings, optionOf: (name: string) => `providers.${option}.${name}` }] : [],
    ),
    { title: 'Process', settings: processSettings },
  ]
}

/** The names, in the program, of all settings that are secrets. */
export function secretNames(known: Known): string[] {
  const declared = groupsOf(known).flatMap(({ settings }) => declaredIn(settings))
  return [...new Set(declared.flatMap(([name, { isSecret }]) => (isSecret ? [name] : [])))]
}

/** Of the settings of Redis, those that are options of the library. */
const LIBRARY_NAMES = new Map([
  ['url', 'redis'],
  ['prefix', 'prefix'],
  ['configure', 'configureRedis'],
  ['partitions', 'partitions'],
  ['waitReplicas', 'waitReplicas'],
])

export function handoverChoice({ handovers: [first, ...more] }: Known) {
  const kinds = [first, ...more].map(({ name, whatHappens }) => `\`${name}\`: a batch ${whatHappens}.`)
  return z.object({
    kind: setting(
      'LULL_HANDOVER',
      `Where batches go. ${kinds.join(' ')}`,
      oneOf([first.name, ...more.map(({ name }) => name)], first.name),
    ),
  })
}

export function unsignedSettings({ providers: { names } }: Known) {
  const parse = (list: string): 'all' | readonly string[] => {
    const listed = list.split(',').map(name => name.trim())
    if (listed.length === 1 && listed[0] === 'none') return []
    if (listed.some(name => name !== 'all' && !names.includes(name)))
      throw new RangeError(`must be all, or none, or by comma any of ${names.join(', ')}`)
    return listed.includes('all') ? 'all' : listed
  }
  return z.object({
    allowUnsigned: setting(
      'LULL_ALLOW_UNSIGNED',
      `The providers, by comma, whose webhooks are accepted without a signature; all others need their secret. \`none\`: no provider; \`all\`: anybody who reaches the API may post. If it is not set, unsigned webhooks are accepted only while no provider has a secret, and only from programs on this machine. Names: ${names.join(', ')}.`,
      parsedBy(parse),
    ),
  })
}
