/** What an operator wants to know first: is anything wrong, and what is to be done about it. */
import { duration, when } from '../formats.js'
import { html } from '../lit.js'
import { counted, rejection, t } from '../words.js'

/** An old refusal is not news. */
const REFUSED_RECENTLY_MS = 600_000
/** Jobs wait and none is active in this many polls in a row. In a single poll they may just have come. */
const IDLE_LOOKS = 2

export class Verdict {
  idleLooks = 0

  /** Called with each answer of the API about itself. */
  look({ queue }) {
    const { waiting = 0, active = 0 } = queue?.counts ?? {}
    this.idleLooks = waiting > 0 && active === 0 ? this.idleLooks + 1 : 0
  }

  /** @param isCurrent whether the page's data is current: else there is no verdict */
  view({ about, dead, now, isCurrent }) {
    const troubles = this.troubles(about, dead, now)
    const lines = troubles.length > 0 ? troubles : [t('allWell')]
    return html`
      <div class="verdict ${troubles.length > 0 ? 'bad' : ''}" role="status" ?hidden=${!isCurrent}>
        ${lines.map(line => html`<p>${line}</p>`)}
      </div>`
  }

  troubles({ totals, overdueMs, queue, webhooks }, dead, now) {
    const { error, waiting } = queue?.counts ?? {}
    const dueForMs = totals.oldestDueAgeMs
    const refused = webhooks.filter(webhook => (webhook.refused?.atMs ?? 0) > now - REFUSED_RECENTLY_MS)
    return [
      ...(dueForMs >= overdueMs ? [t('overdue', duration(Math.floor(dueForMs / 1000) * 1000))] : []),
      ...(dead > 0 ? [t('deadAre', counted('deadBatch', dead))] : []),
      ...(error ? [t('queueUnknown', error)] : []),
      ...(this.idleLooks >= IDLE_LOOKS ? [t('nobodyWorks', counted('job', waiting))] : []),
      ...refused.map(({ provider, refused: { atMs, reason } }) =>
        t('refusedAre', provider, when(atMs), rejection(reason)),
      ),
    ]
  }
}
