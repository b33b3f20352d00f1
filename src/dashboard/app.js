/** The page: which view is shown, and in which language. */
import { call } from './api.js'
import { Feed } from './feed.js'
import { Frame } from './frame.js'
import { startLanguage, switchLanguage } from './languages.js'
import { Live } from './live/live.js'
import { Playground } from './play/playground.js'
import { Trace } from './trace/trace.js'

const byId = id => document.getElementById(id)

const languages = await startLanguage()
const feed = new Feed()
const views = {
  play: new Playground(byId('play'), feed),
  live: new Live(byId('live'), feed),
  trace: new Trace(byId('trace'), feed),
}
const names = Object.keys(views)
let shown = names[0]
const frame = new Frame({
  views: names,
  languages,
  onLanguage: async code => {
    await switchLanguage(code)
    for (const view of Object.values(views)) view.draw()
    frame.draw(feed, shown)
  },
  onLogOut: async () => {
    try {
      await call('DELETE', 'page/session')
    } catch (error) {
      // 401: the session has ended already. Otherwise it goes on, and the frame says that the connection is lost.
      if (error.status !== 401) return
    }
    location.reload()
  },
})

/** `#live`, `#trace=<conversation>`; an address of something inside a view, as the skip link's, leaves the view. */
function showView() {
  const [name = '', value = ''] = location.hash.slice(1).split('=')
  if (names.includes(name)) shown = name
  if (byId(shown).hidden) scrollTo(0, 0)
  // A dialog of a view that is left, by the browser's Back say, would be invisible and keep everything from being clicked.
  for (const dialog of document.querySelectorAll('dialog[open]')) dialog.close()
  for (const each of names) byId(each).hidden = each !== shown
  frame.draw(feed, shown)
  if (shown === 'trace' && name === 'trace') void views.trace.show(decoded(value))
  else views[shown].draw()
}

function decoded(text) {
  try {
    return decodeURIComponent(text)
  } catch {
    // Somebody typed it into the address bar.
    return text
  }
}

addEventListener('hashchange', showView)
feed.addEventListener('state', () => frame.draw(feed, shown))
feed.addEventListener('start', () => frame.draw(feed, shown))
showView()
feed.connect()
