/**
 * The conversations with something going on, soonest due first. Only the rows that can be seen exist, whatever their
 * number; a screen reader gets the number of all rows and the position of each.
 */
import { isVague, waitingIn } from '../conversations.js'
import { clock, countdown, numberText, round } from '../formats.js'
import { html, nothing, repeat } from '../lit.js'
import { Pausing } from '../pausing.js'
import { NO_WAITS, waitTexts } from '../waits.js'
import { counted, t } from '../words.js'

const ROWS_BEYOND = 4
/** Before the first row is measured. */
const USUAL_ROW_PX = 40

export class ConversationList {
  filter = ''
  rowPx = USUAL_ROW_PX
  scrollTop = 0
  heightPx = 0

  /** @param look asks for what is missing about a visible conversation @param onChange after a scroll or a filter */
  constructor({ look, onChange }) {
    this.look = look
    this.onChange = onChange
    this.pausing = new Pausing(onChange, 'conversations-title')
  }

  /** @param counts of all that are open and held; not all of them need be listed */
  view(conversations, counts, now) {
    const all = conversations.sorted()
    const found = this.filter ? all.filter(({ id }) => id.toLowerCase().includes(this.filter)) : all
    return html`
      <section class="card wide">
        <header>
          <h3 id="conversations-title" tabindex="-1">${t('conversations')}</h3>
          <span class="total" role="status">${totalOf(found.length, all, counts)}</span>
          <label for="filter">${t('filter')}</label>
          <input type="search" id="filter" @input=${event => this.search(event.target.value)} />
        </header>
        ${this.pausing.view()}
        ${this.table(found, conversations.rules, now)}
        <p class="empty" ?hidden=${found.length > 0}>${t('none')}</p>
      </section>`
  }

  table(found, rules, now) {
    const first = Math.max(Math.floor(this.scrollTop / this.rowPx) - ROWS_BEYOND, 0)
    const last = Math.ceil((this.scrollTop + this.heightPx) / this.rowPx) + ROWS_BEYOND
    const rows = found.slice(first, last).map((conversation, i) => ({ conversation, index: first + i }))
    return html`
      <div
        class="conversations"
        role="table"
        tabindex="0"
        aria-labelledby="conversations-title"
        aria-rowcount=${found.length + 1}
        ?hidden=${found.length === 0}
        @scroll=${event => this.scroll(event.target.scrollTop)}
      >
        <div role="rowgroup" class="heads">
          <div role="row" class="row head" aria-rowindex="1">
            ${['conversation', 'messagesHead', 'due', 'pauseHead'].map(key => html`<span role="columnheader">${t(key)}</span>`)}
          </div>
        </div>
        <div class="space" role="rowgroup" .style="height: ${found.length * this.rowPx}px">
          ${repeat(
            rows,
            ({ conversation }) => conversation.id,
            ({ conversation, index }) => this.row(conversation, index, rules, now),
          )}
        </div>
      </div>`
  }

  row(conversation, index, rules, now) {
    const { id, held, paused } = conversation
    if (isVague(conversation)) this.look(conversation)
    const waiting = waitingIn(conversation)
    return html`
      <div
        role="row"
        class="row ${held || paused ? 'held' : ''}"
        aria-rowindex=${index + 2}
        .style="transform: translateY(${index * this.rowPx}px)"
      >
        <span role="cell" class="name"><a href="#trace=${encodeURIComponent(id)}" title=${id}>${id}</a></span>
        <span role="cell" class="number">${waiting ? numberText(waiting) : '–'}</span>
        ${held || paused ? stayingCell(conversation, waiting, now) : dueCell(conversation, rules, now)}
        <span role="cell" class="act">${this.pausing.button(conversation)}</span>
      </div>`
  }

  search(text) {
    this.filter = text.trim().toLowerCase()
    this.onChange()
  }

  scroll(top) {
    this.scrollTop = top
    this.onChange()
  }

  /** After drawing: how high a row is and how many can be seen, which depends on the screen. */
  measure(section) {
    this.pausing.keepFocus(section)
    const table = section.querySelector('.conversations')
    const rowPx = section.querySelector('.space .row')?.offsetHeight ?? this.rowPx
    const { clientHeight, scrollTop } = table
    if (rowPx === this.rowPx && clientHeight === this.heightPx && scrollTop === this.scrollTop) return
    Object.assign(this, { rowPx, heightPx: clientHeight, scrollTop })
    this.onChange()
  }
}

/** The words for a conversation that is held, by the state of the batch that holds it. */
const HELD = { claimed: 'claimed', answering: 'answering', committed: 'committed' }

function totalOf(found, listed, { open, held }) {
  const paused = listed.filter(one => one.paused).length
  const all = Math.max(listed.length, open + held)
  if (found < all) return t('shown', numberText(found), numberText(all))
  const going = t('openAndHeld', numberText(open), numberText(held))
  return paused > 0 ? `${going} · ${t('pausedOfThem', numberText(paused))}` : going
}

/** What keeps its messages from going: a person has taken over, or a batch is being answered, or both. */
function stayingCell({ held, paused }, waiting, now) {
  const texts = [
    ...(paused ? [t('pausedFor', clock(paused.untilMs - now))] : []),
    ...(held ? [heldText(held, now)] : []),
    ...(waiting ? [counted(held ? 'messagesWait' : 'messagesCollected', waiting)] : []),
  ]
  return html`<span role="cell" class="due">${texts.join(' · ')}</span>`
}

function heldText({ state, sinceMs, isProvisional }, now) {
  const since = round(Math.max(Math.floor((now - sinceMs) / 1000) * 1000, 0))
  return t(isProvisional ? 'provisional' : HELD[state], since)
}

function dueCell({ open, waits = NO_WAITS }, { quietGapMs, maxWaitMs }, now) {
  const leftMs = open ? Math.max(open.dueMs - now, 0) : 0
  // Its own max wait may be longer than that of all: it is never due later than that.
  const waitMs = open?.firstMs ? Math.max(open.firstMs + maxWaitMs - now, leftMs) : 0
  const part = share => `--part: ${Math.min(share, 1)}`
  const bar = html`
    <div class="bar" aria-hidden="true">
      <div class="wait" .style=${part(waitMs / maxWaitMs)}></div>
      <div class="gap" .style=${part(leftMs / quietGapMs)}></div>
    </div>`
  const texts = waitTexts(waits, now).join(' · ')
  const why = texts ? html`<span class="why" title=${texts}>${texts}</span>` : bar
  return html`
    <span role="cell" class="due">
      <span class="when">${leftMs > 0 ? countdown(leftMs) : t('now')}</span>${leftMs > 0 ? why : nothing}
    </span>`
}
