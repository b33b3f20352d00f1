/**
 * For the page: each provider's last webhook that was accepted, and its last that was refused, here or in another
 * process.
 */
import type { Counts } from '../observer.js'
import type { Rejection, Rejections } from '../webhook/receive.js'

export interface RecentWebhook {
  provider: string
  accepted?: { atMs: number; counts: Counts }
  refused?: { atMs: number; reason: string; count: number }
}

/** Another process's rejections, as it wrote them in Redis. */
export type RefusedElsewhere = Omit<Rejection, 'reason'> & { reason: string }

export class RecentWebhooks {
  /** Bounded by the number of providers: webhooks of an unknown one do not get here. */
  private readonly accepted = new Map<string, { atMs: number; counts: Counts }>()

  constructor(private readonly rejections: Pick<Rejections, 'all'>) {}

  received(provider: string, counts: Counts): void {
    // Nothing was stored: the store failed, and the provider sends the webhook again.
    if (counts.accepted + counts.duplicates + counts.ignored === 0) return
    this.accepted.set(provider, { atMs: Date.now(), counts: { ...counts } })
  }

  /** Sorted by provider. */
  all(elsewhere: RefusedElsewhere[] = []): RecentWebhook[] {
    const all = new Map<string, RecentWebhook>()
    for (const [provider, accepted] of this.accepted) all.set(provider, { provider, accepted })
    for (const { provider, reason, count, lastAtMs } of [...refusedHere(this.rejections.all), ...elsewhere]) {
      const recent = all.get(provider) ?? { provider }
      all.set(provider, recent)
      if ((recent.refused?.atMs ?? 0) < lastAtMs) recent.refused = { atMs: lastAtMs, reason, count }
    }
    return [...all.values()].sort((a, b) => (a.provider < b.provider ? -1 : 1))
  }
}

/** Each provider's last rejection, with the count of all of its rejections. */
function refusedHere(rejections: Rejection[]): Rejection[] {
  const byProvider = new Map<string, Rejection>()
  for (const rejection of rejections) {
    const other = byProvider.get(rejection.provider)
    const last = other && other.lastAtMs > rejection.lastAtMs ? other : rejection
    byProvider.set(rejection.provider, { ...last, count: rejection.count + (other?.count ?? 0) })
  }
  return [...byProvider.values()]
}
