/**
 * The connection: server-sent events, and at each (re)connection a look at everything, since what happened meanwhile was
 * missed. Steps that come while that is being fetched wait for it. Tells `state` when the connection's state has changed, `start`
 * when all is known anew, `step` for each step, `growth` for each open batch that has become another, `summary` where they
 * came too fast.
 */
import { CallFailed, call, ofConversation } from './api.js'
import { Model, READ_AT_ONCE } from './model.js'

/** Beats come every 10 s: without one for so long the connection is dead, whatever the browser thinks. */
const SILENCE_MS = 25_000
const RETRY_MS = [500, 1000, 2000, 5000, 10_000]
/** After a summary what is shown may be wrong: all is fetched again, but not at each. */
const REFRESH_MS = 5000

export class Feed extends EventTarget {
  model = new Model()
  /** connecting | connected | lost | noToken */
  state = 'connecting'
  lostAtMs
  /** What the API says of itself, its store, its rules, its queue. */
  about
  /** Why the store can not be used; undefined where it can. */
  storeTrouble
  source
  waiting
  failures = 0
  skewMs
  knowsClock = false
  watchdog
  refreshing

  /** The server's time, as far as it is known. */
  now() {
    return Date.now() + (this.skewMs ?? 0)
  }

  connect() {
    this.source?.close()
    clearTimeout(this.watchdog)
    const source = new EventSource('events')
    this.source = source
    this.waiting = []
    this.skewMs = undefined
    this.knowsClock = false
    source.onopen = () => void this.refresh()
    source.onerror = () => this.lost()
    source.onmessage = event => {
      this.alive()
      this.heard(JSON.parse(event.data))
    }
    source.addEventListener('beat', event => {
      this.alive()
      const { ready, error } = JSON.parse(event.data)
      const isOver = ready && this.storeTrouble !== undefined
      this.setStoreTrouble(ready ? undefined : error)
      if (isOver) this.refreshSoon()
    })
    source.addEventListener('growth', event => {
      this.alive()
      const atMs = Date.now()
      for (const growth of JSON.parse(event.data)) this.grew({ ...growth, atMs })
    })
    source.addEventListener('stale', () => {
      this.alive()
      this.refreshSoon()
    })
    source.addEventListener('summary', event => {
      this.alive()
      this.summed(JSON.parse(event.data))
    })
    this.alive()
  }

  /** Everything, from now on. */
  async refresh() {
    const { source } = this
    this.waiting ??= []
    try {
      const [about, { history }] = await Promise.all([
        call('GET', 'page/state'),
        call('GET', `page/history?limit=${READ_AT_ONCE}`),
      ])
      const { conversations } = await call('GET', `conversations?limit=${READ_AT_ONCE}`)
      if (source !== this.source) return
      this.about = about
      // Until a step tells the store's clock, the API's.
      this.skewMs ??= about.nowMs - Date.now()
      this.model.start(about.rules, history.toReversed(), conversations, this.now())
      const last = history[0]?.id
      const since = this.waiting.filter(({ id }) => id === undefined || last === undefined || isAfter(id, last))
      this.waiting = undefined
      this.failures = 0
      this.set('connected')
      this.tell('start', { about, history })
      for (const told of since) {
        if (told.id === undefined) this.grew(told)
        else this.heard(told)
      }
    } catch (error) {
      if (source !== this.source) return
      if (error instanceof CallFailed && error.status === 401) this.end()
      else if (error instanceof CallFailed) this.lost()
      else throw error
    }
  }

  heard(entry) {
    const skewMs = entry.atMs - Date.now()
    this.skewMs = this.knowsClock ? Math.max(this.skewMs, skewMs) : skewMs
    this.knowsClock = true
    if (this.waiting) {
      this.waiting.push(entry)
      return
    }
    this.model.apply(entry)
    this.tell('step', entry)
  }

  /** @param growth at `atMs` by this browser's clock */
  grew(growth) {
    if (this.waiting) {
      this.waiting.push(growth)
      return
    }
    const dueMs = growth.atMs + (this.skewMs ?? 0) + growth.dueInMs
    if (this.model.grow(growth, dueMs)) this.tell('growth', { ...growth, dueMs })
  }

  /** What the events have not told of a conversation: how many messages are in its open batch, and since when. */
  async look(conversation) {
    if (conversation.isAsked || this.state !== 'connected') return
    conversation.isAsked = true
    try {
      const { open } = await call('GET', ofConversation('', conversation.id))
      this.model.look(conversation, open)
    } catch {
      // The row shows that it is not known.
    }
  }

  summed(summary) {
    this.model.sum(summary, this.now())
    this.tell('summary', summary)
    this.refreshSoon()
  }

  refreshSoon() {
    this.refreshing ??= setTimeout(() => {
      this.refreshing = undefined
      void this.refresh()
    }, REFRESH_MS)
  }

  lost() {
    if (!this.source) return
    this.source.close()
    this.source = undefined
    clearTimeout(this.watchdog)
    this.set('lost')
    const wait = RETRY_MS[Math.min(this.failures, RETRY_MS.length - 1)]
    this.failures += 1
    setTimeout(() => this.connect(), wait)
  }

  /** Trying again would be refused again. */
  end() {
    this.source?.close()
    this.source = undefined
    clearTimeout(this.watchdog)
    this.set('noToken')
  }

  alive() {
    clearTimeout(this.watchdog)
    this.watchdog = setTimeout(() => this.lost(), SILENCE_MS)
  }

  setStoreTrouble(trouble) {
    this.storeTrouble = trouble
    this.tell('state')
  }

  set(state) {
    if (state === 'lost' && this.state !== 'lost') this.lostAtMs = Date.now()
    if (state === 'connected') this.storeTrouble = undefined
    this.state = state
    this.tell('state')
  }

  tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }))
  }
}

/** Ids are `<milliseconds>-<number>`. */
function isAfter(id, other) {
  const [ms, sequence] = id.split('-').map(Number)
  const [otherMs, otherSequence] = other.split('-').map(Number)
  return ms > otherMs || (ms === otherMs && sequence > otherSequence)
}
