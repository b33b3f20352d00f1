/** How much there is of everything, a number a tile. */
import { duration, numberText } from '../formats.js'
import { html, nothing } from '../lit.js'
import { counted, t } from '../words.js'

const MINUTE_MS = 60_000

/** @param counts of open and held conversations, as the list below has them @param dead how many batches are dead */
export function tiles({ about, counts, releases, dead, now }) {
  const dueForMs = about.totals.oldestDueAgeMs
  const isOverdue = dueForMs >= about.overdueMs
  const { count, p50, p99 } = releases.lateness(now)
  const superseded = releases.supersededSince(now - MINUTE_MS)
  return html`
    <div class="tiles">
      ${tile('open', numberText(counts.open), isOverdue ? t('oldest', duration(dueForMs)) : t('openMeans'), isOverdue)}
      ${tile('held', numberText(counts.held), t('heldMeans'))}
      ${tile(
        'perMinute',
        numberText(releases.since(now - MINUTE_MS)),
        superseded > 0 ? t('supersededOfThem', numberText(superseded)) : '',
      )}
      ${tile(
        'lateness',
        count ? `${duration(p50)} / ${duration(p99)}` : '–',
        count ? t('latenessOf', counted('ofBatches', count)) : '',
      )}
      ${about.queue ? queueTile(about.queue.counts) : nothing}
      ${tile('dead', numberText(dead), '', dead > 0)}
    </div>`
}

function queueTile({ error, waiting, active, delayed = 0, failed }) {
  if (error) return tile('queueTile', t('unknown'), error, true)
  const value = `${numberText(waiting + delayed)} / ${numberText(active)}`
  return tile('queueTile', value, failed ? t('queueFailed', numberText(failed)) : '')
}

const tile = (label, value, note = '', isBad = false) => html`
  <div class="tile ${isBad ? 'bad' : ''}"><strong>${value}</strong><span>${t(label)}</span><small>${note}</small></div>`
