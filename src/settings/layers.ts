/**
 * How the rules of several scopes become the settings of one conversation: each rule by itself from the most special
 * scope that sets it. A scope whose rules contradict those below it is left out as a whole.
 */
import type { Rules } from '../rules.js'
import { type ConversationSettings, OVERRIDES, type OverrideName, type Overrides, withOverrides } from './overrides.js'

/** A scope and what it sets. */
export interface Scoped {
  scope: string
  overrides: Overrides
}

export interface Ignored {
  scope: string
  /** One line. */
  why: string
}

export interface Layered {
  settings: ConversationSettings
  /** The scope that each rule comes from; absent for a rule of the process. */
  scopes: Partial<Record<OverrideName, string>>
  ignored: Ignored[]
}

/** What a process is configured with. */
export interface ProcessSettings extends Pick<ConversationSettings, 'batching' | 'onOwnMessage'> {
  rules: Rules
}

/** @param layers the most special last */
export function layered({ rules, batching, onOwnMessage }: ProcessSettings, layers: readonly Scoped[]): Layered {
  const result: Layered = { settings: { ...rules, batching, onOwnMessage }, scopes: {}, ignored: [] }
  let together = rules
  for (const { scope, overrides } of layers) {
    try {
      together = withOverrides(together, overrides)
    } catch (error) {
      result.ignored.push({ scope, why: oneLineOf(error) })
      continue
    }
    result.settings = { ...result.settings, ...overrides }
    for (const name of namesIn(overrides)) result.scopes[name] = scope
  }
  return result
}

/** The names of the rules that are set. */
export const namesIn = (overrides: Overrides) => OVERRIDES.filter(name => overrides[name] !== undefined)

export const oneLineOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? ''
