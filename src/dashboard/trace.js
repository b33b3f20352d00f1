/** The trace: who took a conversation's batches, when, and why then; each batch's life as a picture, and step by step. */
import { call, ofConversation } from './api.js'
import { el, setText } from './dom.js'
import { picture } from './life-picture.js'
import { addWaiting, isWaiting, livesOf } from './lives.js'
import { saying } from './saying.js'
import { counted, dayOf, duration, outcome, reason, t, timeOfDay } from './words.js'

const STEPS_READ = 1000
const LIVES_SHOWN = 10
const SUGGESTIONS = 200
/** While a conversation's steps come quickly it is not read again at each. */
const REDRAW_MS = 500
const REDRAW_UNFINISHED_MS = 1000
/** Of the picture at least; it scrolls where there is less room. */
const NARROWEST_PICTURE = 480
const CARD_MARGINS = 34

export class Trace {
  id = ''
  timer
  lives = []
  /** Of lives that go on: what is drawn again each second, and where. */
  unfinished = []

  constructor(section, feed) {
    this.feed = feed
    addEventListener('resize', () => {
      if (!section.hidden && this.lives.length > 0) this.drawLives()
    })
    this.title = el('h2', { id: 'trace-title' })
    this.lead = el('p', { class: 'lead' })
    this.label = el('label', { for: 'trace-id' })
    this.input = el('input', { id: 'trace-id', list: 'known', autocomplete: 'off', spellcheck: 'false' })
    this.known = el('datalist', { id: 'known' })
    this.button = el('button', { class: 'primary' })
    this.said = el('p', { class: 'lead', role: 'status' })
    this.result = el('div', { class: 'lives' })
    const form = el('form', { class: 'ask' }, this.label, this.input, this.button, this.known)
    form.addEventListener('submit', event => {
      event.preventDefault()
      location.hash = `trace=${encodeURIComponent(this.input.value.trim())}`
    })
    section.append(this.title, this.lead, form, this.said, this.result)
    setInterval(() => {
      if (!section.hidden && feed.state === 'connected') this.redrawUnfinished()
    }, REDRAW_UNFINISHED_MS)
    // The history has no step for a message that comes into an open batch, and makes it due later.
    for (const told of ['step', 'growth'])
      feed.addEventListener(told, ({ detail }) => {
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
      const lives = livesOf(history, this.feed.about.rules)
      if (lives.some(isWaiting)) addWaiting(lives, await call('GET', ofConversation('', id)))
      if (id !== this.id) return
      this.lives = lives.slice(-LIVES_SHOWN).toReversed()
      this.drawLives()
    } catch (error) {
      setText(this.said, t('failed', error.message))
    }
  }

  drawLives() {
    const { lives, id } = this
    const opened = new Set([...this.result.querySelectorAll('details[open]')].map(({ dataset }) => dataset.batch))
    const now = this.feed.now()
    this.width = Math.max(this.result.clientWidth - CARD_MARGINS, NARROWEST_PICTURE)
    setText(this.said, lives.length === 0 ? t('traceNone', id) : t('traceCount', counted('batchCount', lives.length)))
    this.unfinished = []
    this.result.replaceChildren(
      ...lives.map(life => {
        const holder = el('div', {}, ...drawing(life, now, this.width))
        if (!isFinished(life)) this.unfinished.push({ life, holder })
        return lifeOf(life, holder, opened.has(life.batchId))
      }),
    )
  }

  redrawUnfinished() {
    const now = this.feed.now()
    for (const { life, holder } of this.unfinished) holder.replaceChildren(...drawing(life, now, this.width))
  }

  suggest() {
    const ids = [...this.feed.model.conversations.keys()].slice(0, SUGGESTIONS)
    this.known.replaceChildren(...ids.map(value => el('option', { value })))
  }
}

const isFinished = ({ answeredMs, deadMs, droppedMs }) => (answeredMs ?? deadMs ?? droppedMs) !== undefined

function drawing(life, now, width) {
  const { picture: lifePicture, key } = picture(life, now, width)
  const frame = { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': t('traceBatch', life.batchId) }
  return [el('div', frame, lifePicture), key]
}

function lifeOf(life, holder, isOpen) {
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
  const end = life.deadMs
    ? t('lifeDied', life.error)
    : life.outcome && life.outcome !== 'completed'
      ? t('answeredNot', outcome(life.outcome))
      : ''
  return el(
    'article',
    { class: 'card life' },
    el('h3', {}, t('traceBatch', batchId), el('small', { text: ` ${dayOf(steps[0].atMs)}` })),
    el('p', { class: 'taken', text: said }),
    ...(end ? [el('p', { class: 'error', text: end })] : []),
    holder,
    el(
      'details',
      { 'data-batch': batchId, open: isOpen },
      el('summary', { text: t('steps') }),
      el('div', { class: 'scroll' }, stepsTable(steps)),
    ),
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
        text: saying(detail),
      }),
    )
  })
  return el('table', {}, el('tbody', {}, ...rows))
}
