/**
 * One person of the playground: what they wrote, in the batches it was taken into, and what became of each, as the history
 * tells it. Nothing is guessed: a batch is shown when its first step has come.
 */
import { call } from './api.js'
import { el, setText } from './dom.js'
import { ThirtyLines } from './naive.js'
import { countdown, counted, duration, outcome as inWords, reason, t } from './words.js'

const TYPING_EVERY_MS = 1500
const STORY_PAUSE_MS = 700
/** The afterthought comes so long after the batch was taken. */
const AFTERTHOUGHT_MS = 1200
const BATCHES_SHOWN = 20
const STEPS_KEPT = 2000
const LINES_AT_ONCE = 50
const NEARLY_PX = 40

export class Person {
  batches = new Map()
  /** By message id: its bubble and its text. */
  sent = new Map()
  last
  typedAtMs = 0
  stepsSeen = new Set()
  /** The batch whose answer is pending. */
  holding
  /** The end of the chat is kept in sight. */
  follows = true
  isTelling = false

  constructor(name, id, feed) {
    const { rules, thinkingMs, isOwnWorker } = feed.about
    this.id = id
    this.feed = feed
    this.rules = rules
    // How long somebody's own worker takes shows when it has answered.
    this.naive = new ThirtyLines(rules.quietGapMs, isOwnWorker ? 0 : thinkingMs)
    this.naive.addEventListener('change', () => this.drawNaive())
    this.log = el('div', { class: 'chat', role: 'log', tabindex: '0' })
    // Whoever has scrolled up is left there.
    this.log.addEventListener('scroll', () => {
      const { scrollTop, clientHeight, scrollHeight } = this.log
      this.follows = scrollTop + clientHeight > scrollHeight - NEARLY_PX
    })
    this.unsorted = el('div', { class: 'unsorted' })
    this.log.append(this.unsorted)
    this.input = el('textarea', {
      rows: '1',
      autocomplete: 'off',
      oninput: () => this.typing(),
      onkeydown: event => this.key(event),
    })
    this.heading = el('h3')
    this.link = el('a', { href: `#trace=${encodeURIComponent(id)}`, class: 'id' })
    this.buttons = { send: el('button', { class: 'primary' }) }
    this.buttons.typing = el('button', { type: 'button', onclick: () => this.sign() })
    this.buttons.again = el('button', { type: 'button', onclick: () => void this.again() })
    this.thirty = el('ol')
    this.thirtyLead = el('summary')
    this.element = el(
      'article',
      { class: 'person' },
      el('header', {}, this.heading, this.link),
      this.log,
      el(
        'form',
        { onsubmit: event => this.submit(event) },
        this.input,
        this.buttons.send,
        el('div', { class: 'small' }, this.buttons.typing, this.buttons.again),
      ),
      el('details', { class: 'thirty', open: true }, this.thirtyLead, this.thirty),
    )
    this.draw(name)
  }

  draw(name) {
    this.name = name
    setText(this.heading, name)
    setText(this.link, this.id)
    this.link.setAttribute('aria-label', `${t('seeTrace')}: ${this.id}`)
    this.log.setAttribute('aria-label', name)
    this.input.setAttribute('aria-label', `${name}: ${t('say')}`)
    this.input.placeholder = t('write')
    setText(this.buttons.send, t('send'))
    setText(this.buttons.typing, t('typingSign'))
    this.buttons.typing.title = t('typingTitle')
    setText(this.buttons.again, t('again'))
    this.buttons.again.title = t('againTitle')
    setText(this.thirtyLead, t('thirtyLines'))
    this.drawNaive()
  }

  // What they do.

  submit(event) {
    event.preventDefault()
    const lines = this.input.value.split('\n').flatMap(line => (line.trim() === '' ? [] : [line.trim()]))
    this.input.value = ''
    if (lines.length > 0) void this.say(lines.slice(0, LINES_AT_ONCE))
  }

  key(event) {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
    event.preventDefault()
    this.input.form.requestSubmit()
  }

