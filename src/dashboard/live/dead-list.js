/** The dead batches, each with the reason of its end and buttons to hand it over again, or to discard it. */
import { call } from '../api.js'
import { Asking } from '../asking.js'
import { when } from '../formats.js'
import { html, repeat } from '../lit.js'
import { counted, t } from '../words.js'

const DEAD_SHOWN = 50
const LONGEST_PREVIEW = 120
const RETRY_MS = 5000

export class DeadList {
  dead = []
  /** Whether a batch has died or come back since the list was read. */
  isCurrent = false
  notBeforeMs = 0
  /** Batch ids that are on their way to be handed over. */
  redriving = new Set()
  note = () => ''

  constructor(onChange) {
    this.onChange = onChange
    this.asking = new Asking(onChange, 'discarding')
  }

  /** The store counts those that are not listed. */
  count(totals) {
    return this.dead.length < DEAD_SHOWN ? this.dead.length : Math.max(totals.dead, DEAD_SHOWN)
  }

  /** Reads the list again if it is not current. */
  async refresh() {
    if (this.isCurrent || Date.now() < this.notBeforeMs) return
    this.isCurrent = true
    try {
      const { dead } = await call('GET', `dead?limit=${DEAD_SHOWN}`)
      this.dead = dead
      if (dead.length > 0) this.note = () => ''
      this.onChange()
    } catch {
      this.isCurrent = false
      this.notBeforeMs = Date.now() + RETRY_MS
    }
  }

  async redrive(batchId) {
    this.asking.reset()
    this.redriving.add(batchId)
    this.onChange()
    try {
      await call('POST', `dead/${encodeURIComponent(batchId)}/redrive`)
      this.isCurrent = false
      this.note = () => t('redriven')
      document.getElementById('dead-title').focus()
    } catch (failure) {
      this.note = () => t('failed', failure.message)
    }
    this.redriving.delete(batchId)
    this.onChange()
  }

  discard(batchId, conversationId) {
    this.note = () => ''
    const act = async () => {
      await call('DELETE', `dead/${encodeURIComponent(batchId)}`)
      this.isCurrent = false
      document.getElementById('dead-title').focus()
      return () => t('discarded')
    }
    this.asking.ask({
      name: conversationId,
      yes: t('discard'),
      title: t('discardTitle'),
      lead: t('discardLead'),
      act,
    })
  }

  view() {
    const note = this.note() || (this.dead.length === 0 ? t('deadNone') : '')
    return html`
      <section class="card">
        <h3 id="dead-title" tabindex="-1">${t('deadTitle')}</h3>
        <p class="empty" role="status">${note}</p>
        ${this.asking.said()}
        ${this.asking.dialog()}
        <ul class="dead">
          ${repeat(
            this.dead,
            dead => dead.batchId,
            dead => this.item(dead),
          )}
        </ul>
      </section>`
  }

  item({ batchId, conversationId, attempts, error, diedAtMs, batch }) {
    const { text, messages } = batch
    const preview = text === undefined ? t('hidden') : text.replaceAll('\n', ' · ').slice(0, LONGEST_PREVIEW)
    return html`
      <li>
        <a href="#trace=${encodeURIComponent(conversationId)}">${conversationId}</a>
        <span class="lead">${when(diedAtMs)} · ${counted('message', messages.length)}</span>
        <p class="error">${t('deadAfter', counted('attempt', attempts), error)}</p>
        <p class="preview">${preview}</p>
        <button
          type="button"
          aria-label="${t('redrive')}: ${conversationId}"
          ?disabled=${this.redriving.has(batchId)}
          @click=${() => void this.redrive(batchId)}
        >
          ${t('redrive')}
        </button>
        <button
          type="button"
          aria-label="${t('discard')}: ${conversationId}"
          aria-disabled=${this.asking.isBusy}
          @click=${() => this.discard(batchId, conversationId)}
        >
          ${t('discard')}
        </button>
      </li>`
  }
}
