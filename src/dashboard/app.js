/** The page: which view is shown, in which language, and whether what it shows is true now. */
import { setText } from './dom.js'
import { Feed } from './feed.js'
import { Live } from './live.js'
import { Playground } from './play.js'
import { Trace } from './trace.js'
import { language, switchLanguage, t, when } from './words.js'

const VIEWS = ['play', 'live', 'trace']
const byId = id => document.getElementById(id)

const feed = new Feed()
const views = {
  play: new Playground(byId('play'), feed),
  live: new Live(byId('live'), feed),
  trace: new Trace(byId('trace'), feed),
}

function showView() {
  const [asked = '', value = ''] = location.hash.slice(1).split('=')
  const shown = VIEWS.includes(asked) ? asked : VIEWS[0]
  if (byId(shown).hidden) scrollTo(0, 0)
  for (const name of VIEWS) byId(name).hidden = name !== shown
  for (const link of document.querySelectorAll('nav [data-view]')) {
    if (link.dataset.view === shown) link.setAttribute('aria-current', 'page')
    else link.removeAttribute('aria-current')
  }
  drawTitle(shown)
  if (shown === 'trace') void views.trace.show(decoded(value))
}

/** What a row of tabs and a screen reader say of it. */
function drawTitle(shown = VIEWS.find(name => !byId(name).hidden) ?? VIEWS[0]) {
  const isTrue = document.body.dataset.state !== 'lost'
  document.title = `${isTrue ? '' : '⚠ '}${t(shown)} · Lull`
}

function decoded(text) {
  try {
    return decodeURIComponent(text)
  } catch {
    // Typed by hand into the address.
    return text
  }
}

function drawWords() {
  document.documentElement.lang = language()
  for (const element of document.querySelectorAll('[data-t]')) setText(element, t(element.dataset.t))
  const button = byId('language')
  setText(button, t('otherLanguage'))
  button.lang = language() === 'en' ? 'ru' : 'en'
  for (const view of Object.values(views)) view.draw()
  drawState()
}

function drawState() {
  const { state, about, lostAtMs, storeTrouble } = feed
  const isTrue = state === 'connected' && storeTrouble === undefined
  document.body.dataset.state = isTrue ? 'connected' : state === 'connecting' ? 'connecting' : 'lost'
  setText(
    byId('connection'),
    t(state === 'noToken' ? 'lost' : state === 'connected' && storeTrouble ? 'noStore' : state),
  )
  drawTitle()
  const trouble =
    state === 'lost'
      ? t('lostSince', when(lostAtMs))
      : state === 'noToken'
        ? t('noToken')
        : storeTrouble === undefined
          ? ''
          : t('storeTrouble', storeTrouble)
  setText(byId('trouble'), trouble)
  byId('trouble').hidden = trouble === ''
  if (!about) return
  const { store, version, queue } = about
  byId('board').hidden = !queue
  const where = store.address === 'memory' ? t('embedded') : t('stands', store.address, store.db, store.prefix)
  setText(byId('stands'), `${where} · Lull ${version}`)
}

byId('language').addEventListener('click', () => {
  switchLanguage()
  drawWords()
})
addEventListener('hashchange', showView)
feed.addEventListener('state', drawState)
feed.addEventListener('start', () => {
  if (!byId('trace').hidden) void views.trace.show(views.trace.id)
})

drawWords()
showView()
feed.connect()
