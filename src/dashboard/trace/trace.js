/**
 * The trace: who took a conversation's batches, when, and why then. The API reads the lives of the batches; this draws
 * them, and asks again when something has happened. Without a conversation it lists the recent ones.
 */
import { call, ofConversation } from '../api.js'
import { clock } from '../formats.js'
import { html, nothing, render, repeat } from '../lit.js'
import { Pausing } from '../pausing.js'
import { counted, t } from '../words.js'
import { Interventions } from './interventions.js'
import { NARROWEST_PX } from './life-picture.js'
import { lifeView } from './life-view.js'
import { isOver, pauseView } from './pause-view.js'
import { recentView } from './recent-view.js'
import { Rules } from './rules.js'

const LIVES_SHOWN = 10
/** Lives of all conversations that are read to list the recent conversations. */
const RECENT_READ = 200
const SUGGESTIONS = 200
/** While steps come quickly, the lives are not read at each. */
const READ_EVERY_MS = 500
/** The list of all conversations costs more. */
const READ_RECENT_EVERY_MS = 2000
/** Phases that go on are redrawn this often. */
const TICK_MS = 1000

export class Trace {
  /** The conversation; empty: the recent ones. */
  id = ''
  lives = []
  /** Of the conversation, newest first. */
  pauses = []
  recent = []
  /** Undefined until an answer has come. */
  shownId
  failure
  timer
  /** Of the pictures, in pixels. */
  width = NARROWEST_PX

  constructor(section, feed) {
    this.section = section
    this.feed = feed
    this.rules = new Rules(() => this.draw())
    this.pausing = new Pausing(() => this.draw(), 'trace-title')
    this.interventions = new Interventions(
      () => this.draw(),
      () => void this.read(),
    )
    addEventListener('resize', () => this.draw())
    setInterval(() => this.tick(), TICK_MS)
    feed.addEventListener('start', () => {
      this.readSoon()
      if (!this.section.hidden) void this.rules.refresh()
    })
    // An append to an open batch is not a step of the history, and makes it due later.
    for (const event of ['step', 'growth'])
      feed.addEventListener(event, ({ detail }) => {
        if (this.id === '' || detail.conversationId === this.id) this.readSoon()
      })
  }

  /** @param id of the conversation, or nothing for the recent ones */
  async show(id) {
    if (id !== this.id) this.interventions.reset()
    this.id = id
    this.draw()
    const input = this.section.querySelector('input')
    if (input.value === '' || document.activeElement !== input) input.value = id
    await Promise.all([this.read(), this.rules.show(id)])
  }

  readSoon() {
    if (this.section.hidden) return
    this.timer ??= setTimeout(
      () => {
        this.timer = undefined
        if (!this.section.hidden) void this.read()
      },
      this.id === '' ? READ_RECENT_EVERY_MS : READ_EVERY_MS,
    )
  }

  async read() {
    const { id } = this
    try {
      const { lives, pauses = [] } = await (id === ''
        ? call('GET', `page/lives?limit=${RECENT_READ}`)
        : call('GET', `${ofConversation('lives', id)}&limit=${LIVES_SHOWN}`))
      if (id !== this.id) return
      if (id === '') this.recent = lives
      else Object.assign(this, { lives, pauses })
      this.shownId = id
      this.failure = undefined
    } catch (error) {
      if (id !== this.id) return
      this.failure = error.message
    }
    this.draw()
  }

  /** What goes on grows; and what changes at a time that is known is read again then. */
  tick() {
    if (this.section.hidden || this.feed.state !== 'connected') return
    const now = this.feed.now()
    const shown = this.id === '' ? this.recent : this.lives
    const hasEnded = pause => !isOver(pause) && pause.untilMs <= now
    if (shown.some(({ changesAtMs }) => changesAtMs <= now) || this.pauses.some(hasEnded)) this.readSoon()
    this.draw()
  }

  draw() {
    if (this.section.hidden) return
    render(this.view(this.feed.now()), this.section)
    const { clientWidth } = this.section.querySelector('.measure')
    if (clientWidth === this.width || clientWidth === 0) return
    this.width = clientWidth
    render(this.view(this.feed.now()), this.section)
  }

  view(now) {
    const isShown = this.shownId === this.id
    return html`
      <h2 id="trace-title" tabindex="-1">${t('traceTitle')}</h2>
      <p class="lead">${t('traceLead')}</p>
      <form class="ask" @submit=${event => this.submit(event)}>
        <label for="trace-id">${t('traceId')}</label>
        <input id="trace-id" list="known" autocomplete="off" spellcheck="false" autocapitalize="off" />
        <button class="primary">${t('traceShow')}</button>
        <datalist id="known">${this.suggestions().map(id => html`<option value=${id}></option>`)}</datalist>
      </form>
      <p class="lead" role="status">${this.status(isShown)}</p>
      <div class="measure"></div>
      ${isShown && this.id === '' ? recentView(this.recent) : nothing}
      ${isShown && this.id !== '' ? this.takingOver(now) : nothing}
      ${isShown ? this.rules.view() : nothing}
      <div class="lives">
        ${
          isShown && this.id !== ''
            ? repeat(
                this.cards(),
                ({ life, pause }) => life?.batchId ?? pause.id,
                ({ life, pause }) => (life ? lifeView(life, now, this.width) : pauseView(pause, now, this.width)),
              )
            : nothing
        }
      </div>`
  }

  /** A button to pause the conversation, or to resume it. */
  takingOver(now) {
    const { id, pauses } = this
    const known = [this.feed.conversations.known.get(id)?.paused, ...pauses.filter(pause => !isOver(pause))]
    const paused = known.find(pause => pause?.untilMs > now)
    return html`
      <div class="taking-over">
        ${this.pausing.button({ id, paused })}
        <span>${paused ? t('pausedFor', clock(paused.untilMs - now)) : nothing}</span>
        ${this.pausing.view()}
      </div>
      ${this.interventions.view(id)}`
  }

  /** The lives and the pauses, newest first. */
  cards() {
    const cards = [
      ...this.lives.map(life => ({ atMs: life.firstAtMs, life })),
      ...this.pauses.map(pause => ({ atMs: pause.fromMs, pause })),
    ]
    return cards.sort((a, b) => b.atMs - a.atMs)
  }

  status(isShown) {
    if (this.failure !== undefined) return t('failed', this.failure)
    if (!isShown) return ''
    if (this.id === '') return this.recent.length > 0 ? '' : t('traceEmpty')
    if (this.lives.length === 0 && this.pauses.length > 0) return ''
    return this.lives.length > 0 ? t('traceCount', counted('batch', this.lives.length)) : t('traceNone', this.id)
  }

  suggestions() {
    return [...this.feed.conversations.known.keys()].slice(0, SUGGESTIONS)
  }

  submit(event) {
    event.preventDefault()
    location.hash = `trace=${encodeURIComponent(event.target.querySelector('input').value.trim())}`
  }
}
