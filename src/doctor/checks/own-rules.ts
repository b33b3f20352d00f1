/** Rules that are stored for accounts and conversations: which there are, and which of them are not used. */
import { shownRules } from '../../settings/shown.js'
import { Snapshot, type StoredScope } from '../../settings/snapshot.js'
import type { Check } from '../check.js'
import { counted, degraded, type Finding, ok } from '../finding.js'

const MOST_SHOWN = 10

export const ownRules: Check = {
  name: 'own-rules',
  look: async ({ store, config: { rules, batching, onOwnMessage } }) => {
    const stored = await store.settings.all()
    const snapshot = new Snapshot(stored.rules, { rules, batching, onOwnMessage })
    const all = snapshot.scopes.map(scope => snapshot.of(scope))
    const used = all.filter(({ ignored }) => ignored === undefined)
    return [...usedScopes(used), ...ignoredScopes(all.filter(({ ignored }) => ignored !== undefined))]
  },
}

function usedScopes(scopes: StoredScope[]): Finding[] {
  if (scopes.length === 0) return []
  const says = `${counted(scopes.length, 'scope has rules', 'scopes have rules')} of ${scopes.length === 1 ? 'its' : 'their'} own`
  return [
    { ...ok(ownRules.name, says), details: shown(scopes, ({ scope, rules }) => `${scope}: ${shownRules(rules)}`) },
  ]
}

function ignoredScopes(scopes: StoredScope[]): Finding[] {
  const [first] = scopes
  if (!first) return []
  const says = `the stored rules of ${counted(scopes.length, 'scope')} are not used`
  const remedy = `correct them with lull settings set ${first.scope} NAME=VALUE, or remove them with lull settings unset ${first.scope}; rules of a newer version need that version in all processes`
  return [
    {
      ...degraded(ownRules.name, says, remedy),
      details: shown(scopes, ({ scope, ignored }) => `${scope}: ${ignored}`),
    },
  ]
}

function shown(scopes: StoredScope[], line: (scope: StoredScope) => string): string[] {
  const left = scopes.length - MOST_SHOWN
  return [...scopes.slice(0, MOST_SHOWN).map(line), ...(left > 0 ? [`and ${left} more: lull settings`] : [])]
}
