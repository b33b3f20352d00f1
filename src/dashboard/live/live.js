/**
 * The live view: is anything wrong, how much there is of everything, what was released and why, dead batches, webhooks.
 */
import { call } from '../api.js'
import { numberText } from '../formats.js'
import { html, nothing, render } from '../lit.js'
import { t } from '../words.js'
import { Chart } from './chart.js'
import { ConversationList } from './conversation-list.js'
import { DeadList } from './dead-list.js'
import { tiles } from './tiles.js'
import { Verdict } from './verdict.js'
import { webhooksView } from './webhooks-view.js'

const TICK_MS = 250
/** Steps that change the list of dead batches. */
const CHANGE_DEAD = new Set(['dead', 'redriven', 'discarded'])
/** The queue's counts and the webhooks are not in the events: they are asked for while somebody looks. */
const ASK_EVERY_MS = 5000

export class Live {
  verdict = new Verdict()
  chart = new Chart()
  askedAtMs = 0
  /** Steps that were summed up in the last summary. */
  skipped = 0

  constructor(section, feed) {
    this.section = section
    this.feed = feed
    this.dead = new DeadList(() => this.draw())
    this.list = new ConversationList({
      look: conversation => void feed.look(conversation),
      onChange: () => this.draw(),
    })
    feed.addEventListener('start', () => {
      this.skipped = 0
      this.dead.isCurrent = false
      this.draw()
    })
    feed.addEventListener('step', ({ detail: { step } }) => {
      if (CHANGE_DEAD.has(step)) this.dead.isCurrent = false
    })
    feed.addEventListener('summary', ({ detail: { skipped, steps } }) => {
      this.skipped = skipped
      if (Object.keys(steps).some(step => CHANGE_DEAD.has(step))) this.dead.isCurrent = false
    })
    setInterval(() => this.tick(), TICK_MS)
  }

  tick() {
    const { feed } = this
    if (this.section.hidden || !feed.about) return
    if (feed.state === 'connected') {
      if (Date.now() - this.askedAtMs > ASK_EVERY_MS) void this.ask()
      this.dead.refresh()
    }
    this.draw()
  }

  async ask() {
    this.askedAtMs = Date.now()
    try {
      this.feed.about = await call('GET', 'page/state')
      this.verdict.look(this.feed.about)
    } catch (error) {
      // Sooner than the next beat says so. The feed notices a lost connection itself.
      if (error.status === 503) this.feed.setStoreTrouble(error.message)
    }
  }

  draw() {
    const { feed } = this
    if (this.section.hidden || !feed.about) return
    // While the connection is lost, countdowns stop: they may be wrong.
    if (feed.state !== 'lost') this.now = feed.now()
    render(this.view(feed), this.section)
    this.list.measure(this.section)
    this.chart.measure(this.section)
  }

  view(feed) {
    const { about, conversations, releases } = feed
    const { now } = this
    conversations.endPauses(now)
    const counts = conversations.counts(about.totals)
    const dead = this.dead.count(about.totals)
    const isCurrent = feed.state !== 'lost' && feed.storeTrouble === undefined
    return html`
      <h2 id="live-title">${t('liveTitle')}</h2>
      ${this.verdict.view({ about, dead, now, isCurrent })}
      ${tiles({ about, counts, releases, dead, now })}
      <p class="notice" role="status" ?hidden=${this.skipped === 0}>
        ${this.skipped > 0 ? t('summed', numberText(this.skipped)) : nothing}
      </p>
      <section class="card wide">
        <h3>${t('chart')}</h3>
        <div class="plot">${this.chart.view(releases, now)}</div>
      </section>
      ${this.list.view(conversations, counts, now)}
      ${this.dead.view()}
      ${webhooksView(about.webhooks)}`
  }
}
