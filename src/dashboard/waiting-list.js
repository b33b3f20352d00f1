/**
 * The open conversations, soonest due first. Only the rows that can be seen exist, whatever their number; a screen reader is
 * told how many there are and which of them it reads.
 */
import { el, setText } from './dom.js'
import { countdown, numberText, round, t } from './words.js'

const ROW_PX = 40
const ROWS_BEYOND = 4

export class WaitingList {
  rows = []
  sorted = []
  filter = ''

  /** @param look asks for what is not known of a conversation that can be seen */
  constructor(look) {
    this.look = look
    this.input = el('input', {
      type: 'search',
      id: 'filter',
      oninput: () => {
        this.filter = this.input.value.trim().toLowerCase()
      },
    })
    this.total = el('span', { class: 'total', role: 'status' })
    this.space = el('div', { class: 'space', role: 'rowgroup' })
    this.empty = el('p', { class: 'empty' })
    this.head = el('div', { role: 'row', class: 'row head', 'aria-rowindex': '1' })
    this.scroller = el(
      'div',
      { class: 'waiting', role: 'table', tabindex: '0', 'aria-labelledby': 'waiting-title' },
      el('div', { role: 'rowgroup', class: 'heads' }, this.head),
      this.space,
    )
    this.scroller.addEventListener('scroll', () => this.draw(this.rules, this.now), { passive: true })
    this.title = el('h3', { id: 'waiting-title' })
    this.label = el('label', { for: 'filter' })
    this.element = el(
      'section',
      { class: 'card wide' },
      el('header', {}, this.title, this.total, this.label, this.input),
      this.scroller,
      this.empty,
    )
  }

  words() {
    setText(this.title, t('conversations'))
    setText(this.label, t('filter'))
    setText(this.empty, t('none'))
    const heads = ['conversation', 'messagesHead', 'goes']
    this.head.replaceChildren(...heads.map(key => el('span', { role: 'columnheader', text: t(key) })))
  }

  /** @param totals of the store, where the model does not have all */
  update(model, now, totals) {
    const all = [...model.conversations.values()]
    const found = this.filter ? all.filter(({ id }) => id.toLowerCase().includes(this.filter)) : all
    this.sorted = found.sort((a, b) => orderOf(a) - orderOf(b))
    const count = model.isPartial ? Math.max(totals.open + totals.held, all.length) : all.length
    setText(
      this.total,
      found.length < count ? t('shown', numberText(found.length), numberText(count)) : numberText(count),
    )
    this.empty.hidden = found.length > 0
    this.scroller.hidden = found.length === 0
    this.draw(model.rules, now)
  }

  draw(rules, now) {
    this.rules = rules
    this.now = now
    if (!rules || this.scroller.hidden) return
    this.space.style.setProperty('height', `${this.sorted.length * ROW_PX}px`)
    this.scroller.setAttribute('aria-rowcount', String(this.sorted.length + 1))
    const { scrollTop, clientHeight } = this.scroller
    const first = Math.max(Math.floor(scrollTop / ROW_PX) - ROWS_BEYOND, 0)
    const visible = this.sorted.slice(first, Math.ceil((scrollTop + clientHeight) / ROW_PX) + ROWS_BEYOND)
    while (this.rows.length < visible.length) this.addRow()
    this.rows.forEach((row, i) => {
      const conversation = visible[i]
      row.element.hidden = conversation === undefined
      if (conversation) this.drawRow(row, conversation, first + i, rules, now)
    })
  }

  addRow() {
    const row = {
      link: el('a'),
      count: el('span', { role: 'cell', class: 'number' }),
      when: el('span', { class: 'when' }),
    }
    row.gap = el('div', { class: 'gap' })
    row.wait = el('div', { class: 'wait' })
    row.bar = el('div', { class: 'bar', 'aria-hidden': 'true' }, row.wait, row.gap)
    row.element = el(
      'div',
      { role: 'row', class: 'row' },
      el('span', { role: 'cell', class: 'name' }, row.link),
      row.count,
      el('span', { role: 'cell', class: 'goes' }, row.when, row.bar),
    )
    this.rows.push(row)
    this.space.append(row.element)
  }

  drawRow(row, conversation, index, rules, now) {
    const { id, open, held, sealed } = conversation
    if (open && (open.count === undefined || open.firstMs === undefined)) this.look(conversation)
    row.element.style.setProperty('transform', `translateY(${index * ROW_PX}px)`)
    row.element.setAttribute('aria-rowindex', String(index + 2))
    row.element.classList.toggle('held', held !== undefined)
    if (row.id !== id) {
      row.id = id
      setText(row.link, id)
      row.link.href = `#trace=${encodeURIComponent(id)}`
      row.link.title = id
    }
    const count = (open?.count ?? 0) + sealed.reduce((sum, batch) => sum + batch.count, 0)
    setText(row.count, open && open.count === undefined ? '–' : count > 0 ? numberText(count) : '–')
    const left = open ? Math.max(open.dueMs - now, 0) : 0
    setText(row.when, held ? heldText(held, count, now) : open && left > 0 ? countdown(left) : t('now'))
    row.gap.style.setProperty('--part', String(Math.min(left / rules.quietGapMs, 1)))
    const waitLeft = open?.firstMs ? Math.max(open.firstMs + rules.maxWaitMs - now, 0) / rules.maxWaitMs : 0
    row.wait.style.setProperty('--part', String(Math.min(waitLeft, 1)))
    row.bar.hidden = !open || left === 0
  }
}

function heldText({ state, sinceMs }, behind, now) {
  const since = round(Math.max(Math.floor((now - sinceMs) / 1000) * 1000, 0))
  const text = t(state === 'claimed' ? 'claimed' : 'answering', since)
  return behind > 0 ? `${text} · ${t('waitsBehind', numberText(behind))}` : text
}

/** Held ones after all that can go. */
const orderOf = ({ held, open, sealed }) =>
  held ? Number.MAX_SAFE_INTEGER : sealed.length > 0 ? 0 : (open?.dueMs ?? 0)
