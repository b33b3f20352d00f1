import type { RejectionReason } from '../../webhook/rejections.js'
import type { Check } from '../check.js'
import { degraded, ok } from '../finding.js'
import { livePresences } from '../surroundings.js'

const SECRETS =
  'compare the provider’s secret with the setting (the log names it), and make sure that no proxy changes the body'
const NO_SECRET = 'set the provider’s secret, or name it in LULL_ALLOW_UNSIGNED'
const WRONG_ADDRESS = 'correct the address at the provider'
const LOGGED = 'the log names the fault'
const REMEDIES: Record<RejectionReason, string> = {
  missing: SECRETS,
  mismatch: SECRETS,
  unsigned: NO_SECRET,
  exposed: NO_SECRET,
  browser: 'a web page tried to post',
  account: 'two providers use one account id, see docs/security.md',
  verify_token: 'set WHATSAPP_VERIFY_TOKEN to what Meta sends',
  path: WRONG_ADDRESS,
  method: WRONG_ADDRESS,
  too_large: 'raise LULL_MAX_BODY_BYTES',
  encoding: LOGGED,
  malformed: LOGGED,
  busy: 'raise LULL_MAX_BODY_BYTES_IN_FLIGHT',
  unavailable: 'Redis could not be used; providers send again',
}
const remedyOf: ReadonlyMap<string, string> = new Map(Object.entries(REMEDIES))

/** Webhooks that the APIs refused since they started, by provider and reason. */
export const webhooks: Check = {
  name: 'webhooks',
  look: surroundings => {
    const counts = new Map<string, number>()
    const reasons = new Set<string>()
    for (const { refused } of livePresences(surroundings).values())
      for (const { provider, reason, count } of refused) {
        const key = `${provider} ${reason}`
        counts.set(key, (counts.get(key) ?? 0) + count)
        reasons.add(reason)
      }
    if (counts.size === 0) return ok('webhooks', 'no webhook was refused')
    const all = [...counts].map(([key, count]) => `${key} ${count}`).join(', ')
    return degraded('webhooks', `webhooks refused since the API’s start: ${all}`, remediesOf(reasons))
  },
}

/** Of these reasons alone. Another version of Lull may have others. */
function remediesOf(reasons: ReadonlySet<string>): string {
  const byRemedy = new Map<string, string[]>()
  for (const reason of reasons) {
    const remedy = remedyOf.get(reason) ?? LOGGED
    byRemedy.set(remedy, [...(byRemedy.get(remedy) ?? []), reason])
  }
  return [...byRemedy].map(([remedy, some]) => `${some.join(' or ')}: ${remedy}`).join('; ')
}
