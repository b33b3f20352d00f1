/** What cannot be taken back is asked once, in a dialog, and then done. */
import { html, nothing } from './lit.js'
import { t } from './words.js'

const YES = 'yes'

/**
 * @typedef {object} Question
 * @property {string} name of what it is about
 * @property {string} title and `lead`: what will be done; `yes`: the button that does it
 * @property {() => Promise<() => string>} act resolves to what gives one line: what was done
 */

export class Asking {
  /** @type {Question | undefined} the question of the open dialog */
  question
  isBusy = false
  note = () => ''

  /** @param id of the dialog */
  constructor(onChange, id) {
    this.onChange = onChange
    this.id = id
  }

  /** @param {Question} question */
  ask(question) {
    if (this.isBusy) return
    this.question = question
    this.onChange()
    const dialog = document.getElementById(this.id)
    // Escape keeps the choice of the last time.
    dialog.returnValue = ''
    dialog.showModal()
  }

  /** Forgets what the last question led to. */
  reset() {
    this.note = () => ''
  }

  async answered(value) {
    const { question } = this
    if (value !== YES) return
    this.isBusy = true
    this.onChange()
    try {
      this.note = await question.act()
    } catch (failure) {
      this.note = () => t('failed', failure.message)
    }
    this.isBusy = false
    this.onChange()
  }

  /** The line that says what was done. */
  said() {
    return html`<p class="note" role="status">${this.note() || nothing}</p>`
  }

  dialog() {
    const { name, title, lead, yes } = this.question ?? {}
    return html`
      <dialog
        id=${this.id}
        aria-labelledby="${this.id}-title"
        @close=${({ target }) => void this.answered(target.returnValue)}
      >
        <h3 id="${this.id}-title">${title}</h3>
        <p class="name">${name}</p>
        <p class="lead">${lead}</p>
        <form method="dialog" class="actions">
          <button value=${YES}>${yes}</button>
          <button class="quiet" value="" autofocus>${t('cancel')}</button>
        </form>
      </dialog>`
  }
}