  /** Each line is a message; they are sent together, as a paste is. */
  say(lines) {
    const messages = lines.map(text => ({ messageId: crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`, text }))
    for (const { messageId, text } of messages) {
      const bubble = el('p', { class: 'bubble pending', text })
      this.sent.set(messageId, { bubble, text })
      this.unsorted.append(bubble)
      this.naive.append(text, messageId)
    }
    this.last = messages.at(-1)
    this.follows = true
    this.scroll()
    return this.send(messages)
  }

  async again() {
    if (!this.last) return
    const { messageId, text } = this.last
    this.naive.append(text, messageId)
    const answer = await this.send([this.last])
    if (answer?.duplicates) this.note(t('duplicate'), this.sent.get(messageId)?.bubble)
  }

  async send(messages) {
    try {
      const answer = await call('POST', `conversations/messages?id=${encodeURIComponent(this.id)}`, messages)
      if (answer.accepted > 0) this.taken(answer, messages)
      return answer
    } catch (error) {
      for (const { messageId } of messages) {
        const bubble = this.sent.get(messageId)?.bubble
        if (bubble?.classList.contains('pending')) this.note(t('notSent', error.message), bubble)
      }
      return undefined
    }
  }

  /** Whoever writes the next message is typing. */
  typing() {
    if (this.input.value !== '' && performance.now() - this.typedAtMs > TYPING_EVERY_MS) this.sign()
  }

  sign() {
    this.typedAtMs = performance.now()
    this.naive.sawTyping()
    // A sign that gets lost is only a sign.
    call('POST', `conversations/typing?id=${encodeURIComponent(this.id)}`, {}).catch(() => {})
  }

  /** The story: a burst, one delivered twice, and an afterthought while the answer is pending. */
  async tell(lines) {
    if (this.isTelling) return
    this.isTelling = true
    for (const [i, line] of lines.slice(0, -1).entries()) {
      await this.say([line])
      if (i === 1) await this.again()
      await pause(STORY_PAUSE_MS)
    }
    this.afterthought = lines.at(-1)
  }

  // What became of it.

  step(entry) {
    if (this.stepsSeen.has(entry.id)) return
    this.stepsSeen.add(entry.id)
    if (this.stepsSeen.size > STEPS_KEPT) this.stepsSeen.delete(this.stepsSeen.values().next().value)
    const { step, batchId, atMs, detail } = entry
    const batch = this.batchOf(batchId)
    switch (step) {
      case 'opened':
        batch.firstMs = atMs
        this.place(batch, idsOf(detail.ids))
        break
      case 'appended':
        this.place(batch, idsOf(detail.ids))
        break
      case 'extended':
        setText(batch.note, t('extendedBy', duration(Number(detail.byMs ?? 0))))
        break
      case 'claimed':
        this.release(batch, detail)
        break
      case 'handed-over':
        batch.handedOverMs ??= atMs
        if (this.rules.order !== 'serial' || batch.state === 'answered') break
        batch.state = 'answering'
        setText(batch.note, t('thinking'))
        break
      case 'nacked':
        setText(batch.note, t('tryingAgain', detail.error ?? ''))
        break
      case 'dead':
        batch.state = 'dead'
        setText(batch.note, t('died', detail.error ?? ''))
        this.free(batchId)
        break
      case 'answered':
        if (batch.state !== 'answered') this.answered(batch, detail.outcome ?? 'completed', atMs)
        this.free(batchId)
        break
    }
    batch.element.dataset.state = batch.state
    this.tick(atMs)
    this.scroll()
  }

  /** They are in the batch that the answer names; where a cap has closed one before it, its claim says which were in that. */
  taken({ batchId, dueInMs }, messages) {
    const batch = this.batchOf(batchId)
    this.place(
      batch,
      messages.flatMap(({ messageId }) => (this.sent.get(messageId)?.batch ? [] : [messageId])),
    )
    if (batch.state === 'open')
      this.collecting(batch, Math.max(batch.texts.length, batch.total), this.feed.now() + dueInMs)
    this.scroll()
  }

  /** @param growth with `dueMs`, by the server's clock */
  grew({ batchId, count, dueMs }) {
    const batch = this.batchOf(batchId)
    if (batch.state === 'open') this.collecting(batch, count, dueMs)
  }

  /** With what happened while the connection was lost. */
  catchUp(steps) {
    for (const entry of steps) this.step(entry)
    const { batchId, count, dueMs } = this.feed.model.conversations.get(this.id)?.open ?? {}
    if (batchId) this.grew({ batchId, count: count ?? this.batchOf(batchId).total, dueMs })
  }

  batchOf(batchId) {
    const known = this.batches.get(batchId)
    if (known) return known
    const batch = { batchId, state: 'open', total: 0, firstMs: this.feed.now(), dueMs: 0, texts: [] }
    batch.messages = el('div', { class: 'messages' })
    batch.count = el('span', { class: 'count' })
    batch.timer = el('span', { class: 'timer', 'aria-hidden': 'true' })
    batch.gap = el('div', { class: 'gap' })
    batch.wait = el('div', { class: 'wait' })
    batch.bar = el('div', { class: 'bar', role: 'progressbar', 'aria-label': t('dueIn', '') }, batch.wait, batch.gap)
    batch.note = el('p', { class: 'note' })
    batch.element = el(
      'section',
      { class: 'batch' },
      batch.messages,
      el('div', { class: 'status' }, batch.count, batch.timer),
      batch.bar,
      batch.note,
    )
    this.batches.set(batchId, batch)
    this.unsorted.before(batch.element)
    if (this.batches.size > BATCHES_SHOWN) {
      const [oldest] = this.batches
      oldest?.[1].element.remove()
      this.batches.delete(oldest?.[0])
    }
    return batch
  }

  place(batch, ids) {
    for (const id of ids) {
      const sent = this.sent.get(id)
      if (!sent || sent.batch === batch) continue
      sent.batch?.texts.splice(sent.batch.texts.indexOf(sent.text), 1)
      sent.batch = batch
      sent.bubble.classList.remove('pending')
      batch.messages.append(sent.bubble)
      batch.texts.push(sent.text)
    }
  }

  collecting(batch, total, dueMs) {
    if (total > batch.total) setText(batch.note, '')
    batch.total = total
    batch.dueMs = dueMs
    setText(batch.count, `${counted('message', total)}, ${t('collecting')}`)
  }

  release(batch, detail) {
    batch.state = 'claimed'
    this.holding = batch.batchId
    batch.total = Number(detail.count ?? batch.total)
    this.place(batch, idsOf(detail.ids))
    batch.bar.remove()
    setText(batch.timer, '')
    setText(
      batch.count,
      t(
        'released',
        counted('message', batch.total),
        upperFirst(reason(detail.reason)),
        duration(Number(detail.lateMs ?? 0)),
      ),
    )
    if (this.afterthought) {
      const line = this.afterthought
      this.afterthought = undefined
      void pause(AFTERTHOUGHT_MS).then(() => {
        this.isTelling = false
        return this.say([line])
      })
    }
  }

  answered(batch, outcome, atMs) {
    batch.state = 'answered'
    if (this.feed.about.isOwnWorker) {
      this.answeredElsewhere(batch, outcome, atMs)
      return
    }
    setText(batch.note, '')
    const text =
      outcome === 'completed'
        ? t('answerTo', counted('batchMessages', batch.total ?? 0), batch.texts.join(' · '))
        : t('answeredNot', inWords(outcome))
    batch.element.append(el('p', { class: 'bubble bot', text }))
  }

  /** What somebody's own worker said, and to whom, is not known here: only when it was done. */
  answeredElsewhere(batch, outcome, atMs) {
    const tookMs = batch.handedOverMs === undefined ? undefined : atMs - batch.handedOverMs
    if (outcome !== 'completed') setText(batch.note, t('answeredNot', inWords(outcome)))
    else if (tookMs === undefined) setText(batch.note, t('answeredSomewhen'))
    else {
      setText(batch.note, t('answeredAfter', duration(tookMs)))
      this.naive.thinkingMs = tookMs
    }
  }

  free(batchId) {
    if (this.holding === batchId) this.holding = undefined
  }

  tick(now) {
    const open = [...this.batches.values()].filter(batch => batch.state === 'open' && batch.dueMs > 0)
    for (const batch of open) this.count(batch, now)
    if (open.length > 0) this.scroll()
  }

  count(batch, now) {
    const { quietGapMs, maxWaitMs } = this.rules
    const left = Math.max(batch.dueMs - now, 0)
    const maxLeft = Math.max(batch.firstMs + maxWaitMs - now, 0)
    batch.gap.style.setProperty('--part', String(Math.min(left / quietGapMs, 1)))
    batch.wait.style.setProperty('--part', String(Math.min(maxLeft / maxWaitMs, 1)))
    batch.bar.setAttribute('aria-valuenow', String(Math.round((1 - Math.min(left / quietGapMs, 1)) * 100)))
    const held = this.holding !== undefined && this.holding !== batch.batchId
    const when = left > 0 ? t('dueIn', countdown(left)) : held ? '' : t('isDue')
    setText(batch.timer, left > 0 ? `${when} · ${t('atMost', countdown(maxLeft))}` : when)
    if (held) setText(batch.note, t(left > 0 ? 'heldBack' : 'heldDue'))
    else if (batch.wasHeld) setText(batch.note, '')
    batch.wasHeld = held
    batch.element.classList.toggle('held', held)
  }

  note(text, bubble) {
    if (!bubble) return
    const note = bubble.nextElementSibling?.classList.contains('remark') ? bubble.nextElementSibling : undefined
    if (note) setText(note, text)
    else bubble.after(el('p', { class: 'remark', text }))
  }

  drawNaive() {
    const entries = this.naive.log.map(entry => {
      if (entry.forgot) return el('li', { class: 'bad', text: t('thirtyForgot', counted('message', entry.forgot)) })
      const faults = ['overlaps', 'twice', 'early'].filter(fault => entry[fault])
      const words = { overlaps: 'thirtyOverlap', twice: 'thirtyTwice', early: 'thirtyEarly' }
      return el(
        'li',
        { class: faults.length > 0 ? 'bad' : undefined },
        t('thirtyAnswer', entry.texts.join(' · ')),
        ...faults.map(fault => el('em', { text: t(words[fault]) })),
      )
    })
    const { texts } = this.naive
    if (texts.length > 0)
      entries.push(el('li', { class: 'waits', text: t('thirtyWaits', texts.map(({ text }) => text).join(' · ')) }))
    if (entries.length === 0) entries.push(el('li', { class: 'waits', text: t('thirtyNothing') }))
    this.thirty.replaceChildren(...entries)
  }

  scroll() {
    if (this.follows) this.log.scrollTop = this.log.scrollHeight
  }
}

const pause = ms => new Promise(resolve => setTimeout(resolve, ms))

const upperFirst = text => text.charAt(0).toUpperCase() + text.slice(1)

function idsOf(text) {
  try {
    return JSON.parse(text ?? '[]')
  } catch {
    // Of a later version, perhaps: the batch is shown without its messages.
    return []
  }
}
