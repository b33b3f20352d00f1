/**
 * The page's data, kept current: everything is read at each (re)connection, since events were missed until then, and
 * then steps and growth are applied as they come. Those that come while everything is being read are applied
 * afterwards.
 *
 * Dispatches `state` when the connection's or the store's state has changed, `start` when everything has been read,
 * `step` for each step, `growth` for each open batch that has changed, `summary` for steps that came too fast to be
 * sent one by one.
 */
import { CallFailed, call, ofConversation } from './api.js'
import { Connection } from './connection.js'
import { CONVERSATIONS_READ, Conversations } from './conversations.js'
import { Releases, STEPS_READ } from './releases.js'

/** If the data may be wrong, everything is read again, at most this often. */
const REFRESH_MS = 5000
/** One conversation is asked about again only after this time. */
const LOOK_EVERY_MS = 1000
const LIVES_LOOKED_AT = 10

export class Feed extends EventTarget {
  conversations = new Conversations()
  releases = new Releases()
  /** connecting | connected | lost | noToken */
  state = 'connecting'
  lostAtMs
  /** What the API says about itself, its store, its rules, its queue. */
  about
  /** Why the store cannot be used; undefined if it can. */
  storeTrouble
  /** Steps and growth that came while everything was being read. */
  pending
  /** The number of the connection that everything is being read for. */
  reading
  refreshing
  skewMs
  knowsClock = false
  connection = new Connection('events', {
    onOpen: () => {
      this.knowsClock = false
      void this.refresh()
    },
    onLost: () => this.lost(),
    events: {
      message: step => this.step(step),
      growth: growths => {
        const atMs = Date.now()
        for (const growth of growths) this.grow({ ...growth, atMs })
      },
      summary: summary => this.sum(summary),
      stale: () => this.refreshSoon(),
      beat: beat => this.beat(beat),
    },
  })

  /** The server's time, estimated from its last message. */
  now() {
    return Date.now() + (this.skewMs ?? 0)
  }

  connect() {
    this.connection.connect()
  }

  async refresh() {
    const { number } = this.connection
    if (this.reading === number) return
    this.reading = number
    this.pending ??= []
    try {
      const [about, { history }] = await Promise.all([
        call('GET', 'page/state'),
        call('GET', `page/history?limit=${STEPS_READ}`),
      ])
      const listed = await call('GET', `conversations?limit=${CONVERSATIONS_READ}`)
      if (number === this.connection.number) this.start(about, history, listed)
    } catch (error) {
      if (number !== this.connection.number) return
      if (!(error instanceof CallFailed)) throw error
      if (error.status === 401) this.end()
      else this.connection.lose()
    } finally {
      if (this.reading === number) this.reading = undefined
    }
  }

  /** @param history newest first */
  start(about, history, { conversations, paused }) {
    this.about = about
    // The API's clock, until a step shows the store's.
    if (!this.knowsClock) this.skewMs = about.nowMs - Date.now()
    this.releases.start(history.toReversed())
    this.conversations.start(about.rules, conversations, this.now(), paused)
    const last = history[0]?.id
    const since = this.pending.filter(({ id }) => id === undefined || last === undefined || isAfter(id, last))
    this.pending = undefined
    this.connection.succeed()
    this.set('connected')
    this.send('start')
    for (const event of since) {
      if (event.id === undefined) this.grow(event)
      else this.step(event)
    }
  }

  step(step) {
    const skewMs = step.atMs - Date.now()
    this.skewMs = this.knowsClock ? Math.max(this.skewMs, skewMs) : skewMs
    this.knowsClock = true
    if (this.pending) {
      this.pending.push(step)
      return
    }
    this.releases.apply(step)
    this.conversations.apply(step)
    this.send('step', step)
  }

  /** @param growth at `atMs` by this browser's clock */
  grow(growth) {
    if (this.pending) {
      this.pending.push(growth)
      return
    }
    const dueMs = growth.atMs + (this.skewMs ?? 0) + growth.dueInMs
    if (this.conversations.grow(growth, dueMs)) this.send('growth', { ...growth, dueMs })
  }

  sum(summary) {
    this.releases.sum(summary, this.now())
    this.send('summary', summary)
    this.refreshSoon()
  }

  beat({ ready, error }) {
    const isOver = ready && this.storeTrouble !== undefined
    this.setStoreTrouble(ready ? undefined : error)
    if (isOver) this.refreshSoon()
  }

  refreshSoon() {
    this.refreshing ??= setTimeout(() => {
      this.refreshing = undefined
      void this.refresh()
    }, REFRESH_MS)
  }

  /** Asks for what list and events have not said about a conversation: since when, how many messages, what holds it. */
  async look(conversation) {
    const { id, changes, askedAtMs = 0 } = conversation
    if (this.state !== 'connected' || Date.now() - askedAtMs < LOOK_EVERY_MS) return
    conversation.askedAtMs = Date.now()
    try {
      const { lives } = await call('GET', `${ofConversation('lives', id)}&limit=${LIVES_LOOKED_AT}`)
      this.conversations.complete(conversation, lives, changes)
    } catch {
      // The row shows that it is not known.
    }
  }

  lost() {
    this.pending = []
    if (this.state !== 'lost') this.lostAtMs = Date.now()
    this.set('lost')
  }

  /** The token was refused: trying again would be refused again. */
  end() {
    this.connection.close()
    this.set('noToken')
  }

  setStoreTrouble(trouble) {
    this.storeTrouble = trouble
    this.send('state')
  }

  set(state) {
    if (state === 'connected') this.storeTrouble = undefined
    this.state = state
    this.send('state')
  }

  send(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }))
  }
}

/** Ids are `<milliseconds>-<number>`. */
function isAfter(id, other) {
  const [ms, sequence] = id.split('-').map(Number)
  const [otherMs, otherSequence] = other.split('-').map(Number)
  return ms > otherMs || (ms === otherMs && sequence > otherSequence)
}
