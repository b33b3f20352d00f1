/** The trace: who took a conversation's batches, when, and why then; each batch's life as a picture, and step by step. */
import { call, ofConversation } from './api.js'
import { el, setText, svg } from './dom.js'
import { livesOf, phasesOf } from './lives.js'
import { counted, duration, reason, t, timeOfDay } from './words.js'

const STEPS_READ = 1000
const LIVES_SHOWN = 10
const SUGGESTIONS = 200
/** While a conversation's steps come quickly it is not read again at each. */
const REDRAW_MS = 500
const WIDTH = 600
const BAR_Y = 16
const BAR = 22
const HEIGHT = 62
const NARROWEST = 2

export class Trace {
  id = ''
  timer

  constructor(section, feed) {
    this.feed = feed
    this.title = el('h2', { id: 'trace-title' })
    this.lead = el('p', { class: 'lead' })
    this.label = el('label', { for: 'trace-id' })
    this.input = el('input', { id: 'trace-id', list: 'known', autocomplete: 'off', spellcheck: 'false' })
    this.known = el('datalist', { id: 'known' })
    this.button = el('button', { class: 'primary' })
    this.result = el('div', { class: 'lives', 'aria-live': 'polite' })
    const form = el('form', { class: 'ask' }, this.label, this.input, this.button, this.known)
    form.addEventListener('submit', event => {
      event.preventDefault()
      location.hash = `trace=${encodeURIComponent(this.input.value.trim())}`
    })
    section.append(this.title, this.lead, form, this.result)
    feed.addEventListener('step', ({ detail }) => {
      if (detail.conversationId !== this.id || section.hidden) return
      this.timer ??= setTimeout(() => {
        this.timer = undefined
        void this.show(this.id)
      }, REDRAW_MS)
    })
  }

  draw() {
    setText(this.title, t('traceTitle'))
    setText(this.lead, t('traceLead'))
    setText(this.label, t('traceId'))
    setText(this.button, t('traceShow'))
    if (this.id) void this.show(this.id)
  }

  async show(id) {
    this.id = id
    if (this.input.value === '' || document.activeElement !== this.input) this.input.value = id
    this.suggest()
    if (id === '' || !this.feed.about) return
    try {
      const { history } = await call('GET', `${ofConversation('history', id)}&limit=${STEPS_READ}`)
      if (id !== this.id) return
      const lives = livesOf(history, this.feed.about.rules).slice(-LIVES_SHOWN).toReversed()
      const opened = new Set([...this.result.querySelectorAll('details[open]')].map(({ dataset }) => dataset.batch))
      const now = this.feed.now()
      this.result.replaceChildren(
        ...(lives.length === 0
          ? [el('p', { class: 'empty', text: t('traceNone', id) })]
          : lives.map(life => lifeOf(life, now, opened.has(life.batchId)))),
      )
    } catch (error) {
      this.result.replaceChildren(el('p', { class: 'error', text: t('failed', error.message) }))
    }
  }

  suggest() {
    const ids = [...this.feed.model.conversations.keys()].slice(0, SUGGESTIONS)
    this.known.replaceChildren(...ids.map(value => el('option', { value })))
  }
}

function lifeOf(life, now, isOpen) {
  const { claimed, droppedMs, batchId, steps } = life
  const said = claimed
    ? t(
        'takenBy',
        claimed.by,
        timeOfDay(claimed.atMs, { exact: true }),
        reason(claimed.reason),
        duration(claimed.lateMs),
      )
    : t(droppedMs ? 'takenDropped' : 'takenNot')
  const day = new Date(steps[0].atMs).toLocaleDateString()
  return el(
    'article',
    { class: 'card life' },
    el('h3', {}, t('traceBatch', batchId), el('small', { text: ` ${day}` })),
    el('p', { class: 'taken', text: said }),
    el(
      'div',
      { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': t('traceBatch', batchId) },
      picture(life, now),
    ),
    el(
      'details',
      { 'data-batch': batchId, open: isOpen },
      el('summary', { text: t('steps') }),
      el('div', { class: 'scroll' }, stepsTable(steps)),
    ),
  )
}

function picture(life, now) {
  const phases = phasesOf(life, now)
  const fromMs = phases[0]?.fromMs ?? life.steps[0].atMs
  const lastMs = Math.max(phases.at(-1)?.toMs ?? fromMs, fromMs + 1)
  const x = atMs => ((atMs - fromMs) / (lastMs - fromMs)) * WIDTH
  const inWords = phases.map(({ name, fromMs: from, toMs }) => `${t(name)} ${duration(toMs - from)}`).join(', ')
  const bars = phases.map(({ name, fromMs: from, toMs }) => {
    const width = Math.max(x(toMs) - x(from), NARROWEST)
    const title = `${t(name)}: ${duration(toMs - from)}`
    return svg('rect', { class: name, x: x(from), y: BAR_Y, width, height: BAR }, svg('title', { text: title }))
  })
  const names = phases.flatMap(({ name, fromMs: from, toMs }) => {
    const text = `${t(name)} ${duration(toMs - from)}`
    return x(toMs) - x(from) > text.length * 6.2
      ? [svg('text', { class: 'in', x: x(from) + 6, y: BAR_Y + 15, text })]
      : []
  })
  const arrivals = (life.arrivals ?? []).map(({ atMs }) =>
    svg('circle', { class: 'arrival', cx: Math.min(Math.max(x(atMs), 5), WIDTH - 5), cy: 7, r: 4.5 }),
  )
  const taken = life.claimed
    ? [
        svg('line', {
          class: 'taken',
          x1: x(life.claimed.atMs),
          x2: x(life.claimed.atMs),
          y1: BAR_Y - 6,
          y2: BAR_Y + BAR + 6,
        }),
      ]
    : []
  const ends = [
    svg('text', { class: 'scale', x: 0, y: HEIGHT - 4, text: timeOfDay(fromMs, { exact: true }) }),
    svg('text', {
      class: 'scale',
      x: WIDTH,
      y: HEIGHT - 4,
      'text-anchor': 'end',
      text: `+${duration(lastMs - fromMs)}`,
    }),
  ]
  const count = counted('batchMessages', life.count ?? life.arrivals?.at(-1)?.count ?? 0)
  return svg(
    'svg',
    { class: 'timeline', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': t('picture', count, inWords) },
    ...bars,
    ...names,
    ...taken,
    ...arrivals,
    ...ends,
  )
}

function stepsTable(steps) {
  let before = steps[0].atMs
  const rows = steps.map(({ step, atMs, detail }) => {
    const since = atMs - before
    before = atMs
    return el(
      'tr',
      {},
      el('td', {}, el('time', { datetime: new Date(atMs).toISOString(), text: timeOfDay(atMs, { exact: true }) })),
      el('td', { class: 'number', text: since > 0 ? `+${duration(since)}` : '' }),
      el('th', { scope: 'row', text: step }),
      el('td', {
        class: 'detail',
        text: Object.entries(detail)
          .map(([name, value]) => `${name} ${value}`)
          .join(' · '),
      }),
    )
  })
  return el('table', {}, el('tbody', {}, ...rows))
}
