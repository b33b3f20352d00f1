/**
 * The rules of a conversation: what holds for it, which scope each rule comes from, and a form that changes them for
 * this conversation, for its account or for all. The last write wins, as over HTTP.
 */
import { call } from '../api.js'
import { html, nothing } from '../lit.js'
import { t } from '../words.js'

const ALL = '*'
const addressOf = scope => `settings?scope=${encodeURIComponent(scope)}`

export class Rules {
  /** The conversation's, as the API shows them; undefined until they are read. */
  read
  /** Why they could not be read the last time. */
  failure = ''
  note = ''
  isBusy = false

  constructor(onChange) {
    this.onChange = onChange
  }

  /** @param id of the conversation that is shown, or nothing */
  async show(id) {
    this.id = id
    this.read = undefined
    this.failure = ''
    this.note = ''
    await this.refresh()
  }

  async refresh() {
    const { id } = this
    if (!id) return
    try {
      const read = await call('GET', addressOf(id))
      if (id !== this.id) return
      this.read = read
      this.failure = ''
    } catch (error) {
      if (id !== this.id) return
      this.failure = error.message
    }
    this.onChange()
  }

  view() {
    if (!this.id) return nothing
    const { holds = [] } = this.read ?? {}
    const own = holds.filter(({ scope }) => scope !== undefined)
    const inForce = own.length > 0 ? own.map(inShort).join(' · ') : t('rulesOfAll')
    return html`
      <section class="card rules">
        <details>
          <summary>
            <h3>${t('rules')}</h3>
            <span>${this.read ? inForce : nothing}</span>
          </summary>
          ${this.read ? this.table(holds) : nothing}
          ${this.read?.ignored ? html`<p class="error">${t('rulesIgnored', this.read.ignored)}</p>` : nothing}
          ${this.read ? this.form(holds) : nothing}
        </details>
        <p class="lead note" aria-live="polite">${this.note || (this.failure && t('failed', this.failure))}</p>
      </section>`
  }

  table(holds) {
    return html`
      <div class="scroll" tabindex="0" role="group" aria-label=${t('rules')}>
        <table>
          <thead>
            <tr>${['ruleName', 'ruleValue', 'ruleFrom'].map(key => html`<th scope="col">${t(key)}</th>`)}</tr>
          </thead>
          <tbody>
            ${holds.map(
              ({ name, value, scope }) => html`
                <tr class=${scope === undefined ? '' : 'own'}>
                  <th scope="row">${name}</th>
                  <td>${shown(value) || '–'}</td>
                  <td>${this.fromWords(scope)}</td>
                </tr>`,
            )}
          </tbody>
        </table>
      </div>`
  }

  form(holds) {
    const { scope } = this.read
    const account = accountOf(scope)
    return html`
      <form class="ask" @submit=${event => this.submit(event)}>
        <label>
          ${t('rulesFor')}
          <select name="scope">
            <option value=${scope}>${t('fromConversation')}</option>
            ${account === undefined ? nothing : html`<option value=${account}>${t('fromAccount', account)}</option>`}
            <option value=${ALL}>${t('fromAll')}</option>
          </select>
        </label>
        <label>
          ${t('ruleName')}
          <select name="rule">${holds.map(({ name }) => html`<option>${name}</option>`)}</select>
        </label>
        <label class="value">
          ${t('ruleValue')}
          <input name="value" autocomplete="off" spellcheck="false" autocapitalize="off" />
        </label>
        <button class="primary" ?disabled=${this.isBusy}>${t('ruleSet')}</button>
        <button type="button" ?disabled=${this.isBusy} @click=${event => this.unset(event.target.form)}>
          ${t('ruleUnset')}
        </button>
      </form>`
  }

  submit(event) {
    event.preventDefault()
    const { scope, name, value } = chosen(event.target)
    void this.change(scope, rules => ({ ...rules, [name]: value }))
  }

  unset(form) {
    const { scope, name } = chosen(form)
    void this.change(scope, ({ [name]: _, ...rest }) => rest)
  }

  /** @param edit of the rules that the scope has */
  async change(scope, edit) {
    this.isBusy = true
    this.note = ''
    this.onChange()
    try {
      const { rules, ignored } = await call('GET', addressOf(scope))
      // Another version wrote them: they would be lost.
      if (ignored && Object.keys(rules).length === 0) throw new Error(ignored)
      const { warnings } = await call('PUT', addressOf(scope), edit(rules))
      this.note = [t('rulesStored'), ...warnings].join(' ')
    } catch (error) {
      this.note = t('failed', error.message)
    }
    this.isBusy = false
    await this.refresh()
  }

  fromWords(scope) {
    if (scope === undefined) return t('fromProcess')
    if (scope === ALL) return t('fromAll')
    return scope === this.read.scope ? t('fromConversation') : t('fromAccount', scope)
  }
}

const inShort = ({ name, value }) => `${name}=${shown(value)}`

/** As it can be typed. */
const shown = value => (typeof value === 'boolean' ? (value ? 'on' : 'off') : String(value))

function accountOf(id) {
  const slash = id.indexOf('/')
  return slash < 0 ? undefined : id.slice(0, slash)
}

function chosen(form) {
  const given = new FormData(form)
  return { scope: given.get('scope'), name: given.get('rule'), value: given.get('value').trim() }
}
