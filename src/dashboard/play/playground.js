/**
 * The playground: people who write, each in a chat of their own, whose messages take the real way through the system.
 */
import { round } from '../formats.js'
import { html, nothing, render } from '../lit.js'
import { list, t } from '../words.js'
import { ComparisonLink } from './comparison-link.js'
import { comparisonView, WORK_MS } from './comparison-view.js'
import { Person } from './person.js'
import { personView } from './person-view.js'

const TICK_MS = 100
const SUFFIX_LENGTH = 4
const IDS = ['anna', 'boris', 'clara']

export class Playground {
  people = []
  /** Each tab has people of its own. */
  suffix = Math.random()
    .toString(36)
    .slice(2, 2 + SUFFIX_LENGTH)
  consented = false
  /** How long the bots that are compared work on an answer. */
  workMs = WORK_MS.at(-1)
  /** Whose messages are compared: who wrote last. */
  compared = 0
  link = new ComparisonLink({
    onRun: ({ person: id, mode, ...event }) => {
      const person = this.people.find(each => each.id === id)
      person?.comparison.run(mode, event, performance.now())
      this.draw()
    },
    onLost: trouble => {
      for (const { comparison } of this.people) comparison.engineLost(trouble)
      this.draw()
    },
  })

  constructor(section, feed) {
    this.section = section
    this.feed = feed
    feed.addEventListener('start', () => this.start())
    feed.addEventListener('step', ({ detail }) => this.apply(detail, person => person.step(detail)))
    feed.addEventListener('growth', ({ detail }) => this.apply(detail, person => person.grow(detail)))
    setInterval(() => this.tick(), TICK_MS)
  }

  start() {
    if (this.people.length === 0) this.people = IDS.map(id => this.person(`playground/${id}-${this.suffix}`))
    else for (const person of this.people) void person.catchUp()
    this.draw()
  }

  person(id) {
    return new Person(id, {
      feed: this.feed,
      workMs: this.workMs,
      compare: (person, written) => {
        if (written.messageIds) this.compared = this.people.indexOf(person)
        this.link.send({ person: id, workMs: this.workMs, ...written })
      },
      onChange: () => this.draw(),
    })
  }

  work(workMs) {
    this.workMs = workMs
    for (const { thirtyLines } of this.people) thirtyLines.thinkingMs = workMs
    this.draw()
  }

  apply({ conversationId }, change) {
    const person = this.people.find(({ id }) => id === conversationId)
    if (!person) return
    change(person)
    this.draw()
  }

  /** Countdowns run while a batch is open, or a bot has not answered. */
  tick() {
    const isCounting = ({ chat, comparison }) =>
      !comparison.isIdle || [...chat.batches.values()].some(({ state }) => state === 'open')
    if (!this.section.hidden && this.people.some(isCounting)) this.draw()
  }

  draw() {
    const { about } = this.feed
    if (!about) return
    render(this.view(about), this.section)
    for (const { id, follows } of this.people) {
      const chat = this.section.querySelector(`[data-id="${id}"] .chat`)
      if (follows) chat.scrollTop = chat.scrollHeight
    }
  }

  view(about) {
    const { quietGapMs, maxWaitMs } = about.rules
    const mustConsent = about.isOwnWorker && !this.consented
    const now = this.feed.now()
    const names = list('people')
    return html`
      <h2 id="play-title">${t('playTitle')}</h2>
      <p class="lead">${t('playLead', round(quietGapMs), round(maxWaitMs))}</p>
      ${about.batching ? nothing : html`<p class="notice">${t('notBatching')}</p>`}
      ${mustConsent ? this.question() : nothing}
      <div class="actions">
        <button
          type="button"
          class="primary"
          id="story"
          title=${t('storyTitle')}
          ?disabled=${mustConsent}
          @click=${() => void this.people[0]?.tell(list('storyLines'))}
        >
          ${t('story')}
        </button>
        <button type="button" title=${t('restartTitle')} @click=${() => this.restart()}>${t('restart')}</button>
      </div>
      ${comparisonView({
        comparison: this.people[this.compared].comparison,
        name: names[this.compared],
        about,
        workMs: this.workMs,
        choose: ms => this.work(ms),
        now: performance.now(),
      })}
      <div class="lanes" ?inert=${mustConsent}>
        ${this.people.map((person, i) => personView(person, names[i], about, now))}
      </div>`
  }

  question() {
    return html`
      <p class="notice">
        ${t('ownWorker')} <button type="button" @click=${() => this.consent()}>${t('ownWorkerYes')}</button>
      </p>`
  }

  restart() {
    for (const person of this.people) person.restartThirtyLines()
  }

  consent() {
    this.consented = true
    this.draw()
    this.section.querySelector('textarea')?.focus()
  }
}
