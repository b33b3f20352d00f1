/** The live view: how much there is of everything, what was released when and why, dead batches, webhooks. */
import { call } from './api.js'
import { chart } from './chart.js'
import { el, setText } from './dom.js'
import { OVERDUE_MS } from './model.js'
import { Verdict } from './verdict.js'
import { WaitingList } from './waiting-list.js'
import { counted, duration, numberText, rejection, t, when } from './words.js'

const TICK_MS = 250
/** The queue's counts and the webhooks are not in the events: they are asked for while somebody looks. */
const ASK_EVERY_MS = 5000
const MINUTE_MS = 60_000
const DEAD_SHOWN = 50
const LONGEST_PREVIEW = 120

const TILES = ['open', 'held', 'perMinute', 'lateness', 'queueTile', 'dead']

export class Live {
  verdict = new Verdict()
  dead = []
  askedAtMs = 0
  deadNotBeforeMs = 0
  chartDrawnFor

  constructor(section, feed) {
    this.section = section
    this.feed = feed
    this.waiting = new WaitingList(conversation => void feed.look(conversation))
    this.tiles = new Map(TILES.map(key => [key, tile()]))
    this.title = el('h2', { id: 'live-title' })
    this.chart = el('div')
    this.chartTitle = el('h3')
    this.deadTitle = el('h3', { tabindex: '-1' })
    this.deadList = el('ul', { class: 'dead' })
    this.deadNote = el('p', { class: 'empty', role: 'status' })
    this.hooksTitle = el('h3')
    this.hooksLead = el('p', { class: 'lead' })
    this.hooks = el('div', { class: 'scroll' })
    this.summed = el('p', { class: 'notice', role: 'status', hidden: true })
    section.append(
      this.title,
      this.verdict.element,
      el('div', { class: 'tiles' }, ...[...this.tiles.values()].map(({ element }) => element)),
      this.summed,
      el('section', { class: 'card wide' }, this.chartTitle, this.chart),
      this.waiting.element,
      el('section', { class: 'card' }, this.deadTitle, this.deadNote, this.deadList),
      el('section', { class: 'card' }, this.hooksTitle, this.hooksLead, this.hooks),
    )
    feed.addEventListener('start', () => {
      this.summed.hidden = true
      this.draw()
    })
    feed.addEventListener('summary', ({ detail }) => {
      this.summed.hidden = false
      setText(this.summed, t('summed', numberText(detail.skipped)))
    })
    setInterval(() => this.tick(), TICK_MS)
  }

  draw() {
    setText(this.title, t('liveTitle'))
    for (const [key, { label }] of this.tiles) setText(label, t(key))
    setText(this.chartTitle, t('chart'))
    setText(this.deadTitle, t('deadTitle'))
    setText(this.hooksTitle, t('webhooks'))
    setText(this.hooksLead, t('webhooksLead'))
    this.waiting.words()
    this.chartDrawnFor = undefined
    this.drawAbout()
    this.drawDead()
    this.tick()
  }

  tick() {
    const { feed } = this
    const { model, about } = feed
    if (this.section.hidden || !about) return
    const now = feed.now()
    if (feed.state === 'connected' && Date.now() - this.askedAtMs > ASK_EVERY_MS) void this.ask()
    if (model.deadChanged && feed.state === 'connected' && Date.now() > this.deadNotBeforeMs) void this.askDead()
    this.drawTiles(model, now)
    // Of what was true then it would be none.
    this.verdict.element.hidden = feed.state === 'lost' || feed.storeTrouble !== undefined
    this.verdict.update(about, this.deadCount(), now)
    // With the connection lost the countdowns stop, too: nobody knows whether they are true.
    if (feed.state !== 'lost') this.waiting.update(model, now, about.totals)
    const width = this.chart.clientWidth
    const drawnFor = JSON.stringify([
      width,
      Math.floor(now / MINUTE_MS),
      model.claims.length,
      model.knownFromMs,
      [...model.minutes.values()],
    ])
    if (drawnFor !== this.chartDrawnFor) {
      this.chartDrawnFor = drawnFor
      this.chart.replaceChildren(chart(model, now, width))
    }
  }

  drawTiles(model, now) {
    let held = 0
    for (const conversation of model.conversations.values()) if (conversation.held) held += 1
    const { count, p50, p99 } = model.lateness(now)
    const { totals } = this.feed.about
    const oldestMs = totals.oldestDueAgeMs
    const oldest = oldestMs > OVERDUE_MS ? t('oldest', duration(oldestMs)) : ''
    this.tile(
      'open',
      numberText(model.isPartial ? totals.open : model.conversations.size - held),
      oldest,
      oldest !== '',
    )
    this.tile('held', numberText(model.isPartial ? totals.held : held))
    this.tile('perMinute', numberText(model.releasedSince(now - MINUTE_MS)))
    this.tile(
      'lateness',
      count ? `${duration(p50)} / ${duration(p99)}` : '–',
      count ? t('latenessOf', counted('batch', count)) : '',
    )
    const dead = this.deadCount()
    this.tile('dead', numberText(dead), '', dead > 0)
  }

