/** A person takes over a conversation: how long the bot stays out is asked in a dialog; it comes back with one click. */
import { call, ofConversation } from './api.js'
import { html, nothing } from './lit.js'
import { t } from './words.js'

const MINUTE_MS = 60_000
/** The key of its words, and how long. */
const CHOICES = [
  ['pauseHalfHour', 30 * MINUTE_MS],
  ['pauseTwoHours', 120 * MINUTE_MS],
  ['pauseDay', 1440 * MINUTE_MS],
]

export class Pausing {
  /** The conversation that the dialog is about. */
  id = ''
  /** Conversations whose request is under way. */
  busy = new Set()
  /** The conversation whose button had the focus: its row may move, or go. */
  focused
  note = () => ''

  /** @param title the id of the heading that gets the focus if the button has gone with its row */
  constructor(onChange, title) {
    this.onChange = onChange
    this.title = title
  }

  /** The button of one conversation. */
  button({ id, paused }) {
    const text = t(paused ? 'resume' : 'pause')
    return html`
      <button
        type="button"
        aria-label="${text}: ${id}"
        aria-disabled=${this.busy.has(id)}
        data-of=${id}
        @click=${event => this.press(id, paused, event.target)}
      >
        ${text}
      </button>`
  }

  press(id, paused, button) {
    if (this.busy.has(id)) return
    if (paused) void this.send(id, 'resume', undefined, 'pauseEnded')
    else this.ask(id, button)
  }

  ask(id, button) {
    this.id = id
    this.onChange()
    const dialog = button.closest('section').querySelector('dialog')
    // Escape keeps the choice of the last time.
    dialog.returnValue = ''
    dialog.showModal()
  }

  async send(id, what, body, done) {
    this.busy.add(id)
    this.focused = id
    this.onChange()
    try {
      await call('POST', ofConversation(what, id), body)
      this.note = () => t(done, id)
    } catch (failure) {
      this.note = () => t('failed', failure.message)
    }
    this.busy.delete(id)
    this.onChange()
  }

  /** After drawing: gives the focus back that has gone with a row. */
  keepFocus(section) {
    if (this.focused === undefined) return
    const button = [...section.querySelectorAll('[data-of]')].find(({ dataset }) => dataset.of === this.focused)
    const { activeElement, body } = document
    if (activeElement !== body) {
      // Somebody has moved on.
      if (activeElement !== button) this.focused = undefined
      return
    }
    if (button) button.focus()
    else document.getElementById(this.title).focus()
  }

  /** @param value ms, as text; empty: cancelled */
  chosen(value) {
    if (value) void this.send(this.id, 'pause', { forMs: Number(value) }, 'pauseBegan')
  }

  view() {
    return html`
      <p class="note" role="status">${this.note() || nothing}</p>
      <dialog
        aria-labelledby="${this.title}-pause"
        @close=${({ target }) => this.chosen(target.returnValue)}
      >
        <h3 id="${this.title}-pause">${t('pauseTitle')}</h3>
        <p class="name">${this.id}</p>
        <p class="lead">${t('pauseLead')}</p>
        <form method="dialog" class="actions">
          ${CHOICES.map(([key, forMs]) => html`<button value=${forMs}>${t(key)}</button>`)}
          <button class="quiet" value="">${t('cancel')}</button>
        </form>
      </dialog>`
  }
}
