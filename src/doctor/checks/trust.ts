import type { WebhookTrust } from '../../presence/presence.js'
import type { Check } from '../check.js'
import { degraded, type Finding, ok } from '../finding.js'
import { livePresences } from '../surroundings.js'

/** Whose webhooks each API accepts, and on what proof. APIs with the same rule share a finding. */
export const trust: Check = {
  name: 'trust',
  look: surroundings => {
    const byRule = new Map<string, { rule: WebhookTrust; names: string[] }>()
    for (const [name, presence] of livePresences(surroundings)) {
      if (presence.trust === undefined) continue
      const key = JSON.stringify(presence.trust)
      const shared = byRule.get(key) ?? { rule: presence.trust, names: [] }
      byRule.set(key, shared)
      shared.names.push(name.replace(/^lull\./, ''))
    }
    return [...byRule.values()].map(({ rule, names }) => findingOf(rule, names.sort().join(', ')))
  },
}

function findingOf({ exposed, signed, unsigned, named }: WebhookTrust, apis: string): Finding {
  if (unsigned.length > 0 && named)
    return degraded(
      'trust',
      `${apis}: webhooks of ${unsigned.join(', ')} need no proof${exposed ? ', and the API is exposed' : ''}: anybody who reaches it can forge them`,
      'set their secrets; for a provider that cannot sign let only that provider reach the API, and name no other one in LULL_ALLOW_UNSIGNED',
    )
  if (unsigned.length > 0)
    return ok(
      'trust',
      `${apis}: no provider has a secret; webhooks are accepted only from programs on this machine, not from a proxy`,
    )
  return ok(
    'trust',
    signed.length > 0
      ? `${apis}: webhooks need the signature or token of ${signed.join(', ')}`
      : `${apis}: no webhook is accepted, since no provider has a secret`,
  )
}