  /** More than are listed are counted by the store. */
  deadCount() {
    return this.dead.length < DEAD_SHOWN ? this.dead.length : Math.max(this.feed.about.totals.dead, DEAD_SHOWN)
  }

  tile(key, value, note = '', isBad = false) {
    const { element, number, small } = this.tiles.get(key)
    setText(number, value)
    setText(small, note)
    element.classList.toggle('bad', isBad)
  }

  async ask() {
    this.askedAtMs = Date.now()
    try {
      this.feed.about = await call('GET', 'page/state')
      this.verdict.looked(this.feed.about)
      this.drawAbout()
    } catch (error) {
      // Sooner than the next beat says so. Of a lost connection the feed hears itself.
      if (error.status === 503) this.feed.setStoreTrouble(error.message)
    }
  }

  drawAbout() {
    const { about } = this.feed
    if (!about) return
    const { queue, webhooks } = about
    this.tiles.get('queueTile').element.hidden = !queue
    if (queue) {
      const { waiting, active, delayed = 0, failed, error } = queue.counts
      const value = error ? t('unknown') : `${numberText(waiting + delayed)} / ${numberText(active)}`
      this.tile('queueTile', value, error ?? (failed ? t('queueFailed', numberText(failed)) : ''), Boolean(error))
    }
    this.hooks.replaceChildren(
      webhooks.length === 0 ? el('p', { class: 'empty', text: t('webhooksNone') }) : hooksTable(webhooks),
    )
  }

  async askDead() {
    this.feed.model.deadChanged = false
    try {
      const { dead } = await call('GET', `dead?limit=${DEAD_SHOWN}`)
      this.dead = dead
      this.drawDead()
    } catch {
      this.feed.model.deadChanged = true
      this.deadNotBeforeMs = Date.now() + ASK_EVERY_MS
    }
  }

  drawDead() {
    setText(this.deadNote, this.dead.length === 0 ? t('deadNone') : '')
    const wasInside = this.deadList.contains(document.activeElement)
    this.deadList.replaceChildren(...this.dead.map(dead => this.deadItem(dead)))
    if (wasInside) this.deadTitle.focus()
  }

  deadItem({ batchId, conversationId, attempts, error, diedAtMs, batch }) {
    const preview =
      batch.text === undefined ? t('hidden') : batch.text.replaceAll('\n', ' · ').slice(0, LONGEST_PREVIEW)
    const button = el('button', {
      type: 'button',
      text: t('redrive'),
      'aria-label': `${t('redrive')}: ${conversationId}`,
    })
    button.addEventListener('click', async () => {
      button.disabled = true
      try {
        await call('POST', `dead/${encodeURIComponent(batchId)}/redrive`)
        this.feed.model.deadChanged = true
        this.deadNote.textContent = t('redriven')
      } catch (failure) {
        button.disabled = false
        this.deadNote.textContent = t('failed', failure.message)
      }
    })
    return el(
      'li',
      {},
      el('a', { href: `#trace=${encodeURIComponent(conversationId)}`, text: conversationId }),
      el('span', { class: 'lead', text: ` ${when(diedAtMs)} · ${counted('message', batch.messages.length)}` }),
      el('p', { class: 'error', text: t('deadAfter', counted('attempt', attempts), error) }),
      el('p', { class: 'preview', text: preview }),
      button,
    )
  }
}

function tile() {
  const number = el('strong')
  const label = el('span')
  const small = el('small')
  return { number, label, small, element: el('div', { class: 'tile' }, number, label, small) }
}

function hooksTable(webhooks) {
  const heads = ['provider', 'accepted', 'refused'].map(key => el('th', { scope: 'col', text: t(key) }))
  const rows = webhooks.map(({ provider, accepted, refused }) =>
    el(
      'tr',
      {},
      el('th', { scope: 'row', text: provider }),
      accepted ? cell(accepted.atMs, acceptedText(accepted.counts)) : el('td', { text: '–' }),
      refused
        ? cell(refused.atMs, `${rejection(refused.reason)} (${numberText(refused.count)} ×)`, 'bad')
        : el('td', { text: '–' }),
    ),
  )
  return el('table', {}, el('thead', {}, el('tr', {}, ...heads)), el('tbody', {}, ...rows))
}

const acceptedText = ({ accepted, duplicates, ignored }) => t('counts', accepted, duplicates, ignored)

const cell = (atMs, text, className) =>
  el(
    'td',
    { class: className },
    el('time', { datetime: new Date(atMs).toISOString(), text: when(atMs) }),
    el('small', { text }),
  )
