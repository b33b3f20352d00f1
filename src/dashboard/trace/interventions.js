/** What people do to a conversation beside a pause: hand over now, discard what waits, forget it. Each is asked once. */
import { call, ofConversation } from '../api.js'
import { Asking } from '../asking.js'
import { html } from '../lit.js'
import { counted, t } from '../words.js'

export class Interventions {
  /** @param onDone called when something has been done: the lives have changed */
  constructor(onChange, onDone) {
    this.asking = new Asking(onChange, 'intervention')
    this.onDone = onDone
  }

  /** Of another conversation, what was said of the last one is not shown. */
  reset() {
    this.asking.reset()
  }

  view(id) {
    return html`
      <div class="interventions">
        ${questionsOf(id).map(question => this.button(question))}
        ${this.asking.said()}
        ${this.asking.dialog()}
      </div>`
  }

  button({ act, ...question }) {
    const { yes, name } = question
    const doIt = async () => {
      const said = await act()
      this.onDone()
      return said
    }
    return html`
      <button
        type="button"
        aria-label="${yes}: ${name}"
        aria-disabled=${this.asking.isBusy}
        @click=${() => this.asking.ask({ ...question, act: doIt })}
      >
        ${yes}
      </button>`
  }
}

const questionsOf = id => [
  {
    name: id,
    yes: t('flush'),
    title: t('flushTitle'),
    lead: t('flushLead'),
    act: async () => {
      const { count } = await call('POST', ofConversation('flush', id))
      return () => t('flushed', counted('message', count))
    },
  },
  {
    name: id,
    yes: t('drop'),
    title: t('dropTitle'),
    lead: t('dropLead'),
    act: async () => {
      const { dropped } = await call('DELETE', ofConversation('', id))
      return () => t('droppedNow', counted('message', dropped))
    },
  },
  {
    name: id,
    yes: t('forget'),
    title: t('forgetTitle'),
    lead: t('forgetLead'),
    act: async () => {
      const { messages, deadBatches } = await call('POST', ofConversation('forget', id))
      return () => t('forgotten', counted('message', messages), counted('deadBatch', deadBatches))
    },
  },
]
