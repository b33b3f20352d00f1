import type { Check } from '../check.js'
import { degraded, ok } from '../finding.js'
import { livePresences } from '../surroundings.js'

/** Webhooks that the APIs refused since they started, by provider and reason. */
export const webhooks: Check = {
  name: 'webhooks',
  look: surroundings => {
    const counts = new Map<string, number>()
    for (const { refused } of livePresences(surroundings).values())
      for (const { provider, reason, count } of refused) {
        const key = `${provider} ${reason}`
        counts.set(key, (counts.get(key) ?? 0) + count)
      }
    if (counts.size === 0) return ok('webhooks', 'no webhook was refused')
    const all = [...counts].map(([key, count]) => `${key} ${count}`).join(', ')
    return degraded(
      'webhooks',
      `webhooks refused since the API’s start: ${all}`,
      'missing or mismatch: compare the provider’s secret with the setting (the log names it), and make sure that no proxy changes the body; unsigned or exposed: set the provider’s secret, or name it in LULL_ALLOW_UNSIGNED; browser: a web page tried to post; account: two providers use one account id, see docs/security.md; verify_token: WHATSAPP_VERIFY_TOKEN; path or method: correct the address at the provider; too_large: LULL_MAX_BODY_BYTES; busy: LULL_MAX_BODY_BYTES_IN_FLIGHT; encoding or malformed: the log names the fault; unavailable: Redis could not be used',
    )
  },
}
