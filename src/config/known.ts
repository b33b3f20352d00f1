/** Every setting there is, in groups: derived from the providers and the handovers there are. */
import { z } from 'zod'
import type { HandoverKind } from '../handover/kind.js'
import { HANDOVERS } from '../handover/registry.js'
import { type Providers, providers } from '../providers/registry.js'
import { rulesSchema } from '../rules.js'
import { apiSettings, messageSettings, processSettings, redisSettings, workerSettings } from './groups.js'
import { type AnySettings, oneOf, parsedBy, setting } from './setting.js'

/** The providers and the handovers there are. */
export interface Known {
  providers: Providers
  handovers: readonly [HandoverKind, ...HandoverKind[]]
}

export const KNOWN: Known = { providers, handovers: HANDOVERS }

export interface Group {
  title: string
  settings: AnySettings
}

/** In the order in which the documentation lists them. */
export function groupsOf(known: Known): Group[] {
  return [
    { title: 'Redis', settings: redisSettings },
    { title: 'Batching', settings: rulesSchema },
    { title: 'Messages', settings: messageSettings },
    { title: 'Handover', settings: handoverChoice(known) },
    ...known.handovers.map(({ name, settings }) => ({ title: `Handover \`${name}\``, settings })),
    { title: 'Worker', settings: workerSettings },
    { title: 'API', settings: apiSettings },
    { title: 'Webhooks', settings: unsignedSettings(known) },
    ...known.providers.list.flatMap(({ title, settings }) =>
      settings ? [{ title: `Webhooks: ${title}`, settings }] : [],
    ),
    { title: 'Process', settings: processSettings },
  ]
}

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
    if (listed.some(name => name !== 'all' && !names.includes(name)))
      throw new RangeError(`must be all, or by comma any of ${names.join(', ')}`)
    return listed.includes('all') ? 'all' : listed
  }
  return z.object({
    allowUnsigned: setting(
      'LULL_ALLOW_UNSIGNED',
      `Providers, by comma, that may come unsigned although another one has a secret, or \`all\`: ${names.join(', ')}.`,
      parsedBy(parse),
    ),
  })
}
