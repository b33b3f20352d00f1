/** The playground: people who write, each in a chat of their own, whose messages take the real way through the system. */
import { el } from './dom.js'
import { Person } from './person.js'
import { round, t, words } from './words.js'

const TICK_MS = 100
const SUFFIX_LENGTH = 4
const IDS = ['anna', 'boris', 'clara']

export class Playground {
  people = []
  /** Another tab's people are others. */
  suffix = Math.random()
    .toString(36)
    .slice(2, 2 + SUFFIX_LENGTH)
  consented = false

  constructor(section, feed) {
    this.section = section
    this.feed = feed
    feed.addEventListener('start', ({ detail }) => this.start(detail))
    feed.addEventListener('step', ({ detail }) => this.personOf(detail)?.step(detail))
    feed.addEventListener('growth', ({ detail }) => this.personOf(detail)?.grew(detail))
    setInterval(() => this.tick(), TICK_MS)
  }

  /** In another language: what was said so far stays as it was. */
  draw() {
    const { about } = this.feed
    if (!about) return
    const { quietGapMs, maxWaitMs } = about.rules
    const asks = about.isOwnWorker && !this.consented
    const notice = el(
      'p',
      { class: 'notice' },
      `${t('ownWorker')} `,
      el('button', { type: 'button', text: t('ownWorkerYes'), onclick: () => this.consent() }),
    )
    this.lanes ??= el('div', { class: 'lanes' })
    this.lanes.toggleAttribute('inert', asks)
    this.section.replaceChildren(
      el('h2', { id: 'play-title', text: t('playTitle') }),
      el('p', { class: 'lead', text: t('playLead', round(quietGapMs), round(maxWaitMs)) }),
      ...(about.batching ? [] : [el('p', { class: 'notice', text: t('notBatching') })]),
      ...(asks ? [notice] : []),
      el(
        'div',
        { class: 'actions' },
        el('button', {
          type: 'button',
          class: 'primary',
          id: 'story',
          text: t('story'),
          title: t('storyTitle'),
          disabled: asks,
          onclick: () => void this.people[0]?.tell(words('storyLines')),
        }),
        el('button', {
          type: 'button',
          text: t('restart'),
          title: t('restartTitle'),
          onclick: () => {
            for (const person of this.people) person.naive.restart()
          },
        }),
      ),
      this.lanes,
    )
    words('people').forEach((name, i) => {
      this.people[i]?.draw(name)
    })
  }

  start({ history }) {
    if (this.people.length === 0) {
      this.people = words('people').map((name, i) => new Person(name, `playground/${IDS[i]}-${this.suffix}`, this.feed))
      this.draw()
      this.lanes.append(...this.people.map(person => person.element))
    } else if (history) {
      // What happened while the connection was lost.
      for (const person of this.people)
        person.catchUp(history.toReversed().filter(({ conversationId }) => conversationId === person.id))
      this.draw()
    }
  }

  personOf({ conversationId }) {
    return this.people.find(({ id }) => id === conversationId)
  }

  tick() {
    if (this.section.hidden) return
    const now = this.feed.now()
    for (const person of this.people) person.tick(now)
  }

  consent() {
    this.consented = true
    this.draw()
    this.section.querySelector('textarea')?.focus()
  }
}
