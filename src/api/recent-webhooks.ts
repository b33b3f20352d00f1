/** The last webhook of each provider that was accepted, and the last that was refused, and why, as this process saw them. */
import type { Counts } from '../observer.js'
import type { RejectionReason } from '../webhook/rejections.js'

export interface RecentWebhook {
  provider: string
  accepted?: { atMs: number; counts: Counts }
  refused?: { atMs: number; reason: string; count: number }
}

/** What another process says of what it has refused. */
export interface RefusedElsewhere {
  provider: string
  reason: string
  count: number
  lastAtMs: number
}

export class RecentWebhooks {
  /** As many as there are providers: a provider is known before it gets here. */
  private readonly byProvider = new Map<string, RecentWebhook>()

  received(provider: string, counts: Counts): void {
    // Nothing of it was stored: it will come again.
    if (counts.accepted + counts.duplicates + counts.ignored === 0) return
    this.of(provider).accepted = { atMs: Date.now(), counts: { ...counts } }
  }

  rejected(provider: string, reason: RejectionReason): void {
    const recent = this.of(provider)
    recent.refused = { atMs: Date.now(), reason, count: (recent.refused?.count ?? 0) + 1 }
  }

  all(elsewhere: RefusedElsewhere[] = []): RecentWebhook[] {
    const all = new Map([...this.byProvider].map(([provider, recent]) => [provider, { ...recent }]))
    for (const { provider, reason, count, lastAtMs } of elsewhere) {
      const recent = all.get(provider) ?? { provider }
      all.set(provider, recent)
      if ((recent.refused?.atMs ?? 0) < lastAtMs) recent.refused = { atMs: lastAtMs, reason, count }
    }
    return [...all.values()].sort((a, b) => (a.provider < b.provider ? -1 : 1))
  }

  private of(provider: string): RecentWebhook {
    const recent = this.byProvider.get(provider) ?? { provider }
    this.byProvider.set(provider, recent)
    return recent
  }
}
