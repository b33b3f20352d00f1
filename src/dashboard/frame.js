/** The frame around the views: navigation, language, the state of the connection, and the source of the data. */
import { when } from './formats.js'
import { endonym } from './languages.js'
import { html, nothing, render } from './lit.js'
import { language, t } from './words.js'

export class Frame {
  header = document.querySelector('header')
  footer = document.querySelector('footer')

  /** @param languages to choose from @param onLanguage with the chosen one's code @param onLogOut ends the session */
  constructor({ views, languages, onLanguage, onLogOut }) {
    this.views = views
    this.languages = languages
    this.onLanguage = onLanguage
    this.onLogOut = onLogOut
  }

  draw(feed, shown) {
    const trouble = troubleOf(feed)
    const isCurrent = feed.state === 'connected' && trouble === ''
    document.body.dataset.state = isCurrent ? 'connected' : feed.state === 'connecting' ? 'connecting' : 'lost'
    document.title = `${document.body.dataset.state === 'lost' ? '⚠ ' : ''}${t(shown)} · Lull`
    render(this.top(feed, shown, trouble), this.header)
    render(feed.about ? addressOf(feed.about) : nothing, this.footer)
  }

  top({ about, state, storeTrouble }, shown, trouble) {
    const pill = state === 'noToken' ? 'lost' : state === 'connected' && storeTrouble ? 'noStore' : state
    return html`
      <a class="skip" href="#main">${t('skip')}</a>
      <img src="page/icon.svg" alt="" width="28" height="28" />
      <h1>Lull</h1>
      <nav aria-label="Lull">
        ${this.views.map(
          name => html`
            <a href="#${name}" data-view=${name} aria-current=${name === shown ? 'page' : nothing}>${t(name)}</a>`,
        )}
        ${about?.queue ? html`<a href="queues" id="board">${t('queue')} ↗</a>` : nothing}
      </nav>
      <span id="connection" class="pill" role="status">${t(pill)}</span>
      <select id="language" aria-label=${t('language')} @change=${event => this.onLanguage(event.target.value)}>
        ${this.languages.map(
          code => html`<option value=${code} lang=${code} ?selected=${code === language()}>${endonym(code)}</option>`,
        )}
      </select>
      <button id="log-out" class="quiet" type="button" @click=${this.onLogOut}>${t('logOut')}</button>
      <p id="trouble" class="trouble" role="alert" ?hidden=${trouble === ''}>${trouble}</p>`
  }
}

function troubleOf({ state, lostAtMs, storeTrouble }) {
  if (state === 'lost') return t('lostSince', when(lostAtMs))
  if (state === 'noToken') return t('noToken')
  return storeTrouble === undefined ? '' : t('storeTrouble', storeTrouble)
}

function addressOf({ store, version }) {
  const where = store.address === 'memory' ? t('embedded') : t('address', store.address, store.db, store.prefix)
  return `${where} · Lull ${version}`
}
