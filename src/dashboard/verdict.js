/** What an operator wants to know first: is anything wrong, and what is to be done about it. */
import { el } from './dom.js'
import { OVERDUE_MS } from './model.js'
import { counted, duration, rejection, t, when } from './words.js'

/** An old refusal is not news. */
const REFUSED_RECENTLY_MS = 600_000
/** As often must the queue have been found waiting for a worker: jobs may just have come. */
const IDLE_LOOKS = 2

export class Verdict {
  element = el('div', { class: 'verdict', role: 'status' })
  idleLooks = 0
  drawn

  /** Called whenever the API has said how it is. */
  looked({ queue }) {
    const { waiting = 0, active = 0 } = queue?.counts ?? {}
    this.idleLooks = waiting > 0 && active === 0 ? this.idleLooks + 1 : 0
  }

  update(about, dead, now) {
    const troubles = this.troubles(about, dead, now)
    const lines = troubles.length > 0 ? troubles : [t('allWell')]
    const drawn = JSON.stringify(lines)
    if (drawn === this.drawn) return
    this.drawn = drawn
    this.element.classList.toggle('bad', troubles.length > 0)
    this.element.replaceChildren(...lines.map(text => el('p', { text })))
  }

  troubles({ totals, queue, webhooks }, dead, now) {
    const { counts = {} } = queue ?? {}
    const { error, waiting } = counts
    const since = totals.oldestDueAgeMs
    const refused = webhooks.filter(webhook => (webhook.refused?.atMs ?? 0) > now - REFUSED_RECENTLY_MS)
    return [
      ...(since > OVERDUE_MS ? [t('overdue', duration(Math.floor(since / 1000) * 1000))] : []),
      ...(dead > 0 ? [t('deadAre', counted('deadBatch', dead))] : []),
      ...(error ? [t('queueUnknown', error)] : []),
      ...(this.idleLooks >= IDLE_LOOKS ? [t('nobodyWorks', counted('job', waiting))] : []),
      ...refused.map(({ provider, refused: { atMs, reason } }) =>
        t('refusedAre', provider, when(atMs), rejection(reason)),
      ),
    ]
  }
}
