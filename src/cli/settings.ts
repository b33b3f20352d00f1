/** `lull settings`: shows and changes the rules that are stored for all, for an account or for a conversation. */
import type { Config } from '../config.js'
import type { Edited, ScopeView } from '../settings/edit.js'
import { shownRules, shownValue } from '../settings/shown.js'
import type { StoredScope } from '../settings/snapshot.js'
import { clean, inert, jsonLine } from './show/escape.js'
import { withBatcher } from './with-batcher.js'

interface Options {
  json?: boolean
}

/** Resolves to a line for each scope; for one scope, to what it sets and to what holds for it in the end. */
export const showSettings = (
  config: Config,
  scope: string | undefined,
  { json = false }: Options = {},
): Promise<string> =>
  withBatcher(config, 'settings', async ({ settings }) => {
    if (scope !== undefined) {
      const view = await settings.of(scope)
      return json ? jsonLine(view) : viewLines(view).join('\n')
    }
    const all = await settings.all()
    if (json) return all.map(jsonLine).join('\n')
    return all.length === 0
      ? 'no stored settings: every conversation goes by the environment; lull settings set <scope> NAME=VALUE'
      : listLines(all).join('\n')
  })

/** @param given as they were typed: `quietGapMs=6000` */
export const setSettings = (config: Config, scope: string, given: readonly string[]): Promise<string> =>
  withBatcher(config, 'settings', async ({ settings }) => editedLines(await settings.set(scope, valuesIn(given))))

export const unsetSettings = (config: Config, scope: string, names: readonly string[]): Promise<string> =>
  withBatcher(config, 'settings', async ({ settings }) => editedLines(await settings.unset(scope, names)))

/** Whether this is `NAME=VALUE`. */
export const isAssignment = (text: string): boolean => text.indexOf('=') > 0

function valuesIn(given: readonly string[]): Record<string, string> {
  const pairs = given.map(text => {
    const at = text.indexOf('=')
    return [text.slice(0, at), text.slice(at + 1)] as const
  })
  return Object.fromEntries(pairs)
}

function listLines(all: readonly StoredScope[]): string[] {
  const width = Math.max(...all.map(({ scope }) => inert(scope).length))
  return all.map(({ scope, rules, ignored }) => {
    const set = ignored === undefined ? shownRules(rules) : `${shownRules(rules)} (not used: ${clean(ignored)})`.trim()
    return `${inert(scope).padEnd(width)}  ${set}`
  })
}

function viewLines({ scope, rules, ignored, holds }: ScopeView): string[] {
  const set = Object.keys(rules).length === 0 && ignored === undefined ? 'no stored settings' : shownRules(rules)
  const nameWidth = Math.max(...holds.map(({ name }) => name.length))
  const valueWidth = Math.max(...holds.map(({ value }) => shownValue(value).length))
  return [
    `${inert(scope)}: ${set || 'cannot be read'}`,
    ...(ignored === undefined ? [] : [`  not used: ${clean(ignored)}`]),
    'what holds, and from which scope:',
    ...holds.map(one => {
      const from = one.scope === undefined ? 'environment' : inert(one.scope)
      return `  ${one.name.padEnd(nameWidth)}  ${(shownValue(one.value) || '-').padEnd(valueWidth)}  ${from}`
    }),
  ]
}

function editedLines({ scope, rules, warnings }: Edited): string {
  const now = Object.keys(rules).length === 0 ? 'no stored settings any more' : shownRules(rules)
  return [`${inert(scope)}: ${now}`, ...warnings.map(warning => `warning: ${clean(warning)}`)].join('\n')
}
